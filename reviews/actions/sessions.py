"""Calibration sessions: gather the most disputed cases, judge them blind, compare, conclude."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import log2

from django.db import IntegrityError, connection, transaction

from audit.actions.events import Change, Subject, record_event
from hitl.accounts.models import Membership
from hitl.core.actors import Actor
from hitl.core.clock import db_now, now
from hitl.core.errors import Conflict, FieldProblem, Forbidden, NotFound, Refused
from hitl.core.permissions import Permission
from reviews.access import awaits_appeal_of
from reviews.actions.decisions import check_label
from reviews.actions.gold import Answer, GoldContent, create_gold
from reviews.actions.guidelines import request_change
from reviews.models import CalibrationSession, CaseContent, SessionCase, SessionJudgement, SessionNote
from routing.models import TaskType

MAX_CASES = 30
_WINDOW = timedelta(days=90)
# Final judgements of different people; what they said of gold copies is apart, as its case is.
_DISPUTED = """
SELECT j.case_id, array_agg(j.label)
FROM (
  SELECT DISTINCT ON (j.case_id, j.user_id) j.case_id, j.user_id, j.label
  FROM reviews_judgement j JOIN reviews_case k ON k.id = j.case_id
  WHERE j.workspace_id = %s AND k.task_type_id = %s AND k.mode <> 'gold' AND k.status = 'decided'
    AND j.stage = 'final' AND j.undone_at IS NULL AND j.created_at >= %s
  ORDER BY j.case_id, j.user_id, j.id DESC
) j
GROUP BY j.case_id HAVING count(DISTINCT j.label) > 1
"""


@dataclass(frozen=True, slots=True)
class Disputed:
    """A case people judged differently. `entropy` of the labels in bits."""

    case_id: uuid.UUID
    entropy: float
    n: int


def entropy(labels: Sequence[str]) -> float:
    """Shannon's, in bits; 0 where all say the same."""
    shares = [labels.count(label) / len(labels) for label in set(labels)]
    return sum(-p * log2(p) for p in shares)


def most_disputed(task_type: TaskType, most: int) -> list[Disputed]:
    """The decided cases of the last 90 days with the greatest entropy, among equals those with more judgements."""
    with connection.cursor() as cursor:
        cursor.execute(_DISPUTED, [task_type.workspace_id, task_type.pk, now() - _WINDOW])
        found = [Disputed(key, entropy(labels), len(labels)) for key, labels in cursor.fetchall()]
    return sorted(found, key=lambda d: (-d.entropy, -d.n, d.case_id))[:most]


@transaction.atomic
def open_session(
    *, actor: Actor, task_type: TaskType, title: str, participants: Collection[uuid.UUID], most: int = 10
) -> CalibrationSession:
    """Gather the most disputed cases for these people. Raises Forbidden, NotFound, Refused (`required`), Conflict
    (`nothing_disputed`)."""
    actor.require(Permission.AUDIT_DECISIONS)
    if task_type.workspace_id != actor.workspace_id or not actor.sees_task_type(task_type.pk):
        raise NotFound()
    members = Membership.objects.filter(workspace_id=actor.workspace_id, active=True, user_id__in=participants)
    people = [member.user for member in members.select_related("user")]
    if not title.strip() or not people:
        problems = [] if title.strip() else [FieldProblem("/title", "Give it a title.", "required")]
        problems += [] if people else [FieldProblem("/participants", "Choose who takes part.", "required")]
        raise Refused(code="required", errors=problems)
    found = most_disputed(task_type, max(1, min(most, MAX_CASES)))
    if not found:
        raise Conflict("No two people judged a case differently in the last 90 days.", code="nothing_disputed")
    session = CalibrationSession.objects.create(
        workspace_id=actor.workspace_id,
        task_type=task_type,
        title=title.strip()[:200],
        created_by_id=actor.user_id,
        created_at=db_now(),
    )
    session.participants.set(people)
    SessionCase.objects.bulk_create(
        SessionCase(
            workspace_id=actor.workspace_id,
            session=session,
            case_id=disputed.case_id,
            position=place,
            entropy=disputed.entropy,
            judgements=disputed.n,
        )
        for place, disputed in enumerate(found, 1)
    )
    change = Change(after={"title": session.title, "cases": len(found), "participants": [str(p.pk) for p in people]})
    record_event(actor=actor, action="calibration_session.opened", subject=_about(session), change=change)
    return session


def session_for_actor(actor: Actor, session_id: uuid.UUID) -> CalibrationSession:
    """A session one takes part in, or any for who may open them. Raises NotFound."""
    rows = CalibrationSession.objects.filter(workspace_id=actor.workspace_id).select_related("task_type")
    if not actor.may(Permission.AUDIT_DECISIONS):
        rows = rows.filter(participants=actor.person_id)
    found = rows.filter(pk=session_id).first()
    if found is None or not actor.sees_task_type(found.task_type_id):
        raise NotFound()
    return found


def session_case(session: CalibrationSession, position: int) -> SessionCase:
    """Raises NotFound."""
    found = session.cases.select_related("case__task_type").filter(position=position).first()
    if found is None:
        raise NotFound()
    return found


