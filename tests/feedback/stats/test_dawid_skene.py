"""Dawid & Skene's model reproduces their paper, recovers what votes were drawn from, and admits too little."""

import random
from collections import Counter, defaultdict
from math import log, prod

import pytest

from feedback.stats.dawid_skene import DawidSkeneModel, Vote, dawid_skene

# Table 1 of the paper: 45 patients, fitness for anaesthesia 1-4; the first observer judged each form three times.
PATIENTS_1979 = """
111 1 1 1 1  333 4 3 3 4  112 2 1 2 2  222 3 1 2 1  222 3 2 2 2  222 3 3 2 2  122 2 1 1 1  333 3 4 3 3  222 2 2 2 3
232 2 2 2 3  444 4 4 4 4  222 3 3 4 3  111 1 1 1 1  222 3 2 1 2  121 1 1 1 1  111 2 1 1 1  111 1 1 1 1  111 1 1 1 1
222 2 2 2 1  222 1 3 2 2  222 2 2 2 2  222 2 2 2 1  222 3 2 2 2  221 2 2 2 2  111 1 1 1 1  111 1 1 1 1  232 2 2 2 2
111 1 1 1 1  111 1 1 1 1  112 1 1 2 1  111 1 1 1 1  333 3 2 3 3  111 1 1 1 1  222 2 2 2 2  222 3 2 3 2  433 4 3 4 3
221 2 2 3 2  232 3 2 3 3  333 3 4 3 2  111 1 1 1 1  111 1 1 1 1  121 2 1 1 1  232 2 2 2 2  121 1 1 1 1  222 2 2 2 2
"""
FIRST_OBSERVER_1979 = [(0.89, 0.11, 0.0, 0.0), (0.07, 0.88, 0.05, 0.0), (0.0, 0.34, 0.66, 0.0), (0.0, 0.0, 0.56, 0.44)]


def votes_1979() -> list[Vote]:
    cells = PATIENTS_1979.split()
    return [
        Vote(f"patient {at // 5 + 1}", f"observer {at % 5 + 1}", label)
        for at, cell in enumerate(cells)
        for label in cell
    ]


def drawn(
    items: int, *, skills: list[float], priors: dict[str, float], missing: float, seed: int
) -> tuple[dict[str, str], list[Vote]]:
    """The truth, and the votes of raters who are right with their skill and otherwise name any other label."""
    rng = random.Random(seed)
    truth = {f"i{at}": rng.choices(list(priors), list(priors.values()))[0] for at in range(items)}
    votes = [
        Vote(item, f"r{at}", label if rng.random() < skill else rng.choice([x for x in priors if x != label]))
        for item, label in truth.items()
        for at, skill in enumerate(skills)
        if rng.random() >= missing
    ]
    return truth, votes


def estimated(votes: list[Vote]) -> DawidSkeneModel:
    model = dawid_skene(votes).model
    assert model is not None and model.converged
    return model


def written_again(votes: list[Vote], steps: int) -> tuple[dict[str, list[float]], float]:
    """Equations 2.3 to 2.7 of the paper as they stand, in loops; posteriors and log likelihood after so many steps."""
    labels, by_item = sorted({vote.label for vote in votes}), defaultdict(list)
    for vote in votes:
        by_item[vote.item].append(vote)
    shares = {i: [sum(v.label == x for v in seen) / len(seen) for x in labels] for i, seen in by_item.items()}
    likelihood = 0.0
    for _ in range(steps):
        weight: Counter[tuple[str, int, str]] = Counter()
        total: Counter[tuple[str, int]] = Counter()
        for vote in votes:
            for j, share in enumerate(shares[vote.item]):
                weight[vote.rater, j, vote.label] += share  # type: ignore[assignment]
                total[vote.rater, j] += share  # type: ignore[assignment]
        priors = [sum(share[j] for share in shares.values()) / len(shares) for j in range(len(labels))]
        likelihood = 0.0
        for item, seen in by_item.items():
            joint = [
                priors[j] * prod(weight[v.rater, j, v.label] / (total[v.rater, j] or 1.0) for v in seen)
                for j in range(len(labels))
            ]
            shares[item] = [value / sum(joint) for value in joint]
            likelihood += log(sum(joint))
    return shares, likelihood


def test_the_anaesthetists_of_1979_are_reproduced() -> None:
    model = estimated(votes_1979())
    assert [round(share, 2) for share in model.priors] == [0.40, 0.42, 0.11, 0.07]
    first = model.raters["observer 1"]
    assert [tuple(round(rate, 2) for rate in row or ()) for row in first.rates] == FIRST_OBSERVER_1979
    assert (first.votes, model.raters["observer 2"].votes) == (135, 45)
    assert {item for item in model.posteriors if model.likeliest(item)[0] == "4"} == {
        "patient 2", "patient 11", "patient 36",
    }  # fmt: skip


