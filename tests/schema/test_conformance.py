"""Whatever is sent, the API answers as its schema says and never with 5xx (schemathesis, seeded)."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, Verbosity, given, seed
from hypothesis import settings as budget
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hitl.wsgi import application
from tests.access.conftest import Scene
from tests.access.conftest import scene as scene


@pytest.fixture(autouse=True)
def one_connection(scene: Scene) -> Iterator[None]:
    """Requests stay inside the test's transaction; after `scene`, whose test client connects these again."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
WRITES_NO_SCHEMA = ("/api/v1/schema", "/api/v1/docs")


def run(scene: Scene, role: str, examples: int) -> None:
    """Every operation with generated requests; path parameters half the time name real objects."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema", application)
    headers = {"Authorization": f"Bearer {scene.world.keys[role]}"}
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path not in WRITES_NO_SCHEMA:
            explore(scene, operation, headers, examples)


def explore(scene: Scene, operation: Any, headers: dict[str, str], examples: int) -> None:
    turns = iter(range(examples * 100))

    @seed(20261121)
    @budget(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def each(case: Any) -> None:
        if next(turns) % 2:
            for name in case.path_parameters or {}:
                case.path_parameters[name] = scene.ids.get(name, case.path_parameters[name])
        case.call_and_validate(headers=headers, checks=CHECKS)

    each()


@pytest.mark.parametrize("role", ["partner", "alice"])
def test_a_few_requests_to_every_operation(scene: Scene, role: str) -> None:
    run(scene, role, examples=4)


@pytest.mark.soak
@pytest.mark.parametrize("role", ["partner", "alice", "bob"])
def test_many_requests_to_every_operation(scene: Scene, role: str) -> None:
    run(scene, role, examples=40)
