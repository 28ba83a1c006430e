"""Save and delete a person's own filters. Preferences, not evidence: no event."""

import uuid
from collections.abc import Mapping

from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.errors import FieldProblem, Forbidden, InvalidInput, NotFound, Refused
from reviews.models import SavedFilter
from reviews.saved_filters import KEPT, own_filters

MOST = 50


def save_filter(*, actor: Actor, place: str, name: str, query: Mapping[str, str]) -> SavedFilter:
    """Keep a search under a name; the same name again replaces it. Raises InvalidInput, Refused `too_many`."""
    if actor.user_id is None:
        raise Forbidden("Filters belong to people.", code="reviewer_required")
    name = " ".join(name.split())
    if not 1 <= len(name) <= 60:
        raise InvalidInput(errors=[FieldProblem("/name", "Give it a name of 1 to 60 characters.", "required")])
    if unknown := sorted(set(query) - set(KEPT[place])):
        problem = FieldProblem(f"/query/{unknown[0]}", f"Known here: {', '.join(KEPT[place])}.", "unknown_field")
        raise InvalidInput(errors=[problem])
    mine = own_filters(actor)
    if mine.count() >= MOST and not mine.filter(place=place, name=name).exists():
        raise Refused(f"You have {MOST} filters; delete one first.", code="too_many")
    row, _ = SavedFilter.objects.update_or_create(
        workspace_id=actor.workspace_id,
        user_id=actor.user_id,
        place=place,
        name=name,
        defaults={"query": {k: v[:200] for k, v in query.items() if v}, "created_at": now()},
    )
    return row


def delete_filter(*, actor: Actor, filter_id: uuid.UUID) -> None:
    """Raises NotFound for anybody else's."""
    if not own_filters(actor).filter(pk=filter_id).delete()[0]:
        raise NotFound()
