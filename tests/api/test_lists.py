"""Lists: keyset pages, filters, and only what one may see (contract: Lists)."""

from datetime import timedelta

from hitl.accounts.models import ApiKey, Client
from hitl.core.clock import rfc3339
from hitl.core.permissions import Scope
from reviews.models import Case
from tests.api.support import claim, get, judge
from tests.factories import World, make_key, make_world


def ids(world: World, query: str, name: str = "partner") -> list[str]:
    response = get(world, name, f"cases?{query}")
    assert response.status_code == 200, response.content
    return [c["id"] for c in response.json()["results"]]


def test_pages_follow_each_other_without_gap_or_repeat_while_cases_arrive(world: World) -> None:
    made = [world.submit()["id"] for _ in range(7)]
    pages, cursor = [], ""
    while cursor is not None:
        page = get(world, "partner", f"cases?limit=3&cursor={cursor}").json()
        assert set(page) == {"results", "next"}
        pages.append([c["id"] for c in page["results"]])
        cursor = page["next"]
        world.submit()  # newer than every page to come
    assert [len(p) for p in pages] == [3, 3, 1]
    assert [case for page in pages for case in page] == made[::-1]


def test_a_last_page_that_is_just_full_has_no_next(world: World) -> None:
    for _ in range(2):
        world.submit()
    assert get(world, "partner", "cases?limit=2").json()["next"] is None


def test_filters_narrow_by_exact_match(world: World) -> None:
    a = world.submit(world.case_body(external_id="a", subject="s"))
    b = world.submit(world.case_body(external_id="b", subject="s"))
    c = world.submit(world.case_body(external_id="a b"))
    judge(world, "bob", claim(world, "bob"), "reject")
    assert ids(world, "external_id=a") == [a["id"]]
    assert ids(world, "external_id=a+b") == [c["id"]]
    assert ids(world, "subject=s") == [b["id"], a["id"]]
    assert ids(world, "status=decided") == [a["id"]]
    assert ids(world, "status=pending") == [c["id"], b["id"]]
    assert ids(world, "task_type=loan&subject=s&status=pending") == [b["id"]]
    assert ids(world, "task_type=other") == []
    assert ids(world, "subject=S") == []


def test_created_after_and_before_are_strict(world: World) -> None:
    first, then = world.submit(), world.submit()
    assert ids(world, f"created_after={first['created_at']}") == [then["id"]]
    assert ids(world, f"created_before={then['created_at']}") == [first["id"]]
    hour = Case.objects.get(pk=first["id"]).created_at + timedelta(hours=1)
    assert ids(world, f"created_after={rfc3339(hour)}") == []


def test_lists_carry_the_same_form_without_the_trace(world: World) -> None:
    case = world.submit()
    listed = get(world, "partner", "cases").json()["results"][0]
    assert listed["routing"] == {k: v for k, v in case["routing"].items() if k != "trace"}
    assert {k: v for k, v in listed.items() if k != "routing"} == {
        k: v for k, v in case.items() if k not in ("routing", "latency_ms")
    }


def test_a_client_sees_its_own_cases_only(world: World) -> None:
    mine = world.submit()
    other = Client.objects.create(workspace=world.workspace, name="another bank")
    world.keys["other"] = make_key(world, client=other, scopes=list(Scope))
    theirs = world.submit(name="other")
    assert ids(world, "") == [mine["id"]]
    assert ids(world, "", "other") == [theirs["id"]]
    assert ids(world, "", "alice") == [theirs["id"], mine["id"]]
    assert get(world, "other", f"cases/{mine['id']}").status_code == 404


def test_a_workspace_sees_nothing_of_another(world: World) -> None:
    world.submit()
    stranger = make_world("globex")
    for name in ("partner", "alice", "bob", "erin"):
        assert ids(stranger, "", name) == []


def test_a_key_limited_to_task_types_sees_and_sends_only_those(world: World) -> None:
    case = world.submit()
    world.keys["narrow"] = make_key(world, client=world.client, scopes=list(Scope))
    ApiKey.objects.filter(prefix=world.keys["narrow"].split("_")[1]).update(task_type_ids=[])
    assert ids(world, "", "narrow") == []
    assert get(world, "narrow", f"cases/{case['id']}").status_code == 404
    response = world.api("narrow").post("/api/v1/cases", world.case_body(), content_type="application/json")
    assert response.status_code == 403


def test_queues_say_how_they_stand(world: World) -> None:
    for _ in range(2):
        world.submit()
    rows = {q["slug"]: q for q in get(world, "bob", "queues").json()["results"]}
    assert set(rows) == {"loans"}  # the expert queue is not his to see
    row = rows["loans"]
    assert (row["depth"], row["overdue"], row["may_claim"]) == (2, 0, True)
    assert {"oldest", "estimated_wait_seconds"} <= set(row)
    assert {q["slug"] for q in get(world, "alice", "queues").json()["results"]} == {"loans", "loans-expert"}
    assert get(world, "partner", "queues").json()["results"] == []
