"""Who may read the evidence: supervisors and auditors; a client with the scope `audit:read`."""

from django.db.models import QuerySet

from audit.models import Event
from hitl.core.actors import Actor, ActorKind
from hitl.core.errors import Forbidden
from hitl.core.permissions import Permission, Scope


def visible_events(actor: Actor) -> QuerySet[Event]:
    """The workspace's events. Raises Forbidden; a key limited to task types is refused, since events know none."""
    if actor.kind is ActorKind.CLIENT:
        if Scope.AUDIT_READ not in actor.scopes:
            raise Forbidden(f"The scope `{Scope.AUDIT_READ.value}` is needed here.", code="scope_required")
    else:
        actor.require(Permission.READ_AUDIT)
    if actor.task_type_ids is not None:
        raise Forbidden("This key is limited to some task types; events are of all. Use an unlimited key.")
    return Event.objects.filter(workspace_id=actor.workspace_id)
