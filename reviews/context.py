"""What every page's frame shows of reviewing: how many alerts nobody has answered."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from hitl.core.actors import Actor
from hitl.core.permissions import Permission
from reviews.alerts import alerts_for_actor, in_state
from reviews.models import Alert


def open_alerts(request: HttpRequest) -> dict[str, object]:
    """Template context `open_alerts`: a count for whoever may answer them, without a query for anybody else."""
    actor: Actor | None = getattr(request, "actor", None)
    if not actor or not actor.may(Permission.ANSWER_ALERTS):
        return {"open_alerts": 0}
    return {"open_alerts": SimpleLazyObject(in_state(alerts_for_actor(actor), Alert.State.OPEN).count)}
