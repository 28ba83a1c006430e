"""What a browser may send that no form of ours would: refused by name, never a failure of the server."""

import pytest

from tests.access.conftest import Scene
from tests.access.conftest import scene as scene
from tests.factories import World

NUL = "a\x00b"


def test_a_nul_in_an_address_that_is_read_as_it_is_is_named(world: World) -> None:
    page = world.browser("alice").get("/cases", {"task_type": NUL})
    assert page.status_code == 400
    assert "No NUL characters." in page.content.decode() and ">task_type<" in page.content.decode()


@pytest.mark.parametrize(
    ("path", "fields", "field"),
    [
        ("/filters", {"place": "cases"}, "name"),
        ("/guidelines/loan", {"title": "t", "text": "t"}, "note"),
        ("/ops/alerts/<alert_id>/acknowledge", {}, "note"),
        ("/ops/conflicts/<panel_id>/settle", {"label": "reject"}, "reason"),
        ("/quality/sessions", {}, "task_type"),
        ("/reviews/<review_id>/assign", {}, "to"),
    ],
)
def test_a_nul_in_a_form_is_named(scene: Scene, path: str, fields: dict[str, str], field: str) -> None:
    for name, value in scene.ids.items():
        path = path.replace(f"<{name}>", value)
    page = scene.knock("alice", api=False).post(path, fields | {field: NUL})
    assert page.status_code == 400, page
    assert "No NUL characters." in page.content.decode() and f">{field}<" in page.content.decode()
