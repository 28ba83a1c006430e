"""Notes as one may read them: one's own always, others' only once they can betray no answer (invariant 8)."""

from django.db.models import Exists, Q, QuerySet

from hitl.core.actors import Actor, ActorKind
from hitl.core.errors import Forbidden
from reviews.access import sealed_ids
from reviews.models import Case, Note, Panel, ReviewTask

MOST_SHOWN = 50


def notes_for_actor(actor: Actor, case: Case, *, sealed: bool | None = None) -> QuerySet[Note]:
    """The notes of a case that this actor may read. `sealed` null: found out here. Raises Forbidden for clients.

    While a case is sealed for somebody, what colleagues wrote is absent too: it may name their answer or the machine's.
    """
    if actor.kind is ActorKind.CLIENT:
        raise Forbidden("Notes are for the people who work on cases.")
    notes = Note.objects.filter(case_id=case.pk, workspace_id=actor.workspace_id).select_related("user")
    if bool(sealed_ids(actor, [case])) if sealed is None else sealed:
        return notes.filter(user_id=actor.person_id)
    # While several people judge, each on their own, a colleague's note may name their answer.
    sits = Panel.objects.filter(case_id=case.pk, status__in=[Panel.Status.OPEN, Panel.Status.ADJUDICATION])
    asked = ReviewTask.objects.filter(case_id=case.pk, kind=ReviewTask.Kind.OPINION, status__in=ReviewTask.OPEN)
    return notes.filter(Q(user_id=actor.person_id) | ~(Exists(sits) | Exists(asked)))
