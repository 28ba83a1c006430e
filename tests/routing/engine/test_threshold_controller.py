"""The threshold follows the load between certified bounds, steadily (mission B14)."""

from datetime import UTC, datetime, timedelta
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.engine.controller import Ladder, Standing, next_threshold
from routing.engine.dynamic import DynamicThresholds

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LADDER = Ladder((0.80, 0.82, 0.84, 0.86, 0.88, 0.90, 0.92, 0.94), normal=0.90)
RULES = DynamicThresholds(normal_error=0.02, peak_error=0.05, target_wait_s=600, idle_max=0.94)


def load(slope: float):
    """A wait that grows with the threshold: slope seconds at 0.80, three times that at 0.94."""
    return lambda threshold: slope * (1 + (threshold - 0.80) / 0.07)


@pytest.mark.parametrize(
    ("present", "wait", "expected", "said"),
    [
        (0.90, load(2000), 0.88, "lowered to 0.88"),  # one step of 0.02
        (0.82, load(2000), 0.80, "lowered to 0.8"),
        (0.80, load(2000), 0.80, "it stays"),  # never past the certified peak
        (0.80, load(inf), 0.80, "it stays"),
        (0.90, load(270), 0.90, "it stays"),  # 656 s: beyond the target, within the dead band
        (0.90, load(180), 0.90, "it stays"),
        (0.84, load(180), 0.86, "raised to 0.86"),  # 437 s at 0.90: holds with the dead band to spare
        (0.88, load(180), 0.90, "raised to 0.9"),
        (0.86, load(270), 0.86, "it stays"),  # 579 s at 0.88 would hold, but not with the dead band to spare
        (0.90, load(30), 0.92, "raised to 0.92"),  # people idle: above normal
        (0.92, load(30), 0.94, "raised to 0.94"),
        (0.94, load(30), 0.94, "it stays"),
        (0.94, load(100), 0.92, "lowered to 0.92"),  # above normal only while people idle
        (0.85, load(30), 0.90, "no longer certified"),
    ],
)
def test_one_look(present: float, wait, expected: float, said: str) -> None:
    move = next_threshold(Standing(present), wait, LADDER, RULES, NOW)
    assert move.threshold == expected
    assert said in move.reason


def test_without_a_forecast_the_normal_threshold_counts() -> None:
    for present in (0.80, 0.94):
        assert next_threshold(Standing(present, NOW), None, LADDER, RULES, NOW).threshold == 0.90


def test_two_moves_are_at_least_the_dwell_time_apart() -> None:
    early = next_threshold(Standing(0.90, NOW - timedelta(seconds=899)), load(2000), LADDER, RULES, NOW)
    assert (early.threshold, "less than 15 min old" in early.reason) == (0.90, True)
    assert (
        next_threshold(Standing(0.90, NOW - timedelta(seconds=900)), load(2000), LADDER, RULES, NOW).threshold == 0.88
    )


def test_a_gap_between_certified_thresholds_is_one_rung() -> None:
    gap = Ladder((0.70, 0.90), normal=0.90)
    assert next_threshold(Standing(0.90), load(2000), gap, RULES, NOW).threshold == 0.70


@pytest.mark.parametrize(("rungs", "normal"), [((0.8, 0.9), 0.85), ((0.9, 0.8), 0.9), ((), 0.9)])
def test_a_ladder_without_its_normal_threshold_is_refused(rungs: tuple[float, ...], normal: float) -> None:
    with pytest.raises(ValueError, match="rungs"):
        Ladder(rungs, normal)


GRID = [round(0.5 + 0.005 * step, 3) for step in range(100)]


@st.composite
def ladders(draw: st.DrawFn) -> Ladder:
    rungs = tuple(sorted(draw(st.sets(st.sampled_from(GRID), min_size=1, max_size=30))))
    return Ladder(rungs, draw(st.sampled_from(rungs)))


RULE_SETS = st.builds(
    DynamicThresholds,
    normal_error=st.just(0.02),
    peak_error=st.just(0.05),
    target_wait_s=st.floats(1, 10_000),
    idle_share=st.floats(0.01, 0.99),
    step=st.floats(0.005, 0.5),
    dead_band=st.floats(0, 0.9),
    dwell_s=st.floats(0, 3600),
)


def grown(slope: float, shape: float):
    return lambda threshold: slope * threshold**shape


@given(ladders(), RULE_SETS, st.floats(0, 1e6), st.floats(0, 20), st.sampled_from(GRID), st.integers(0, 7200))
def test_it_never_leaves_the_certified_thresholds(
    ladder: Ladder, rules: DynamicThresholds, slope: float, shape: float, present: float, age: int
) -> None:
    standing = Standing(present, NOW - timedelta(seconds=age))
    move = next_threshold(standing, grown(slope, shape), ladder, rules, NOW)
    assert move.threshold in ladder.rungs


@given(ladders(), RULE_SETS, st.floats(0, 1e5), st.floats(1, 50), st.floats(0, 20), st.data())
def test_more_load_never_raises_it(
    ladder: Ladder, rules: DynamicThresholds, slope: float, more: float, shape: float, data: st.DataObject
) -> None:
    standing = Standing(data.draw(st.sampled_from(ladder.rungs)))
    light = next_threshold(standing, grown(slope, shape), ladder, rules, NOW)
    heavy = next_threshold(standing, grown(slope * more, shape), ladder, rules, NOW)
    assert heavy.threshold <= light.threshold


@given(ladders(), RULE_SETS, st.floats(0, 1e5), st.floats(0, 20), st.data())
def test_under_a_constant_load_it_goes_one_way_and_settles(
    ladder: Ladder, rules: DynamicThresholds, slope: float, shape: float, data: st.DataObject
) -> None:
    path = [data.draw(st.sampled_from(ladder.rungs))]
    at = NOW
    for _ in range(40):
        path.append(next_threshold(Standing(path[-1], at), grown(slope, shape), ladder, rules, at + timedelta(hours=1)).threshold)  # fmt: skip  # noqa: E501
        at += timedelta(hours=1)
    assert path == sorted(path) or path == sorted(path, reverse=True)
    assert path[-1] == path[-2]
