"""What a run says of each example, and in sum. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from feedback.stats.bounds import clopper_pearson_interval

Side = Literal["people", "machine"]


class ExampleResult(msgspec.Struct, frozen=True, kw_only=True):
    """One example tried. `source`: who predicted; `none`: no model could be asked and none is stored.

    `label`, `confidence`: the prediction, null without one; `correct`: the label is the expected one. `route`:
    `people`, somebody is certain to see it; `machine`, it may be decided alone. `action`, `reason` and the rest as the
    engine says them where no draw samples the case. `error`: why a model that was asked gave no usable answer.
    `change`: beside the run before, by name.
    """

    name: str
    section: str
    expected: str
    expected_route: Side | None
    source: Literal["model", "stored", "none"]
    label: str | None
    confidence: float | None
    correct: bool | None
    route: Side
    route_as_expected: bool | None
    action: str
    zone: str
    tier: str
    reason: str
    rule: str | None
    calibrated_confidence: float | None
    threshold: float | None
    error: str = ""
    change: Literal["newly_failing", "newly_passing"] | None = None

    @property
    def failing(self) -> bool:
        """The model was wrong or did not answer, or the route is another than expected."""
        return self.correct is False or self.route_as_expected is False or bool(self.error)

    @property
    def wrong_alone(self) -> bool:
        """A wrong label that the machine may decide with nobody looking."""
        return self.correct is False and self.route == "machine"


class Passed(msgspec.Struct, frozen=True):
    """`passed` of `of`, with the exact 95 % interval (Clopper & Pearson 1934); `share` null where `of` is 0."""

    passed: int
    of: int
    share: float | None
    low: float
    high: float


class SuiteSummary(msgspec.Struct, frozen=True):
    """`model`: right labels of the predictions there are; `unanswered`: examples without one. `route`: routes as
    expected of the examples that expect one. `wrong_alone`: wrong labels that the machine may decide alone.
    """

    examples: int
    failing: int
    model: Passed
    unanswered: int
    route: Passed
    wrong_alone: int
    newly_failing: list[str]
    newly_passing: list[str]


def compared(results: Sequence[ExampleResult], before: Mapping[str, bool]) -> list[ExampleResult]:
    """The results with what changed, failures first: newly failing, failing, passing; else in the suite's order.

    before: name to whether it failed in the run before; an example that is new there changed nothing.
    """
    changed = [msgspec.structs.replace(result, change=_change(result, before)) for result in results]
    return sorted(changed, key=lambda result: (not result.failing, result.change != "newly_failing"))


def summarise(results: Sequence[ExampleResult]) -> SuiteSummary:
    """The figures of compared results."""
    answered = [result.correct for result in results if result.correct is not None]
    routed = [result.route_as_expected for result in results if result.route_as_expected is not None]
    return SuiteSummary(
        examples=len(results),
        failing=sum(result.failing for result in results),
        model=_passed(answered),
        unanswered=len(results) - len(answered),
        route=_passed(routed),
        wrong_alone=sum(result.wrong_alone for result in results),
        newly_failing=[result.name for result in results if result.change == "newly_failing"],
        newly_passing=[result.name for result in results if result.change == "newly_passing"],
    )


def _change(result: ExampleResult, before: Mapping[str, bool]) -> Literal["newly_failing", "newly_passing"] | None:
    failed = before.get(result.name)
    if failed is None or failed is result.failing:
        return None
    return "newly_failing" if result.failing else "newly_passing"


def _passed(said: Sequence[bool]) -> Passed:
    k, n = sum(said), len(said)
    return Passed(k, n, k / n if n else None, *clopper_pearson_interval(k, n))
