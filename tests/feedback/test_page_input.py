"""What no text in the database can hold is no server error on any page of feedback."""

import pytest

from feedback.urls import urlpatterns
from tests.factories import World

PAGES = sorted(str(page.pattern) for page in urlpatterns if "<" not in str(page.pattern))
FIELDS = ("queue", "task_type", "segment", "model_version", "window", "basis", "cursor", "kind", "days", "open")


@pytest.mark.parametrize("path", PAGES)
def test_a_nul_character_in_an_address_is_no_server_error(world: World, path: str) -> None:
    browser = world.browser("alice")
    browser.raise_request_exception = False
    found = {field: browser.get(f"/{path}?{field}=a%00b").status_code for field in FIELDS}
    assert not {field: status for field, status in found.items() if status >= 500}


def test_a_nul_character_in_a_form_is_left_out(world: World) -> None:
    browser = world.browser("alice")
    browser.raise_request_exception = False
    fields = {"competent_from": "80", "expert_from": "92", "min_cases": "20"}
    fields |= {"novice_weight": "1", "competent_weight": "1", "expert_weight": "1"}
    assert browser.post("/quality/skills", fields | {"queue": "a\x00"}).status_code == 404
