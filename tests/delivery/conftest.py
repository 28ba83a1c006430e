from collections.abc import Iterator
from typing import Any

import pytest

from hitl.core.clock import now
from hitl.delivery.models import WebhookDelivery
from tests.delivery.race import own_database
from tests.delivery.receiver import Receiver, receiving
from tests.factories import World, make_world


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def race_world(migrated: None, django_db_blocker: Any) -> Iterator[World]:
    """The world in a database of its own, for real threads."""
    with django_db_blocker.unblock(), own_database():
        yield make_world()


@pytest.fixture
def due_now() -> Any:
    """Makes every waiting delivery due, as time would."""

    def make_due() -> None:
        WebhookDelivery.objects.filter(status="waiting").update(next_attempt_at=now())

    return make_due
