"""Django's admin: nobody, a reviewer and a stranger find no object of acme's behind any of its routes."""

from django.contrib.contenttypes.models import ContentType

from tests.access.conftest import Scene
from tests.access.routes import all_routes


def test_no_admin_route_opens_for_whom_it_is_not(scene: Scene) -> None:
    ids = {"content_type_id": str(ContentType.objects.first().pk), "object_id": scene.ids["case_id"]}
    routes = [r for r in all_routes() if r.path.startswith("/admin/")]
    assert len(routes) > 10
    for route in routes:
        path = route.fill(ids).replace(".*", "x")
        for role in ("nobody", "bob", "partner"):
            response = scene.caller(role, path).get(path)
            assert response.status_code in (301, 302, 403, 404), (role, path, response.status_code)
            if response.status_code == 302 and role == "nobody":
                assert "/login" in response["Location"] or "/admin/" in response["Location"], path


def test_a_stranger_finds_no_object_of_acme(scene: Scene) -> None:
    for route in (r for r in all_routes() if r.path.startswith("/admin/") and "<object_id>" in r.path):
        path = route.fill({"object_id": scene.ids["case_id"], "content_type_id": "1"})
        response = scene.caller("stranger", path).get(path)
        assert response.status_code in (301, 302, 403, 404), (path, response.status_code)
