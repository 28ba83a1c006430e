"""What a test reads from the tables, and what time would have changed in them."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from django.db import connection

from audit.models import Event, OutboxMessage
from hitl.core.clock import now
from hitl.delivery.models import WebhookDelivery
from reviews.actions.claims import claim_next_review
from reviews.models import Claim, ReviewTask
from tests.factories import World


def claim_and_lapse(world: World, *names: str) -> list[Claim]:
    """Each person claims a review and lets its lease run out."""
    claims = []
    for name in names:
        held = claim_next_review(actor=world.actor(name))
        assert held is not None
        claims.append(held.claim)
    Claim.objects.filter(pk__in=[c.pk for c in claims]).update(expires_at=now() - timedelta(seconds=1))
    return claims


def events(world: World, action: str) -> Counter[str]:
    """How often this happened to each object."""
    found = Event.objects.filter(workspace_id=world.workspace.pk, action=action)
    return Counter(found.values_list("object_id", flat=True))


def once(ids: Iterable[object]) -> Counter[str]:
    """What `events` answers when each of these met it exactly once."""
    return Counter(str(key) for key in ids)


def waiting(claims: Iterable[Claim]) -> bool:
    """Whether every lease is over and its review back in the queue."""
    reviews = ReviewTask.objects.filter(pk__in=[c.review_id for c in claims])
    return set(reviews.values_list("status", flat=True)) == {"waiting"}


def unrelayed(world: World) -> int:
    found = OutboxMessage.objects.filter(workspace_id=world.workspace.pk)
    return found.filter(relayed_at__isnull=True, cancelled_at__isnull=True).count()


def undelivered(world: World) -> int:
    return WebhookDelivery.objects.filter(workspace=world.workspace).exclude(status="delivered").count()


def stuck() -> list[str]:
    """The process name of each session whose statement waits for what somebody else has locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # inside a transaction the view would never change
        cursor.execute(
            "SELECT application_name FROM pg_stat_activity "
            "WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
        )
        return [row[0] for row in cursor.fetchall()]
