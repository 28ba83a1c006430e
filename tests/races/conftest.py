"""A database of its own for each test: real commits, real threads, nothing to flush (a trigger refuses TRUNCATE)."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.delivery.race import own_database
from tests.factories import World, make_world


@pytest.fixture
def race_world(migrated: None, django_db_blocker: Any) -> Iterator[World]:
    """The world in a copy of the migrated test database."""
    with django_db_blocker.unblock(), own_database():
        yield make_world()
