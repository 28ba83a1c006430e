"""Every test here starts real processes, on each broker there is. They mostly wait, so brokers run at once."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.delivery.receiver import Receiver, receiving
from tests.soak.brokers import KINDS
from tests.soak.stack import Stack, running


@pytest.fixture(scope="package", params=[pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in KINDS])
def shared_stack(
    request: pytest.FixtureRequest,
    migrated: None,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """One for all tests on a broker: processes take seconds to start, so a test only starts what is missing."""
    with django_db_blocker.unblock(), running(request.param, tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.fixture
def stack(shared_stack: Stack) -> Stack:
    """With a world of the test's own."""
    shared_stack.new_world()
    return shared_stack


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found
