"""The decisions of a case in order, with owner and reason, and what each was for the people concerned."""

from typing import Any

import msgspec

from hitl.core.clock import rfc3339
from reviews.models import Appeal, Case, Decision


class ChainItem(msgspec.Struct, frozen=True):
    """`kind`: decided, provisional, confirmed (the same label again), corrected, withdrawn (undone before effect)."""

    id: str
    kind: str
    label: str
    owner: str
    decided_by: str | None
    automated: bool
    provisional: bool
    current: bool
    reason: str
    supersedes: str | None
    appeal: str | None
    created_at: str | None
    effects_at: str | None
    withdrawn_at: str | None


class DecisionChain(msgspec.Struct, frozen=True):
    """Oldest first."""

    results: list[ChainItem]


def decisions_of(case: Case) -> list[Decision]:
    """Every decision of the case, oldest first, with who made it and what it replaced."""
    return list(Decision.objects.filter(case_id=case.pk).select_related("decided_by", "supersedes").order_by("id"))


def kind_of(decision: Decision) -> str:
    """What the decision was when it was made, in one word."""
    if decision.withdrawn_at is not None:
        return "withdrawn"
    if decision.supersedes is None:
        return "provisional" if decision.provisional else "decided"
    return "confirmed" if decision.supersedes.label == decision.label else "corrected"


def decision_chain(case: Case) -> DecisionChain:
    """The chain as REST gives it, in two queries."""
    contested: dict[Any, Any] = dict(Appeal.objects.filter(case_id=case.pk).values_list("judgement_id", "pk"))
    made_by = {(j.user_id, j.created_at): key for j, key in _appeal_judgements(case, contested)}
    return DecisionChain(
        [
            ChainItem(
                id=str(d.pk),
                kind=kind_of(d),
                label=d.label,
                owner=d.owner,
                decided_by=d.decided_by.get_username() if d.decided_by else None,
                automated=d.owner in (Decision.Owner.SYSTEM, Decision.Owner.FALLBACK),
                provisional=d.provisional,
                current=d.is_current,
                reason=d.reason,
                supersedes=str(d.supersedes_id) if d.supersedes_id else None,
                appeal=made_by.get((d.decided_by_id, d.created_at)),
                created_at=rfc3339(d.created_at),
                effects_at=rfc3339(d.effects_at),
                withdrawn_at=rfc3339(d.withdrawn_at),
            )
            for d in decisions_of(case)
        ]
    )


def _appeal_judgements(case: Case, contested: dict[Any, Any]) -> list[tuple[Any, str]]:
    return [(j, str(contested[j.pk])) for j in case.judgements.filter(pk__in=[k for k in contested if k])]


def chain_shown(case: Case) -> list[dict[str, Any]]:
    """The chain for people: titles instead of values, names where a person decided."""
    titles = {label["value"]: label["title"] for label in case.task_type.labels}
    return [
        {
            "kind": kind_of(d),
            "title": titles.get(d.label, d.label),
            "owner": d.get_owner_display(),
            "by": d.decided_by.get_username() if d.decided_by else "",
            "machine": d.owner == Decision.Owner.SYSTEM,
            "reason": d.reason,
            "at": d.created_at,
            "current": d.is_current,
        }
        for d in decisions_of(case)
    ]
