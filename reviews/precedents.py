"""What a reviewer may know of cases like the one they hold, and of the subject's earlier ones (mission D5).

Nothing of precedents before the machine's answer may be seen: they are found by the partner's embedding, so which ones
are found could betray it. Of the subject's earlier cases only that they exist; what came of them is absent until then.
"""

import uuid
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from hitl.core.actors import Actor
from hitl.core.clock import rfc3339
from hitl.core.rows import run_pipelined
from reviews.access import Desk, Held, desk_of, revealed, unsealed_cases, visible_cases
from reviews.models import Case, CasePrecedents
from reviews.selectors import judged_stages

SHOWN, HISTORY_SHOWN = 5, 20


class CaseOutcomeOut(msgspec.Struct, frozen=True):
    """What came of a case. `by`: `outcome` (observed later), else who decided: reviewer, panel, adjudicator …"""

    label: str
    by: str
    at: str


class PrecedentOut(msgspec.Struct, frozen=True):
    """A decided case, its similarity 0–1, and what came of it."""

    case: str
    external_id: str | None
    created_at: str
    similarity: float
    outcome: CaseOutcomeOut


class PrecedentsOut(msgspec.Struct, frozen=True):
    """`sealed`: nothing is said before the first judgement. `method` null: not searched yet."""

    sealed: bool
    method: str | None
    computed_at: str | None
    results: list[PrecedentOut]


class EarlierCaseOut(msgspec.Struct, frozen=True):
    """An earlier case of the subject; `outcome` absent while sealed, null where nothing came of it yet."""

    case: str
    external_id: str | None
    task_type: str
    created_at: str
    outcome: CaseOutcomeOut | None | msgspec.UnsetType = msgspec.UNSET


class SubjectHistoryOut(msgspec.Struct, frozen=True):
    """The newest earlier cases, at most 20; `subject` null: the case names none."""

    sealed: bool
    subject: str | None
    results: list[EarlierCaseOut]


def is_sealed(held: Held) -> bool:
    """Whether the holder of this claim may not yet see what betrays the machine's answer."""
    claim = held.claim
    if not held.arm.sealed:
        return False
    case_id = claim.review.case_id
    return not revealed(judged_stages(claim.user_id, [case_id]).get(case_id, []))


def precedents_of(actor: Actor, held: Held) -> PrecedentsOut:
    """The nearest decided cases this person may see; a hidden one is absent."""
    if is_sealed(held):
        return PrecedentsOut(True, None, None, [])
    found = CasePrecedents.objects.filter(pk=held.claim.review.case_id).first()
    if found is None:
        return PrecedentsOut(False, None, None, [])
    near = {uuid.UUID(row["case"]): float(row["similarity"]) for row in found.neighbours}
    desk = desk_of(actor)
    cases = _told(actor, desk, [pk for pk in near if pk != held.claim.review.case_id])
    outcomes = outcomes_of(list(cases))
    results = [
        PrecedentOut(str(pk), cases[pk].external_id, _time(cases[pk]), round(near[pk], 3), outcomes[pk])
        for pk in near
        if pk in outcomes
    ]
    return PrecedentsOut(False, found.method, rfc3339(found.computed_at), results[:SHOWN])


def subject_history_of(actor: Actor, held: Held) -> SubjectHistoryOut:
    """Earlier cases of the same subject that this person may see, newest first."""
    case = held.claim.review.case
    sealed = is_sealed(held)
    if case.subject is None:
        return SubjectHistoryOut(sealed, None, [])
    desk = desk_of(actor)
    rows = visible_cases(actor, desk).filter(subject=case.subject, pk__lt=case.pk).exclude(status=Case.Status.SHADOW)
    earlier = list(rows.select_related("task_type").order_by("-pk")[:HISTORY_SHOWN])
    told = {} if sealed else _told(actor, desk, [c.pk for c in earlier])
    outcomes = outcomes_of(list(told))
    results = [
        EarlierCaseOut(
            str(c.pk),
            c.external_id,
            c.task_type.slug,
            _time(c),
            outcomes.get(c.pk) if c.pk in told else msgspec.UNSET,
        )
        for c in earlier
    ]
    return SubjectHistoryOut(sealed, case.subject, results)


def _told(actor: Actor, desk: Desk, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Case]:
    """Of these cases those whose outcome this person may hear of."""
    rows = unsealed_cases(visible_cases(actor, desk).filter(pk__in=ids), actor, desk)
    return {case.pk: case for case in rows}


def outcomes_of(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, CaseOutcomeOut]:
    """What was observed, else what people decided and cannot be undone any more; absent for the machine's own."""
    if not ids:
        return {}
    (rows,) = run_pipelined((_sql(), [list(ids)]))
    return {pk: CaseOutcomeOut(label, by, rfc3339(at) or "") for pk, label, by, at in rows}


@lru_cache(maxsize=1)
def _sql() -> str:
    # Outcomes stand to the left of this app: reached by relation only.
    related = Case._meta.get_field("signals").related_model
    assert related is not None and not isinstance(related, str)
    return _OUTCOMES.replace("OUTCOMES", related._meta.db_table)


_OUTCOMES = """
SELECT k.id, COALESCE(o.label, d.label), CASE WHEN o.label IS NULL THEN d.owner ELSE 'outcome' END,
  COALESCE(o.observed_at, d.created_at)
FROM unnest(%s::uuid[]) AS k(id)
LEFT JOIN LATERAL (
  SELECT s.label, s.observed_at FROM OUTCOMES s WHERE s.case_id = k.id AND s.source = 'outcome'
  ORDER BY s.observed_at DESC, s.id DESC LIMIT 1
) o ON true
LEFT JOIN reviews_decision d ON d.case_id = k.id AND d.is_current AND d.withdrawn_at IS NULL
  AND d.owner NOT IN ('system', 'fallback') AND d.effects_at <= statement_timestamp()
WHERE o.label IS NOT NULL OR d.label IS NOT NULL
"""


def _time(case: Case) -> str:
    return rfc3339(case.created_at) or ""
