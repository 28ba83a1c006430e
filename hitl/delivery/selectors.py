"""Reading endpoints and deliveries, and two facts of apps that may not be imported from here."""

import uuid
from collections.abc import Iterable

from django.apps import apps
from django.db.models import Q, QuerySet

from hitl.accounts.models import Client
from hitl.core.actors import Actor, ActorKind
from hitl.delivery.models import WebhookDelivery, WebhookEndpoint


def endpoints_of(actor: Actor) -> QuerySet[WebhookEndpoint]:
    """Not revoked: a client's own, or for people all of the workspace."""
    rows = WebhookEndpoint.objects.filter(workspace_id=actor.workspace_id, revoked_at__isnull=True)
    if actor.kind is ActorKind.CLIENT:
        assert actor.client_id is not None
        rows = rows.filter(client_id=actor.client_id)
    return rows.select_related("client")


def listening_endpoints(workspace_ids: Iterable[uuid.UUID]) -> QuerySet[WebhookEndpoint]:
    """Active endpoints of these workspaces whose client, if any, is active too."""
    return WebhookEndpoint.objects.filter(
        Q(client__isnull=True) | Q(client__active=True), workspace_id__in=set(workspace_ids), active=True
    )


def recent_deliveries(endpoint: WebhookEndpoint, *, limit: int = 10) -> list[WebhookDelivery]:
    """Newest first."""
    return list(endpoint.deliveries.order_by("-id")[:limit])


def clients_of_cases(case_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID | None]:
    """Case id → the client that submitted it, null for a person's.

    `reviews` stands to the left, so its model is found by name as a foreign key would.
    """
    rows = apps.get_model("reviews", "Case")._default_manager.filter(pk__in=set(case_ids))
    return dict(rows.values_list("pk", "client_id"))


def task_type_choices(workspace_id: uuid.UUID) -> list[tuple[str, str]]:
    """(id, title) of the workspace's task types, for limiting a key; found by name likewise."""
    rows = apps.get_model("routing", "TaskType")._default_manager.filter(workspace_id=workspace_id)
    return [(str(pk), title) for pk, title in rows.order_by("title").values_list("pk", "title")]


def clients_of(workspace_id: uuid.UUID) -> QuerySet[Client]:
    """The workspace's clients, active first, by name."""
    return Client.objects.filter(workspace_id=workspace_id).order_by("-active", "name")
