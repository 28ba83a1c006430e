"""Which tier of people gets a case (mission B8)."""

from collections.abc import Sequence
from dataclasses import dataclass

from routing.engine.features import Features
from routing.engine.route import Action, TraceStep
from routing.engine.specs import TierSpec


@dataclass(frozen=True, slots=True)
class TierChoice:
    """A tier's slug (empty: there is no tier of people) and the step that explains it."""

    slug: str
    step: TraceStep


def within_limits(tier: TierSpec, features: Features) -> bool:
    """True unless the case is known to be too complex or too costly for the tier."""
    if features.complexity is not None and features.complexity > tier.max_complexity:
        return False
    if features.error_cost is None or tier.max_error_cost is None:
        return True
    return features.error_cost <= tier.max_error_cost


def choose_tier(tiers: Sequence[TierSpec], features: Features, action: Action, wanted: str | None) -> TierChoice:
    """The lowest able tier of people; for escalate and gate the lowest able one above the first; else the top.

    wanted: the tier a rule names; it wins where it exists.
    """
    people = sorted((tier for tier in tiers if not tier.automated), key=lambda tier: tier.rank)
    if not people:
        return TierChoice("", TraceStep("tier", "no_tier_of_people", {}))
    if wanted is not None and any(tier.slug == wanted for tier in people):
        return TierChoice(wanted, TraceStep("tier", "named_by_rule", {"tier": wanted}))
    candidates = people[1:] if action in (Action.ESCALATE, Action.GATE) else people
    able = [
        tier for tier in candidates if within_limits(tier, features) and features.required_expertise <= tier.expertise
    ]
    chosen = able[0] if able else people[-1]
    outcome = "lowest_able" if able else "none_able_so_top"
    if wanted is not None:
        return TierChoice(
            chosen.slug, TraceStep("tier", outcome, {"tier": chosen.slug, "unknown_tier_in_rule": wanted})
        )
    return TierChoice(chosen.slug, TraceStep("tier", outcome, {"tier": chosen.slug}))


def automated_tier(tiers: Sequence[TierSpec]) -> TierSpec | None:
    """The machine's own tier, the lowest where several are declared; null where none is."""
    return min((tier for tier in tiers if tier.automated), key=lambda tier: tier.rank, default=None)
