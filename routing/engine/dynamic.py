"""Thresholds that follow the reviewers' load: what a policy declares, two people approve, and automation keeps to."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from routing.engine.strict import Share, Strict

OpenShare = Annotated[float, Meta(gt=0.0, lt=1.0)]


class DynamicThresholds(Strict, frozen=True):
    """Error budgets in normal times and at peak, certified together at risk `delta`, and how to move between them.

    The threshold goes down while the wait forecast for the next hour exceeds `target_wait_s`, to the one certified for
    `peak_error` at most, and comes back up when the target holds there too. idle_max: up to here reviewers who would
    wait less than `idle_share` of the target raise it above normal; null: never. lowest: an absolute floor. step: the
    most it moves at once. dwell_s: the least time between two moves. dead_band: how far beyond the target, as a share
    of it, the forecast must be to move down, and below it to move up.
    """

    normal_error: OpenShare
    peak_error: OpenShare
    target_wait_s: Annotated[float, Meta(gt=0.0, le=31_536_000.0)]
    delta: OpenShare = 0.05
    lowest: Share = 0.5
    idle_max: Share | None = None
    idle_share: OpenShare = 0.25
    step: Annotated[float, Meta(ge=0.005, le=1.0)] = 0.02
    dwell_s: Annotated[float, Meta(ge=0.0, le=604_800.0)] = 900.0
    dead_band: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.2

    def problems(self) -> Iterator[tuple[str, str, str]]:
        """What contradicts itself: field, code, sentence."""
        if self.peak_error < self.normal_error:
            yield "peak_error", "out_of_bounds", "The error budget at peak is at least the normal one."
        if self.idle_max is not None and self.idle_max < self.lowest:
            yield "idle_max", "out_of_bounds", "The highest threshold lies above the lowest."
