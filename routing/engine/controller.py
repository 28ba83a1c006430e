"""Where a threshold goes next under the reviewers' load, among certified thresholds only. Pure; a step at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from routing.engine.dynamic import DynamicThresholds

Forecast = Callable[[float], float]
"""Expected wait in seconds over the next hour if the threshold were this one; never falls as the threshold rises."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The thresholds it may stand on, ascending: certified for peak below `normal`, for normal from there on."""

    rungs: tuple[float, ...]
    normal: float

    def __post_init__(self) -> None:
        if self.normal not in self.rungs or list(self.rungs) != sorted(set(self.rungs)):
            raise ValueError(f"rungs ascend and include the normal threshold, not {self!r}")


@dataclass(frozen=True, slots=True)
class Standing:
    """The threshold in force, and since when; `since` null: it never moved."""

    threshold: float
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """The threshold from now on; the present one where nothing changes."""

    threshold: float
    reason: str


def next_threshold(
    standing: Standing, forecast: Forecast | None, ladder: Ladder, rules: DynamicThresholds, now: datetime
) -> Move:
    """One look: normal is where the wait should hold; lower while it does not, higher (if allowed) while people idle.

    Each rung has a wait it must hold: the target up to normal, `idle_share` of it above. Down when the present rung
    misses its wait by more than the dead band, towards the highest rung that holds; up to the highest rung that holds
    with the dead band to spare; at most `step` at once (always one rung), and not within `dwell_s` of the last move.
    Since one and the same forecast never asks for both, a constant load settles. Back to normal at once where the
    forecast is unknown (null) or the present threshold is no longer a rung.
    """
    present = standing.threshold
    if present not in ladder.rungs:
        return Move(ladder.normal, f"{present:g} is no longer certified: back to normal.")
    if forecast is None:
        return Move(ladder.normal, "The wait cannot be forecast: the normal threshold counts.")
    wait = forecast(present)
    said = f"Expected wait {_minutes(wait)} at {present:g}, target {_minutes(rules.target_wait_s)}"
    wanted = _wanted(present, forecast, ladder, rules)
    if wanted == present:
        return Move(present, f"{said}: it stays.")
    if standing.since is not None and now - standing.since < timedelta(seconds=rules.dwell_s):
        return Move(present, f"{said}; the last move is less than {_minutes(rules.dwell_s)} old: it stays.")
    reached = _one_step(present, wanted, ladder, rules.step)
    why = "fewer cases for people" if reached < present else "more cases for people"
    return Move(reached, f"{said}: {'lowered' if reached < present else 'raised'} to {reached:g}, {why}.")


def _wanted(present: float, forecast: Forecast, ladder: Ladder, rules: DynamicThresholds) -> float:
    def allowed(rung: float) -> float:
        return rules.target_wait_s * (1.0 if rung <= ladder.normal else rules.idle_share)

    higher = [r for r in ladder.rungs if r > present and forecast(r) <= allowed(r) * (1.0 - rules.dead_band)]
    if higher:
        return max(higher)
    if forecast(present) <= allowed(present) * (1.0 + rules.dead_band):
        return present
    holding = [r for r in ladder.rungs if r < present and forecast(r) <= allowed(r)]
    return max(holding, default=ladder.rungs[0])


def _one_step(present: float, wanted: float, ladder: Ladder, step: float) -> float:
    """As far towards `wanted` as one step goes, and at least one rung."""
    between = [r for r in ladder.rungs if min(present, wanted) <= r <= max(present, wanted) and r != present]
    # Thresholds lie on a grid of thousandths; a step of 0.02 must reach 0.92 from 0.94 whatever floats say.
    near = [r for r in between if abs(r - present) <= step + 1e-9]
    if wanted < present:
        return min(near, default=max(between))
    return max(near, default=min(between))


def _minutes(seconds: float) -> str:
    if seconds == float("inf"):
        return "without end"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