def may_compare(actor: Actor, session: CalibrationSession, row: SessionCase) -> bool:
    """Participants after their own judgement; who only leads the session, or once it is closed, at once.

    Nobody who may come to judge an appeal that is open: its judge hears nothing of what was said before.
    """
    if awaits_appeal_of(actor, row.case):
        return False
    if session.status == CalibrationSession.Status.CLOSED:
        return True
    if row.said.filter(user_id=actor.person_id).exists():
        return True
    return not session.participants.filter(pk=actor.person_id).exists()


@transaction.atomic
def judge_in_session(
    *, actor: Actor, session: CalibrationSession, position: int, label: str, reasoning: str = ""
) -> SessionJudgement:
    """A participant's blind judgement, once.

    Raises Forbidden, Conflict (`session_closed`, `already_judged`), Refused `unknown_label`.
    """
    row = _open(session, position)
    if actor.user_id is None or not session.participants.filter(pk=actor.user_id).exists():
        raise Forbidden("Only participants judge in a session.")
    check_label(row.case, label)
    try:
        with transaction.atomic():
            said = SessionJudgement.objects.create(
                workspace_id=session.workspace_id,
                session_case=row,
                user_id=actor.user_id,
                label=label,
                reasoning=reasoning.strip()[:5000],
                created_at=db_now(),
            )
    except IntegrityError:
        raise Conflict("You have judged this case.", code="already_judged") from None
    change = Change(after={"position": position, "label": label}, reason=said.reasoning[:2000])
    record_event(actor=actor, action="calibration_session.judged", subject=_about(session), change=change)
    return said


@transaction.atomic
def note_in_session(*, actor: Actor, session: CalibrationSession, position: int, text: str) -> SessionNote:
    """A remark of the discussion. Raises Conflict `first_judgement_required`, `session_closed`, Refused `required`."""
    row = _open(session, position)
    if actor.user_id is None or not may_compare(actor, session, row):
        raise Conflict("Judge the case yourself first.", code="first_judgement_required")
    if not text.strip():
        raise Refused(code="required", errors=[FieldProblem("/text", "Fill this in.", "required")])
    note = SessionNote.objects.create(
        workspace_id=session.workspace_id,
        session_case=row,
        user_id=actor.user_id,
        text=text.strip()[:5000],
        created_at=db_now(),
    )
    change = Change(after={"position": position}, reason=note.text[:2000])
    record_event(actor=actor, action="calibration_session.noted", subject=_about(session), change=change)
    return note


@transaction.atomic
def conclude(
    *, actor: Actor, session: CalibrationSession, position: int, outcome: str, label: str, conclusion: str
) -> SessionCase:
    """What the team agreed on: a gold case, a change of the guideline, or that it is ambiguous.

    Raises Forbidden, Conflict (`session_closed`, `concluded`), Refused (`unknown_label`, `reason_required`).
    """
    actor.require(Permission.AUDIT_DECISIONS)
    row = _open(session, position)
    if row.outcome != SessionCase.Outcome.NONE:
        raise Conflict("This case is concluded.", code="concluded")
    if outcome not in SessionCase.Outcome.values or outcome == SessionCase.Outcome.NONE or not conclusion.strip():
        problem = FieldProblem("/conclusion", "Choose an outcome and say why.", "required")
        raise Refused(problem.detail, code="required", errors=[problem])
    kind = row.case.task_type
    if outcome == SessionCase.Outcome.GOLD:
        stored = CaseContent.objects.get(pk=row.case_id)
        content = GoldContent(stored.input, stored.prediction, stored.key_evidence, stored.evidence, stored.context)
        wrong = stored.prediction is not None and stored.prediction.get("label") != label
        create_gold(
            actor=actor, task_type=kind, content=content, answer=Answer(label, conclusion, wrong), source=row.case
        )
    elif outcome == SessionCase.Outcome.GUIDELINE:
        request_change(actor=actor, task_type=kind, text=conclusion, case_id=row.case_id)
    row.outcome, row.label, row.conclusion = outcome, label[:100], conclusion.strip()[:5000]
    row.save(update_fields=["outcome", "label", "conclusion"])
    change = Change(after={"position": position, "outcome": outcome, "label": row.label}, reason=row.conclusion[:2000])
    record_event(actor=actor, action="calibration_session.concluded", subject=_about(session), change=change)
    return row


@transaction.atomic
def close_session(*, actor: Actor, session: CalibrationSession) -> None:
    """Nothing more is said in it; everything in it can be read by who took part. Again changes nothing."""
    actor.require(Permission.AUDIT_DECISIONS)
    rows = CalibrationSession.objects.filter(pk=session.pk, status=CalibrationSession.Status.OPEN)
    if rows.update(status=CalibrationSession.Status.CLOSED, closed_at=db_now()):
        record_event(actor=actor, action="calibration_session.closed", subject=_about(session))


def _open(session: CalibrationSession, position: int) -> SessionCase:
    """Its case, the session locked: of two who conclude, or one who judges while another closes it, one is later."""
    fresh = CalibrationSession.objects.select_for_update().get(pk=session.pk)
    if fresh.status != CalibrationSession.Status.OPEN:
        raise Conflict("The session is closed.", code="session_closed")
    return session_case(session, position)


def _about(session: CalibrationSession) -> Subject:
    return Subject("calibration_session", session.pk)
