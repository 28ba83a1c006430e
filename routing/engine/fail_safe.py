"""Where cases go when something that routing needs is missing (mission B15): to people, and to which."""

from typing import Literal

from routing.engine.strict import Slug, Strict


class Refuge(Strict, frozen=True):
    """Where a case goes when something is missing; only to people. tier: overrides the choice where it exists."""

    then: Literal["review", "escalate"] = "review"
    tier: Slug | None = None


class FailSafe(Strict, frozen=True):
    """What happens when something that routing needs is missing (mission B15); no choice here lets a machine decide.

    calibration: none is fitted. rule: one cannot be evaluated. signal: a limited signal is not given.
    disagreement_model: a limit is set and no prediction came. judge: it gives no answer. For the last three a case of
    high risk escalates in any event.
    """

    calibration: Refuge = Refuge()
    rule: Refuge = Refuge()
    signal: Refuge = Refuge()
    disagreement_model: Refuge = Refuge()
    judge: Refuge = Refuge()
