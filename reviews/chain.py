"""Earlier proposals of a case and what people said of them."""

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
from django.db import connection

from hitl.core.clock import rfc3339
from reviews.models import Approval, Case, Decision

MAX_CHAIN = 20
"""Resubmissions of one first case."""

_ANCESTORS = """
WITH RECURSIVE chain AS (
  SELECT case_id, predecessor_id FROM reviews_resubmission WHERE case_id = %s
  UNION ALL
  SELECT r.case_id, r.predecessor_id FROM reviews_resubmission r JOIN chain ON r.case_id = chain.predecessor_id
) SELECT predecessor_id FROM chain
"""


class ApprovalOut(msgspec.Struct, frozen=True):
    """`codes`: what is wrong, machine-readable; `parameters`: remarks per parameter of the action."""

    approved: bool
    codes: list[str]
    comment: str
    parameters: list[dict[str, Any]]
    at: str


class ProposalOut(msgspec.Struct, frozen=True):
    """One proposal: the action, what people said of it (null: nothing yet), what the case resolved to."""

    case_id: str
    external_id: str | None
    created_at: str
    status: str
    proposed_action: dict[str, Any] | None
    approval: ApprovalOut | None
    decision: str | None


def approval_out(approval: Approval) -> ApprovalOut:
    """The feedback as partners and reviewers get it."""
    return ApprovalOut(
        approval.approved,
        list(approval.codes),
        approval.comment,
        approval.parameters,
        rfc3339(approval.created_at) or "",
    )


def earlier_proposals(case_id: uuid.UUID) -> list[ProposalOut]:
    """The chain before this case, oldest first; one query where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_ANCESTORS, [case_id])
        keys = [key for (key,) in cursor.fetchall()]
    return proposals_of(keys) if keys else []


def proposal_chain(case_id: uuid.UUID) -> list[ProposalOut]:
    """The whole chain, oldest first and this case last; empty where it neither resubmits nor proposes anything."""
    with connection.cursor() as cursor:
        cursor.execute(_ANCESTORS, [case_id])
        keys = [key for (key,) in cursor.fetchall()]
    found = proposals_of([*keys, case_id])
    return found if len(found) > 1 or found[0].proposed_action else []


def proposals_of(keys: list[uuid.UUID]) -> list[ProposalOut]:
    """These cases as proposals, oldest first."""
    cases = Case.objects.filter(pk__in=keys).select_related("content").order_by("id")
    rows = Approval.objects.filter(case_id__in=keys, judgement__undone_at__isnull=True).order_by("id")
    said = {row.case_id: row for row in rows}
    current = Decision.objects.filter(case_id__in=keys, is_current=True)
    labels = dict(current.values_list("case_id", "label"))
    return [_proposal(case, said, labels) for case in cases]


def _proposal(case: Case, said: Mapping[uuid.UUID, Approval], labels: Mapping[uuid.UUID, str]) -> ProposalOut:
    found = said.get(case.pk)
    return ProposalOut(
        case_id=str(case.pk),
        external_id=case.external_id,
        created_at=rfc3339(case.created_at) or "",
        status=case.status,
        proposed_action=case.content.proposed_action,
        approval=approval_out(found) if found else None,
        decision=labels.get(case.pk),
    )


def needs_approval(action: Mapping[str, Any] | None, *, reversible: bool) -> bool:
    """Whether a proposed action cannot be taken back, by itself or by its task type (as the engine's gate says)."""
    return action is not None and (action.get("reversible") is False or not reversible)
