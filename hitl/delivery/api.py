"""REST: webhooks. Clients need the scope `cases:write` and manage their own; people need MANAGE_CLIENTS."""

import uuid
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query
from hitl.delivery.access import delivery_for, endpoint_for, require_webhooks
from hitl.delivery.actions.endpoints import register_endpoint, replay_delivery, revoke_endpoint, send_test
from hitl.delivery.selectors import endpoints_of
from hitl.delivery.structs import (
    WebhookDeliveryList,
    WebhookDeliveryOut,
    WebhookIn,
    WebhookList,
    WebhookOut,
    delivery_out,
    webhook_out,
)

_TAGS = ("webhooks",)
_PAGE = (query("limit", "1–200, default 50.", int), query("cursor", "`next` of the page before."))


class _Webhooks(Endpoint):
    # Null because people need a role, not a scope; `require_webhooks` checks both kinds.
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": None, "POST": None, "DELETE": None}


class Webhooks(_Webhooks):
    @documented(operation_id="webhooks_list", responses={200: WebhookList}, parameters=_PAGE, tags=_TAGS)
    def get(self, request: Request) -> Response:
        """List endpoints, newest first. Scope: `cases:write`; people: MANAGE_CLIENTS."""
        asked = self.check_query(request, "limit", "cursor")
        actor = actor_of(request)
        require_webhooks(actor)
        page = page_by_id(endpoints_of(actor), limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(WebhookList([webhook_out(e) for e in page.rows], page.next))

    @documented(operation_id="webhooks_create", request=WebhookIn, responses={201: WebhookOut}, tags=_TAGS)
    def post(self, request: Request) -> Response:
        """Register an endpoint; the answer shows its signing secret, once. Scope: `cases:write`.

        Messages are signed by Standard Webhooks 1.0 and arrive at least once: drop repeats by `webhook-id`.
        A client's endpoint hears of that client's cases; one registered by a person, of the whole workspace.
        """
        asked = self.body(request, WebhookIn)
        endpoint = register_endpoint(actor=actor_of(request), url=asked.url, event_types=asked.event_types)
        return Response(webhook_out(endpoint, secret=True), status=201)


class WebhookDetail(_Webhooks):
    @documented(operation_id="webhooks_revoke", responses={204: None}, tags=_TAGS)
    def delete(self, request: Request, webhook_id: uuid.UUID) -> Response:
        """Revoke an endpoint; what still waited for it is dropped. Scope: `cases:write`."""
        actor = actor_of(request)
        revoke_endpoint(actor=actor, endpoint=endpoint_for(actor, webhook_id))
        return Response(status=204)


class WebhookTest(_Webhooks):
    @documented(operation_id="webhooks_test", responses={202: WebhookDeliveryOut}, tags=_TAGS)
    def post(self, request: Request, webhook_id: uuid.UUID) -> Response:
        """Send a `webhook.test` message on the real path; follow it in the deliveries. Scope: `cases:write`."""
        actor = actor_of(request)
        return Response(delivery_out(send_test(actor=actor, endpoint=endpoint_for(actor, webhook_id))), status=202)


class WebhookDeliveries(_Webhooks):
    @documented(operation_id="webhooks_deliveries", responses={200: WebhookDeliveryList}, parameters=_PAGE, tags=_TAGS)
    def get(self, request: Request, webhook_id: uuid.UUID) -> Response:
        """Deliveries of one endpoint, newest first. Scope: `cases:write`."""
        asked = self.check_query(request, "limit", "cursor")
        rows = endpoint_for(actor_of(request), webhook_id).deliveries.all()
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(WebhookDeliveryList([delivery_out(d) for d in page.rows], page.next))


class WebhookReplay(_Webhooks):
    @documented(operation_id="webhooks_replay", responses={202: WebhookDeliveryOut}, tags=_TAGS)
    def post(self, request: Request, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> Response:
        """Send a delivery again with the same `webhook-id`, whatever became of it. Scope: `cases:write`."""
        actor = actor_of(request)
        delivery = replay_delivery(actor=actor, delivery=delivery_for(actor, webhook_id, delivery_id))
        return Response(delivery_out(delivery), status=202)
