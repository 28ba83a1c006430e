"""Accuracy by arm, reliance and the effect of showing, on data whose truth is known."""

import random

import pytest
from scipy import stats
from statsmodels.regression.linear_model import WLS

from feedback.stats.bounds import student_quantile
from feedback.stats.reliance import Seen, Share, accuracy_by_arm, reliance
from feedback.stats.showing import BY_CASE, BY_REVIEWER, effect_of_showing

WORLDS = 500


def seen(arm: str, truth: str, machine: str, final: str, first: str | None = None, **more: object) -> Seen:
    return Seen(arm, 0.5, str(more.get("reviewer", "a")), truth, machine, final, first)


@pytest.mark.parametrize("p", [0.5, 0.8, 0.95, 0.975, 0.995])
@pytest.mark.parametrize("degrees", [1, 2, 4, 11, 30, 200])
def test_students_quantile_is_scipys(p: float, degrees: int) -> None:
    assert student_quantile(p, degrees) == pytest.approx(stats.t.ppf(p, degrees), abs=1e-6)


def test_reliance_by_hand() -> None:
    """Ten cases of each of the four starts that Schemmer et al. 2023 tell apart (figure 1), and two right both."""
    cases = (
        [seen("after", "y", "y", "y", first="n")] * 6  # wrong at first, right advice taken: correct AI reliance
        + [seen("after", "y", "y", "n", first="n")] * 4  # right advice ignored: under-reliance
        + [seen("after", "y", "n", "y", first="y")] * 7  # wrong advice resisted: correct self-reliance
        + [seen("after", "y", "n", "n", first="y")] * 3  # wrong advice taken: over-reliance
        + [seen("after", "y", "y", "y", first="y")] * 2
        + [seen("never", "y", "n", "n", first="n"), seen("before", "y", "n", "n")]
    )
    found = reliance(cases, enough=1)
    assert found.n == 22
    assert (found.rair.k, found.rair.n, found.rair.value) == (6, 10, 0.6)
    assert (found.rsr.k, found.rsr.n, found.rsr.value) == (7, 10, 0.7)
    assert (found.switch.k, found.switch.n) == (9, 20)
    assert (found.agreement.k, found.agreement.n) == (11, 22)
    assert (found.over.k, found.over.n) == (3, 10)
    assert (found.under.k, found.under.n) == (4, 12)


def test_accuracy_by_arm_leaves_out_unaided_judgements_there_were_none_of() -> None:
    cases = [seen("before", "y", "y", "y")] * 3 + [seen("after", "y", "n", "y", first="n")] * 2
    before, after = accuracy_by_arm(cases, enough=1)
    assert (before.arm, before.human.n, before.machine.value, before.combined.value) == ("before", 0, 1.0, 1.0)
    assert (after.human.value, after.machine.value, after.combined.value) == (0.0, 0.0, 1.0)
    assert before.human.value is None


def test_too_little_says_how_much_there_is() -> None:
    share = Share(3, 7)
    assert (share.value, share.interval) == (None, None)
    assert share.reason == "not enough data: n = 7, 30 are needed"
    cases = [seen("after", "y", "y", "y", first="y")] * 12 + [seen("never", "y", "y", "y", first="y")] * 40
    effect = effect_of_showing(cases, "after", "never")
    assert effect.value is None
    assert effect.reason == "not enough data: n = 12 and 40, 30 are needed in each"


def test_nothing_at_all_is_not_enough_either() -> None:
    assert accuracy_by_arm([]) == []
    assert reliance([]).rair.value is None
    assert effect_of_showing([], "before", "never").value is None


def test_queues_are_not_compared_with_each_other() -> None:
    """An easy queue that always shows and a hard one that never does tell nothing about showing."""
    easy = [Seen("before", 1.0, str(k % 7), "y", "y", "y", None, "easy") for k in range(80)]
    hard = [Seen("never", 0.5, str(k % 7), "y", "y", "n", "n", "hard") for k in range(80)]
    assert effect_of_showing(easy + hard, "before", "never").value is None
    hard += [Seen("before", 0.5, str(k % 7), "y", "y", "n", None, "hard") for k in range(80)]
    assert effect_of_showing(easy + hard, "before", "never").value == 0.0


