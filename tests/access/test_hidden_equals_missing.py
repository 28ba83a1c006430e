"""What one may not see answers exactly as what does not exist (issue: Access core)."""

import re
import uuid

from django.db import transaction

from tests.access.conftest import Scene
from tests.access.routes import Route, all_routes

OBJECTS = ("case_id", "claim_id", "judgement_id", "decision_id", "review_id", "study_id", "webhook_id", "delivery_id")
OBJECTS += ("panel_id", "client_id", "key_id", "membership_id", "slug")


def object_routes() -> list[tuple[Route, str]]:
    """Routes to one object, by method."""
    found = [r for r in all_routes() if not r.path.startswith(("/admin/", "/password/"))]
    return [(r, method) for r in found if re.search(r"<\w+>", r.path) for method in r.methods]


def answer(scene: Scene, role: str, route: Route, method: str, ids: dict[str, str]) -> tuple[int, bytes]:
    with transaction.atomic():
        body = {} if method == "GET" else scene.body(method, route.path)
        caller = scene.caller(role, route.path)
        caller.cookies.pop("messages", None)  # what an earlier request left to be said
        response = getattr(caller, method.lower())(route.fill(ids), **body)
        transaction.set_rollback(True)
    csrf_free = re.sub(rb"[A-Za-z0-9]{64}", b"TOKEN", b"".join(response))
    return response.status_code, csrf_free


def test_a_stranger_cannot_tell_what_exists(scene: Scene) -> None:
    missing = {name: str(uuid.uuid4()) for name in OBJECTS} | {"slug": "nothing", "number": "1", "verb": "retire"}
    for route, method in object_routes():
        ours = answer(scene, "stranger", route, method, scene.fill(route.path))
        assert ours[0] == 404, (method, route.path, ours[0])
        assert ours == answer(scene, "stranger", route, method, missing), (method, route.path)


def test_nor_can_other_roles_where_they_get_404(scene: Scene) -> None:
    missing = {name: str(uuid.uuid4()) for name in OBJECTS} | {"slug": "nothing", "number": "1", "verb": "retire"}
    for role in ("partner", "bob", "oscar"):
        for route, method in object_routes():
            ours = answer(scene, role, route, method, scene.fill(route.path))
            if ours[0] == 404:
                assert ours == answer(scene, role, route, method, missing), (role, method, route.path)


def test_without_a_right_one_gets_the_same_refusal_whether_it_exists_or_not(scene: Scene) -> None:
    """A 403 is about the caller's role or scope, so it may not depend on the object unless that one is visible."""
    missing = {name: str(uuid.uuid4()) for name in OBJECTS} | {"slug": "nothing", "number": "1", "verb": "retire"}
    visible = (
        "/api/v1/cases/",
        "/api/v1/reviews/",
        "/api/v1/decisions/",
        "/api/v1/task-types/",
        "/guidelines/",
        "/cases/",
    )
    for role in ("bob", "erin", "oscar"):
        for route, method in object_routes():
            ours = answer(scene, role, route, method, scene.fill(route.path))
            if ours[0] == 403 and not route.path.startswith(visible):
                assert ours == answer(scene, role, route, method, missing), (role, method, route.path)
