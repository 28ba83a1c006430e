"""Fixtures every test may use. PostgreSQL: DATABASE_URL, else an embedded one (`-p hitl.embedded.testing`)."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from hypothesis import settings

from tests.factories import World, make_world

# The same examples in every run, however busy the machine; `--hypothesis-profile=default` draws others.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture
def world(db: None) -> World:
    """A workspace with its cast, a task type in force and two queues."""
    return make_world()


@pytest.fixture(scope="session")
def migrated(
    django_db_setup: None, django_db_blocker: Any, django_db_keepdb: bool, django_db_createdb: bool
) -> Iterator[None]:
    """The migrated test database. pytest-django makes none for a run in which no test asks for its own fixtures."""
    if connection.settings_dict["NAME"].startswith("test_"):
        yield
        return
    keep = django_db_keepdb and not django_db_createdb
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default"}, keepdb=keep)
    yield
    if not django_db_keepdb:
        with django_db_blocker.unblock():
            teardown_databases(made, verbosity=0)
