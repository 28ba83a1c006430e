"""The life of a version on its page and over REST: steps, shares, rolling back, history, differences."""

import pytest

from routing.actions.policies import propose_version
from routing.models import PolicyVersion
from tests.api.test_query_budgets import JSON
from tests.api.test_shadow_and_canary import approved
from tests.factories import World, policy_document

VERSIONS = "/api/v1/policies/loan/versions"


def test_the_page_shows_every_step_who_took_it_and_what_the_next_would_do(world: World) -> None:
    propose_version(actor=world.actor("alice"), policy=world.policy, document=policy_document(), note="calmer")
    html = world.browser("erin").get("/policies/loan/versions/2").content.decode()
    for step in ("Draft", "Replay", "Approved", "Shadow", "Canary", "In force", "Retired"):
        assert step in html
    assert 'aria-current="step"' in html and "alice" in html and "calmer" in html
    assert "Decides a share of the cases" in html


def test_a_canary_is_started_from_the_page_and_a_bad_share_stands_beside_its_field(world: World) -> None:
    approved(world, policy_document())
    browser = world.browser("alice")
    assert 'name="share"' in browser.get("/policies/loan/versions/2").content.decode()
    refused = browser.post("/policies/loan/versions/2/canary", {"share": "0.9", "reason": ""})
    assert refused.status_code == 422 and "less than or equal to 0.5" in refused.content.decode()
    browser.post("/policies/loan/versions/2/canary", {"share": "0.1", "reason": "try"})
    row = PolicyVersion.objects.get(number=2)
    assert (row.status, row.canary_share) == ("canary", 0.1)
    html = browser.get("/policies/loan/versions/2").content.decode()
    assert "Promote" in html and "Withdraw" in html and "10.0%" in html
    assert "canary 2" in browser.get("/policies").content.decode()


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [
        ("canary", {"share": 0.2}, 200),
        ("canary", {}, 400),
        ("canary", {"share": 0.9}, 400),
        ("canary", {"share": 0}, 400),
        ("shadow", {}, 200),
        ("shadow", {"share": 0.2}, 400),
        ("retire", {}, 409),
        ("withdraw", {}, 409),
        ("launch", {}, 404),
    ],
)
def test_verbs_over_rest(world: World, verb: str, body: dict[str, float], status: int) -> None:
    approved(world, policy_document())
    answer = world.api("alice").post(f"{VERSIONS}/2/{verb}", body, content_type=JSON)
    assert answer.status_code == status, answer.content
    if status == 400:
        assert answer.json()["errors"][0]["pointer"] == "/share"
    if verb == "canary" and status == 200:
        assert (answer.json()["status"], answer.json()["canary_share"]) == ("canary", 0.2)
        listed = world.api("alice").get("/api/v1/policies/loan").json()
        assert (listed["active_version"], listed["canary_version"], listed["shadow_versions"]) == (1, 2, [])


def test_rolling_back_over_rest_in_one_step(world: World) -> None:
    approved(world, policy_document())
    api = world.api("alice")
    assert api.post("/api/v1/policies/loan/rollback", {}, content_type=JSON).status_code == 409
    api.post(f"{VERSIONS}/2/activate", {}, content_type=JSON)
    answer = api.post("/api/v1/policies/loan/rollback", {"from_version": 2, "reason": "worse"}, content_type=JSON)
    assert (answer.status_code, answer.json()["number"], answer.json()["status"]) == (200, 1, "active")
    again = api.post("/api/v1/policies/loan/rollback", {"from_version": 2}, content_type=JSON)
    assert (again.status_code, again.json()["code"]) == (409, "not_in_force")


def test_in_force_at_over_rest_and_on_the_page(world: World) -> None:
    api = world.api("alice")
    found = api.get(f"{VERSIONS}?in_force_at=2100-01-01T00:00:00Z").json()["results"]
    assert [(row["number"], row["status"]) for row in found] == [(1, "active")]
    assert api.get(f"{VERSIONS}?in_force_at=2000-01-01T00:00:00Z").json()["results"] == []
    wrong = api.get(f"{VERSIONS}?in_force_at=yesterday")
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "?in_force_at")
    browser = world.browser("erin")
    assert "version 1" in browser.get("/policies/loan/history?at=2100-01-01T00:00").content.decode()
    assert "people decided" in browser.get("/policies/loan/history?at=2000-01-01T00:00").content.decode()
    assert browser.get("/policies/loan/history?at=then").status_code == 422


def test_any_two_versions_are_compared_in_words(world: World) -> None:
    approved(world, policy_document(thresholds={"default": None}))
    found = world.api("alice").get("/api/v1/policies/loan/difference?from=1&to=2").json()
    assert found["sections"][0]["removed"] == ["By default from a calibrated confidence of 0.9."]
    assert found["sections"][0]["added"] == ["By default never."]
    assert found["changes"][0]["field"] == "thresholds › default"
    assert world.api("alice").get("/api/v1/policies/loan/difference?from=1&to=9").status_code == 404
    assert world.api("alice").get("/api/v1/policies/loan/difference?from=1").status_code == 400
    page = world.browser("erin").get("/policies/loan/difference?before=2&after=1").content.decode()
    assert "From version 2 to version 1" in page and "By default never." in page
    assert world.browser("erin").get("/policies/loan/difference?before=2&after=77").status_code == 422
