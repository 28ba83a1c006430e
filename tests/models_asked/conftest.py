from collections.abc import Iterator
from typing import Any

import pytest

from routing.models import ModelEndpoint
from tests.api.support import use_policy
from tests.factories import World
from tests.models_asked.server import ModelServer, model_server, says

JUDGE = {
    "kind": "judge",
    "name": "judge",
    "endpoint": "gpt",
    "model": "small-1",
    "prompt": "Income {{input.income}}, the model says {{prediction.label}}. Is that right?",
    "price_in": 0.5,
    "price_out": 2.0,
}
NO_DRAW = {"exploration_rate": 0.01, "audit_rate": 0.01}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server(says({"verdict": "pass", "reason": "fine"})) as found:
        yield found


@pytest.fixture
def judged(world: World, server: ModelServer) -> World:
    """A world whose policy asks the judge before the machine decides."""
    endpoint(world, server)
    use_policy(world, cascade={"layers": [JUDGE]}, sampling=NO_DRAW)
    return world


def endpoint(world: World, server: ModelServer, slug: str = "gpt", **changes: Any) -> ModelEndpoint:
    values = {"kind": "judge", "url": server.url, "secret": "sk-1", "timeout_s": 0.3} | changes
    return ModelEndpoint.objects.create(workspace=world.workspace, slug=slug, **values)