@pytest.mark.parametrize("missing", [0.0, 0.5])
def test_the_equations_of_the_paper_written_again_give_the_same_even_where_ratings_are_missing(missing: float) -> None:
    kept = random.Random(4)
    votes = [vote for vote in votes_1979() if kept.random() >= missing]
    model = estimated(votes)
    shares, likelihood = written_again(votes, model.iterations)
    assert model.log_likelihood == pytest.approx(likelihood, abs=1e-6)
    for item, expected in shares.items():
        assert model.posteriors[item] == pytest.approx(expected, abs=1e-6)


def test_it_recovers_the_raters_and_the_priors_and_beats_the_majority_where_raters_differ_much() -> None:
    skills = [0.97, 0.9, 0.65, 0.55, 0.55]
    truth, votes = drawn(1_500, skills=skills, priors={"a": 0.7, "b": 0.3}, missing=0.0, seed=1)
    model = estimated(votes)
    assert dict(zip(model.labels, model.priors, strict=True)) == pytest.approx({"a": 0.7, "b": 0.3}, abs=0.04)
    found = [model.raters[f"r{at}"].accuracy for at in range(len(skills))]
    assert found == pytest.approx(skills, abs=0.04)
    named: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for vote in votes:
        named[vote.item][vote.label] += 1
    majority = sum(named[item].most_common(1)[0][0] == label for item, label in truth.items())
    assert sum(model.likeliest(item)[0] == label for item, label in truth.items()) > majority + 50


def test_a_rare_label_does_not_vanish() -> None:
    priors = {"common": 0.97, "rare": 0.02, "rarest": 0.01}
    truth, votes = drawn(3_000, skills=[0.9] * 7, priors=priors, missing=0.3, seed=2)
    model = estimated(votes)
    assert dict(zip(model.labels, model.priors, strict=True)) == pytest.approx(priors, abs=0.01)
    rarest = [item for item, label in truth.items() if label == "rarest"]
    assert sum(model.likeliest(item)[0] == "rarest" for item in rarest) >= 0.9 * len(rarest)


def test_most_ratings_may_be_missing() -> None:
    _, votes = drawn(4_000, skills=[0.85] * 20, priors={"a": 0.6, "b": 0.4}, missing=0.85, seed=3)
    model = estimated(votes)
    assert model.priors == pytest.approx((0.6, 0.4), abs=0.04)
    assert [model.raters[f"r{at}"].accuracy for at in range(20)] == pytest.approx([0.85] * 20, abs=0.07)
    assert all(sum(shares) == pytest.approx(1.0) for shares in model.posteriors.values())


def test_a_rater_who_never_saw_a_label_has_no_rates_for_it() -> None:
    votes = [Vote(f"i{at}", rater, "ab"[at % 2]) for at in range(20) for rater in ("x", "y", "z")]
    votes += [Vote("i0", "newcomer", "a")]
    newcomer = estimated(votes).raters["newcomer"]
    assert (newcomer.rates, newcomer.accuracy, newcomer.votes) == (((1.0, 0.0), None), 1.0, 1)


def test_the_order_of_the_votes_does_not_matter() -> None:
    votes = votes_1979()
    shuffled = random.Random(5).sample(votes, len(votes))
    one, other = estimated(votes), estimated(shuffled)
    assert one.priors == pytest.approx(other.priors, abs=1e-12)
    assert one.raters.keys() == other.raters.keys()


def test_a_limit_on_the_steps_is_kept_and_said() -> None:
    model = dawid_skene(votes_1979(), max_iterations=2).model
    assert model is not None and (model.iterations, model.converged) == (2, False)


@pytest.mark.parametrize(
    "votes, reason",
    [
        ([], "3 raters, found 0"),
        ([Vote(f"i{at}", rater, "ab"[at % 2]) for at in range(50) for rater in "xy"], "3 raters, found 2"),
        ([Vote(f"i{at}", rater, "ab"[at % 2]) for at in range(9) for rater in "xyz"], "10 items"),
        ([Vote(f"i{at}", "xyz"[at % 3], "ab"[at % 2]) for at in range(90)], "10 items rated by two or more raters"),
        ([Vote(f"i{at}", rater, "a") for at in range(50) for rater in "xyz"], "every rating is the same"),
    ],
)
def test_too_little_to_go_by_is_said_and_never_a_number(votes: list[Vote], reason: str) -> None:
    fit = dawid_skene(votes)
    assert fit.model is None and fit.reason is not None
    assert "not enough data" in fit.reason and reason in fit.reason
    assert fit.votes == len(votes)


@pytest.mark.parametrize("limits", [{"tolerance": 0.0}, {"tolerance": float("nan")}, {"max_iterations": 0}])
def test_limits_that_mean_nothing_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        dawid_skene([], **limits)  # type: ignore[arg-type]
