"""Write a note on a case."""

from django.db import transaction

from audit.actions.events import Change, Subject, build_event
from hitl.core.actors import Actor, ActorKind
from hitl.core.clock import now
from hitl.core.errors import FieldProblem, Forbidden, InvalidInput
from hitl.core.permissions import Permission
from hitl.core.rows import insert_rows, new_row
from reviews.models import Case, Note

LONGEST = 4000


@transaction.atomic
def write_note(*, actor: Actor, case: Case, text: str) -> Note:
    """Add a note to a case the actor may see. Raises InvalidInput, Forbidden for who neither reviews nor supervises.

    Its text stays out of the event, because events of a case are read by more people than its notes.
    """
    if actor.kind is not ActorKind.USER or not (actor.may(Permission.REVIEW) or actor.may(Permission.AUDIT_DECISIONS)):
        raise Forbidden("Notes are written by reviewers and supervisors.")
    text = text.replace("\x00", "").strip()
    if not text or len(text) > LONGEST:
        detail = f"Write 1 to {LONGEST} characters."
        raise InvalidInput(errors=[FieldProblem("/text", detail, "required" if not text else "too_long")])
    note = new_row(
        Note,
        workspace_id=actor.workspace_id,
        case_id=case.pk,
        user_id=actor.person_id,
        text=text,
        created_at=now(),
    )
    change = Change(after={"note": str(note.pk), "characters": len(text)})
    insert_rows(
        note, build_event(actor=actor, action="case.noted", subject=Subject("case", case.pk, case.pk), change=change)
    )
    return note
