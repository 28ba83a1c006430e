"""The event explorer and its REST twin: filters, pages, and who may look."""

import pytest

from audit.actions.events import Change, Subject, record_event
from audit.models import Event
from hitl.core.ids import new_id
from tests.factories import World, make_world


@pytest.fixture
def events(world: World) -> World:
    alice, other = world.actor("alice"), make_world("other").actor("alice")
    case = new_id()
    record_event(
        actor=alice, action="case.decided", subject=Subject("case", case, case), change=Change(after={"label": "x"})
    )
    record_event(actor=alice, action="case.corrected", subject=Subject("case", case, case))
    record_event(actor=world.actor("bob"), action="review.claimed", subject=Subject("claim", new_id(), case))
    record_event(actor=other, action="case.decided", subject=Subject("case", new_id()))
    return world


def found(world: World, query: str) -> list[str]:
    return [e["action"] for e in world.api("erin").get(f"/api/v1/audit/events?{query}").json()["results"]]


QUERIES = {
    "": ["review.claimed", "case.corrected", "case.decided"],
    "action=case.decided": ["case.decided"],
    "action=case": ["case.corrected", "case.decided"],
    "actor=bob": ["review.claimed"],
    "object_type=claim": ["review.claimed"],
    "since=2999-01-01T00:00:00Z": [],
    "until=2000-01-01T00:00:00Z": [],
    "until=2999-01-01T00:00:00Z&actor=alice": ["case.corrected", "case.decided"],
}


@pytest.mark.parametrize(("query", "actions"), QUERIES.items())
def test_filters_find_the_workspaces_events_only(events: World, query: str, actions: list[str]) -> None:
    assert found(events, query) == actions
    html = events.browser("erin").get(f"/audit?{query.replace('Z', '')}").content.decode()
    assert html.count('datetime="') == len(actions)


@pytest.mark.parametrize("query", ["since=yesterday", "case=1", "colour=red", "limit=0", "cursor=%21"])
def test_a_bad_filter_is_refused_by_name(events: World, query: str) -> None:
    response = events.api("erin").get(f"/api/v1/audit/events?{query}")
    assert response.status_code == 400 and response.json()["errors"][0]["pointer"] == f"?{query.split('=')[0]}"


@pytest.mark.parametrize(("name", "status"), {"alice": 200, "erin": 200, "bob": 403, "dave": 403}.items())
def test_only_supervisors_and_auditors_look(events: World, name: str, status: int) -> None:
    assert events.browser(name).get("/audit").status_code == status


def test_a_wrong_filter_on_the_page_says_so(events: World) -> None:
    response = events.browser("erin").get("/audit?case=1")
    assert response.status_code == 422 and b"UUID" in response.content


def test_pages_follow_each_other_without_gap_at_a_fixed_cost(
    events: World, django_assert_max_num_queries: object
) -> None:
    for _ in range(60):
        record_event(actor=events.actor("alice"), action="case.touched", subject=Subject("case", new_id()))
    browser = events.browser("erin")
    with django_assert_max_num_queries(4):  # type: ignore[operator]
        first = browser.get("/audit")
    second = browser.get("/audit" + first.context["next_url"])
    seen = [row.event.pk for page in (first, second) for row in page.context["rows"]]
    mine = Event.objects.filter(workspace_id=events.workspace.pk).order_by("-pk").values_list("pk", flat=True)
    assert seen == list(mine)
