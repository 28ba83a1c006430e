"""Every URL × method × role has an expected answer; a route without a row fails (issue: Access core)."""

import re

import pytest
from django.db import transaction

from tests.access.conftest import ROLES, Scene
from tests.access.routes import all_routes
from tests.access.table import API, COVERED, PAGES


def routed() -> set[str]:
    """ "METHOD path" of every route that needs a row."""
    return {
        f"{method} {route.path}"
        for route in all_routes()
        if not any(re.match(pattern, route.path) for pattern in COVERED)
        for method in route.methods
    }


def test_every_route_and_method_has_a_row_and_no_row_is_stale(db: None) -> None:
    rows = API.keys() | PAGES.keys()
    assert routed() - rows == set(), "routes without a row"
    assert rows - routed() == set(), "rows without a route"


@pytest.mark.parametrize("table", [API, PAGES], ids=["API", "pages"])
def test_everybody_gets_what_the_table_says(scene: Scene, table: dict[str, str]) -> None:
    wrong = []
    for row, expected in table.items():
        method, path = row.split(" ")
        address = next(r for r in all_routes() if r.path == path).fill(scene.fill(path))
        got = [ask(scene, role, method, path, address) for role in ROLES]
        if got != expected.split():
            wrong.append(f'"{row}": expected "{expected}", got "{" ".join(got)}"')
    assert not wrong, "\n".join(wrong)


def ask(scene: Scene, role: str, method: str, path: str, address: str) -> str:
    """The status, with whatever the request changed undone."""
    with transaction.atomic():
        caller = scene.caller(role, path)
        body = {} if method == "GET" else scene.body(method, path)
        status = getattr(caller, method.lower())(address, **body).status_code
        transaction.set_rollback(True)
    return str(status)
