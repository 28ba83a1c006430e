"""A canary: a stable share of the cases is decided by another version of the policy (mission B13).

The probabilities of a route are then over both chances, which version decides and the draw: those of the mixture
(the balance heuristic of Veach & Guibas 1995; Owen & Zhou 2000). They stay exact, and an estimate weighted by their
inverse learns from either version what both together may do (docs/adr/0008).
"""

from dataclasses import dataclass, replace

from routing.engine.features import Features
from routing.engine.policy import Snapshot
from routing.engine.replay import replay_one
from routing.engine.route import Action, Route, TraceStep, Zone
from routing.engine.sampling import hash_draw

MAX_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Canary:
    """The version on trial. share: of the cases it decides, 0 < share <= 0.5. salt: another for each canary."""

    snapshot: Snapshot
    share: float
    salt: str


@dataclass(frozen=True, slots=True)
class Decided:
    """The route that takes effect and which version made it.

    version_probability: that it was this version. version_selection: the selection probability had the version been
    certain, null without a canary.
    """

    route: Route
    by_canary: bool = False
    version_probability: float = 1.0
    version_selection: float | None = None


def decide(
    features: Features,
    active: Snapshot,
    case_id: str,
    *,
    canary: Canary | None = None,
    unit: str = "",
    stop_reason: str | None = None,
) -> Decided:
    """The route of a live case. unit: what stays with one version, the subject where given, else the case's id.

    A unit keeps its version while the canary runs, and a larger share only adds units to it. Pure and total.
    """
    route = replay_one(features, active, case_id, stop_reason=stop_reason)
    if canary is None:
        return Decided(route)
    tried = replay_one(features, canary.snapshot, case_id, stop_reason=stop_reason)
    draw = hash_draw(canary.salt, unit)
    chosen = draw < canary.share
    taken, other, probability = (tried, route, canary.share) if chosen else (route, tried, 1.0 - canary.share)
    detail = {"version": canary.snapshot.policy.version, "draw": draw, "share": canary.share}
    step = TraceStep("canary", "chosen" if chosen else "not_chosen", detail)
    whole = replace(mixed(taken, other, probability), trace=(step, *taken.trace))
    return Decided(whole, chosen, probability, taken.selection_probability)


def mixed(taken: Route, other: Route, probability: float) -> Route:
    """`taken` with its probabilities over which version decides: `taken`'s with `probability`, else `other`'s."""
    return replace(
        taken,
        action_propensity=_mean(taken.action_propensity, action_chance(other, taken.action), probability),
        selection_probability=_mean(taken.selection_probability, other.selection_probability, probability),
    )


def action_chance(route: Route, action: Action) -> float:
    """P(this action | the same case and version) over the draw, from the one route that was drawn."""
    if action is route.action:
        return route.action_propensity
    # Only exploration changes the action: between acting alone and a review.
    drawn = {Action.AUTOMATE, Action.REVIEW}
    return 1.0 - route.action_propensity if route.zone is Zone.AUTO and {action, route.action} == drawn else 0.0


def _mean(taken: float, other: float, probability: float) -> float:
    """Written so that two equal numbers give exactly that number."""
    return other + probability * (taken - other)