def test_heavy_weights_leave_too_little() -> None:
    rare = [Seen("after", 0.001, "a", "y", "y", "y", "y")]
    cases = rare + [seen("after", "y", "y", "n", first="n")] * 60 + [seen("never", "y", "y", "y", first="y")] * 60
    assert "effective n" in (effect_of_showing(cases, "after", "never").reason or "")


def test_the_jackknife_is_statsmodels_leave_one_out() -> None:
    """An independent implementation: weighted least squares on an indicator, refitted without each reviewer."""
    cases = _world(random.Random(5), effect=0.1, reviewers=9, n=600)
    found = effect_of_showing(cases, "after", "never")
    rows = [c for c in cases if c.arm in ("after", "never")]

    def fitted(some: list[Seen]) -> float:
        right = [float(c.final == c.truth) for c in some]
        design = [[1.0, float(c.arm == "after")] for c in some]
        return float(WLS(right, design, weights=[1 / c.propensity for c in some]).fit().params[1])

    names = sorted({c.reviewer for c in rows})
    value = fitted(rows)
    left = [fitted([c for c in rows if c.reviewer != name]) for name in names]
    deviation = ((len(names) - 1) / len(names) * sum((x - value) ** 2 for x in left)) ** 0.5
    reach = stats.t.ppf(0.975, len(names) - 1) * deviation
    assert found.method == BY_REVIEWER
    assert found.value == pytest.approx(value, abs=1e-9)
    assert (found.low, found.high) == (pytest.approx(value - reach, abs=1e-6), pytest.approx(value + reach, abs=1e-6))


def test_few_reviewers_give_newcombes_interval_as_published() -> None:
    """Newcombe 1998, table II, method 10: 56/70 against 48/80 gives 0.0524 to 0.3339."""
    cases = [seen("after", "y", "y", "y" if k < 56 else "n", first="y") for k in range(70)]
    cases += [seen("never", "y", "y", "y" if k < 48 else "n", first="y") for k in range(80)]
    found = effect_of_showing(cases, "after", "never")
    assert found.method == BY_CASE
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))


SHARES = ((0.3, 0.4, 0.3), (0.1, 0.6, 0.3))  # two versions of the policy, at times of different difficulty


def _world(rng: random.Random, effect: float, reviewers: int, n: int) -> list[Seen]:
    """Reviewers of different skill who also take the machine's answer differently; the mean effect is `effect`."""
    skills = [(0.72 + 0.12 * rng.random(), effect + 0.04 * (rng.random() - 0.5)) for _ in range(reviewers)]
    mean = sum(change for _, change in skills) / reviewers
    skills = [(skill, change - mean + effect) for skill, change in skills]
    found = []
    for number in range(n):
        person = rng.randrange(reviewers)
        skill, change = skills[person]
        late = number >= n // 2
        shares = SHARES[late]
        skill -= 0.08 * late
        arm = rng.choices(("before", "after", "never"), shares)[0]
        propensity = dict(zip(("before", "after", "never"), shares, strict=True))[arm]
        first = "y" if rng.random() < skill else "n"
        final = first if arm == "never" else "y" if rng.random() < skill + change else "n"
        machine = "y" if rng.random() < 0.85 else "n"
        unaided = None if arm == "before" else first
        found.append(Seen(arm, propensity, str(person), "y", machine, final, unaided))
    return found


@pytest.mark.parametrize("reviewers", [3, 6, 15])
@pytest.mark.parametrize(("first", "second"), [("after", "never"), ("before", "never")])
def test_the_true_effect_lies_inside_the_interval(reviewers: int, first: str, second: str) -> None:
    inside = 0
    for seed in range(WORLDS):
        found = effect_of_showing(_world(random.Random(10_000 + seed), 0.06, reviewers, 900), first, second)
        assert found.low is not None and found.high is not None
        inside += found.low <= 0.06 <= found.high
    assert inside / WORLDS >= 0.93, inside


@pytest.mark.parametrize("reviewers", [3, 8])
def test_no_effect_is_seldom_taken_for_one(reviewers: int) -> None:
    shown = sum(
        effect_of_showing(_world(random.Random(10_000 + seed), 0.0, reviewers, 700), "after", "never").shows
        for seed in range(WORLDS)
    )
    assert shown / WORLDS <= 0.07, shown
