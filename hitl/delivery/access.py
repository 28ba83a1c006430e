"""The only door to endpoints and deliveries; hidden and missing look the same."""

import uuid

from hitl.core.actors import Actor, ActorKind
from hitl.core.errors import Forbidden, NotFound
from hitl.core.permissions import Permission, Scope
from hitl.delivery.models import WebhookDelivery, WebhookEndpoint
from hitl.delivery.selectors import endpoints_of


def require_webhooks(actor: Actor) -> None:
    """Clients: the scope `cases:write`; people: MANAGE_CLIENTS, and by key that scope as well.

    A key limited to task types is refused, because an endpoint hears of every case of its owner. Raises Forbidden.
    """
    if actor.kind is not ActorKind.CLIENT:
        actor.require(Permission.MANAGE_CLIENTS)
    if actor.key_id is None:
        return
    if Scope.CASES_WRITE not in actor.scopes:
        raise Forbidden(f"The scope `{Scope.CASES_WRITE.value}` is needed here.", code="scope_required")
    if actor.task_type_ids is not None:
        raise Forbidden("This key is limited to some task types; webhooks hear of all. Use an unlimited key.")


def endpoint_for(actor: Actor, endpoint_id: uuid.UUID) -> WebhookEndpoint:
    """The endpoint, if the actor may manage it. Raises Forbidden, NotFound."""
    require_webhooks(actor)
    found = endpoints_of(actor).filter(pk=endpoint_id).first()
    if found is None:
        raise NotFound()
    return found


def delivery_for(actor: Actor, endpoint_id: uuid.UUID, delivery_id: uuid.UUID) -> WebhookDelivery:
    """A delivery of that endpoint. Raises Forbidden, NotFound."""
    found = endpoint_for(actor, endpoint_id).deliveries.filter(pk=delivery_id).select_related("endpoint").first()
    if found is None:
        raise NotFound()
    return found
