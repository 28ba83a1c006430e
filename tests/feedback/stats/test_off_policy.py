"""Off-policy estimates in simulated worlds whose truth is known: unbiased, covering, and refusing where they must."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from feedback.stats.off_policy import OffPolicySums, evaluate
from feedback.stats.replay_estimates import Sums, error_rate

EXPLORED = 0.2


@dataclass(frozen=True)
class LoggedCase:
    """As a replay sees it; the logger sent sure cases to people only by exploration."""

    acts: float
    loss: float | None
    expected: float
    known_by: float
    logged: float


def a_world(rng: random.Random, n: int, *, wrong: Callable[[float], float], seen: float = 1.0) -> list[LoggedCase]:
    """The candidate automates above 0.6; the logger did above 0.8, and explored. `seen`: share judged at all."""
    cases = []
    for _ in range(n):
        sure = rng.random()
        logged = EXPLORED if sure > 0.8 else 1.0
        known = rng.random() < logged * seen
        loss = float(rng.random() < wrong(sure))
        cases.append(LoggedCase(0.95 if sure > 0.6 else 0.0, loss if known else None, 1.0 - sure, logged, logged))
    return cases


def truth(wrong: Callable[[float], float]) -> float:
    steps = [0.6 + 0.4 * (k + 0.5) / 2000 for k in range(2000)]
    return sum(map(wrong, steps)) / len(steps)


def found(cases: list[LoggedCase]) -> dict[str, tuple[float | None, float | None, float | None]]:
    sums, snips = OffPolicySums(), Sums()
    for case in cases:
        sums.add(case.acts, case.loss, case.expected, case.known_by, case.logged)
        snips.add(case.acts, case.loss, case.known_by)
    return {e.estimator: (e.value, e.low, e.high) for e in evaluate(sums, error_rate(snips)).estimates}


def common(sure: float) -> float:
    return 0.5 * (1.0 - sure)


def rare(sure: float) -> float:
    return 0.08 * (1.0 - sure)


@pytest.mark.parametrize(("wrong", "least"), [(common, 0.93), (rare, 0.93)])
def test_all_three_are_unbiased_and_their_intervals_cover(wrong: Callable[[float], float], least: float) -> None:
    rng, true, worlds = random.Random(11), truth(wrong), 400
    results = [found(a_world(rng, 1000, wrong=wrong)) for _ in range(worlds)]
    for name in ("ips", "snips", "dr"):
        values = [r[name] for r in results if r[name][0] is not None]
        assert len(values) == worlds
        mean = sum(v for v, _, _ in values if v is not None) / worlds
        spread = (sum((v - mean) ** 2 for v, _, _ in values if v is not None) / worlds) ** 0.5
        assert abs(mean - true) < 3.5 * spread / worlds**0.5 + 0.001, name
        covered = sum(low <= true <= high for _, low, high in values if low is not None and high is not None)
        assert covered / worlds >= least, (name, covered)


def test_labels_as_they_come_would_be_wrong() -> None:
    rng = random.Random(12)
    cases = [c for c in a_world(rng, 20_000, wrong=common) if c.acts and c.loss is not None]
    naive = sum(c.loss or 0.0 for c in cases) / len(cases)
    assert abs(naive - truth(common)) > 0.02


def test_the_bound_without_approximation_holds_and_is_wider() -> None:
    rng, true = random.Random(13), truth(rare)
    for _ in range(100):
        sums, snips = OffPolicySums(), Sums()
        for case in a_world(rng, 1000, wrong=rare):
            sums.add(case.acts, case.loss, case.expected, case.known_by, case.logged)
            snips.add(case.acts, case.loss, case.known_by)
        ips = evaluate(sums, error_rate(snips)).estimates[0]
        assert ips.sure_low is not None and ips.sure_high is not None and ips.low is not None and ips.high is not None
        assert ips.sure_low <= true <= ips.sure_high
        assert ips.sure_high - ips.sure_low > ips.high - ips.low


def foreseen(case: LoggedCase) -> LoggedCase:
    """Wrong exactly above an expectation of 0.1, which the model nearly knows."""
    wrong = float(case.expected > 0.1)
    return LoggedCase(1.0, None if case.loss is None else wrong, 0.9 * wrong, case.known_by, case.logged)


def test_a_good_model_narrows_what_weights_alone_leave_open() -> None:
    rng = random.Random(14)
    gaps: dict[str, list[float]] = {"ips": [], "dr": []}
    for _ in range(200):
        cases = [case for case in a_world(rng, 400, wrong=common) if case.acts]
        results = found([foreseen(case) for case in cases])
        for name, gap in gaps.items():
            gap.append(abs((results[name][0] or 0.0) - 0.75))
    assert sum(gaps["dr"]) < sum(gaps["ips"])


def test_where_labels_come_more_rarely_than_logged_ips_is_refused_and_the_others_stand() -> None:
    results = found(a_world(random.Random(15), 3000, wrong=common, seen=0.5))
    assert results["ips"][0] is None
    for name in ("snips", "dr"):
        assert results[name][0] == pytest.approx(truth(common), abs=0.04)


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        ([], "No case would be automated."),
        ([LoggedCase(1.0, None, 0.1, 1.0, 1.0)] * 50, "none of these cases has a label"),
        ([LoggedCase(1.0, 0.0, 0.1, 1.0, 1.0)] * 29, "below 30 no estimate"),
        ([LoggedCase(1.0, 0.0, 0.1, 1.0, 1.0)] * 90 + [LoggedCase(1.0, None, 0.1, 1.0, 0.001)] * 10, "No support: 10%"),
    ],
)
def test_what_history_cannot_tell_is_refused_with_the_reason(cases: list[LoggedCase], said: str) -> None:
    sums, snips = OffPolicySums(), Sums()
    for case in cases:
        sums.add(case.acts, case.loss, case.expected, case.known_by, case.logged)
        snips.add(case.acts, case.loss, case.known_by)
    estimates = evaluate(sums, error_rate(snips)).estimates
    assert [e.value for e in estimates] == [None, None, None]
    assert all(said in (e.reason or "") for e in estimates)


def test_parts_add_up_and_a_label_without_a_chance_is_an_error() -> None:
    def halves() -> Iterator[OffPolicySums]:
        for part in (cases[:200], cases[200:]):
            sums = OffPolicySums()
            for case in part:
                sums.add(case.acts, case.loss, case.expected, case.known_by, case.logged)
            yield sums

    cases = a_world(random.Random(16), 400, wrong=common)
    first, second = halves()
    heaviest = max(first.heaviest, second.heaviest)
    first.merge(second)
    assert first.n == sum(1 for case in cases if case.acts) and first.heaviest == heaviest
    with pytest.raises(ValueError, match="above 0"):
        first.add(1.0, 1.0, 0.0, 0.0, 1.0)


def test_with_every_label_known_all_three_are_the_plain_share() -> None:
    results = found([LoggedCase(1.0, float(k < 81), 0.3, 1.0, 1.0) for k in range(263)])
    for name in ("ips", "snips", "dr"):
        assert results[name][0] == pytest.approx(81 / 263), name
