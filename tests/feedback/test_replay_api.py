"""Replays over REST: asked for, watched, read, looked into; and what stays hidden."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from feedback.actions.replay_work import work_replays
from feedback.models import ReplayChange, ReplayJob
from hitl.accounts.models import ApiKey, Client
from hitl.core.ids import new_id
from hitl.core.permissions import Scope
from reviews.models import Case
from routing.models import RoutingDecision, TaskType
from tests.api.support import post
from tests.factories import World, make_key, make_world
from tests.feedback.past import ask, draft, replay, submit_past

EXPERTS = {"rules": [{"name": "all", "when": "true", "then": "escalate"}]}


def start(world: World, number: int, body: dict[str, Any] | None = None, name: str = "alice") -> Any:
    return post(world, name, f"policies/loan/versions/{number}/replay", body or {})


def test_a_replay_is_accepted_watched_and_read(world: World) -> None:
    submit_past(world, 40)
    version = draft(world, thresholds={"default": 0.6})
    answer = start(world, version.number, {"limit": 30})
    assert answer.status_code == 202
    said = answer.json()
    assert (said["status"], said["done"], said["total"], said["result"]) == ("waiting", 0, None, None)

    work_replays()
    found = world.api("erin").get(f"/api/v1/replays/{said['id']}").json()
    assert (found["status"], found["done"], found["total"]) == ("done", 30, 30)
    assert found["cases"]["limit"] == 30 and found["compared_with"] is None
    result = found["result"]
    assert result["n"] == 30
    assert sum(cell["n"] for cell in result["matrix"]) == 30
    assert result["error"]["after"]["n"] > 0
    assert result["history"]["newly"] >= result["history"]["newly_unlabelled"]


def test_changed_cases_are_listed_by_cell_page_by_page(world: World) -> None:
    submit_past(world, 30)
    job, _ = replay(world, draft(world, **EXPERTS))
    api, path = world.api("alice"), f"/api/v1/replays/{job.pk}/changes"
    seen: list[str] = []
    cursor = ""
    while True:
        page = api.get(f"{path}?limit=7{cursor}").json()
        seen += [row["case"] for row in page["results"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == len(set(seen)) == 30
    machine = api.get(f"{path}?before=automate&after=escalate").json()["results"]
    assert machine and all(row["before"]["action"] == "automate" for row in machine)
    assert all(set(row) == {"id", "case", "external_id", "before", "after", "machine_wrong"} for row in machine)
    assert api.get(f"{path}?after=gate").json()["results"] == []


def test_drilling_down_shows_both_whole_routes(world: World) -> None:
    submit_past(world, 5)
    job, _ = replay(world, draft(world, **EXPERTS))
    api = world.api("alice")
    row = api.get(f"/api/v1/replays/{job.pk}/changes").json()["results"][0]
    found = api.get(f"/api/v1/replays/{job.pk}/changes/{row['id']}").json()
    stored = RoutingDecision.objects.get(case_id=row["case"])
    assert found["before"]["trace"] == stored.trace
    assert found["before"]["reason"] == stored.reason
    assert found["after"]["action"] == "escalate" and found["after"]["rule"] == "all"
    assert any(step["step"] == "rule" and step["outcome"] == "true" for step in found["after"]["trace"])


@pytest.mark.parametrize(
    "body, status, pointer",
    [
        ({"limit": 0}, 400, "/limit"),
        ({"limit": 10_000_000}, 400, "/limit"),
        ({"from": "2026-01-02T00:00:00"}, 400, "/from"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, 400, "/to"),
        ({"from": "0001-01-01T00:00:00+14:00"}, 400, "/from"),
        ({"to": "9999-12-31T23:59:59-12:00"}, 400, "/to"),
        ({"segment": {"region": 1}}, 400, "/segment"),
        ({"segment": {"region": "a\u0000"}}, 400, ""),
        ({"compare_with": 99}, 422, "/compare_with"),
        ({"surprise": 1}, 400, "/surprise"),
    ],
)
def test_wrong_questions_are_refused_at_their_place(
    world: World, body: dict[str, Any], status: int, pointer: str
) -> None:
    answer = start(world, draft(world).number, body)
    assert answer.status_code == status, answer.content
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert not ReplayJob.objects.exists()


def test_unknown_actions_are_refused_and_unknown_replays_missing(world: World) -> None:
    job = ask(world, draft(world))
    api = world.api("alice")
    assert api.get(f"/api/v1/replays/{job.pk}/changes?before=fly").status_code == 400
    assert api.get(f"/api/v1/replays/{new_id()}").status_code == 404
    assert api.get(f"/api/v1/replays/{job.pk}/changes/{new_id()}").status_code == 404


def test_cancelling_answers_and_twice_is_a_conflict(world: World) -> None:
    job = ask(world, draft(world))
    assert post(world, "alice", f"replays/{job.pk}/cancel").json()["status"] == "cancelled"
    assert post(world, "alice", f"replays/{job.pk}/cancel").status_code == 409


def test_a_key_limited_to_another_task_type_finds_nothing(world: World) -> None:
    job = ask(world, draft(world))
    other = TaskType.objects.create(
        workspace=world.workspace, slug="other", title="Other", labels=world.task_type.labels
    )
    ApiKey.objects.filter(client=world.client).update(task_type_ids=[other.pk])
    assert world.api().get(f"/api/v1/replays/{job.pk}").status_code == 404
    assert start(world, 1, name="partner").status_code == 404


def test_another_workspace_finds_nothing(world: World) -> None:
    job = ask(world, draft(world))
    stranger = make_world("globex")
    assert stranger.api("alice").get(f"/api/v1/replays/{job.pk}").status_code == 404


def test_who_may_still_have_to_judge_a_case_unaided_does_not_find_it_among_the_changed(world: World) -> None:
    submit_past(world, 12)
    job, _ = replay(world, draft(world, **EXPERTS))
    from guardian.shortcuts import assign_perm

    everything = world.api("alice").get(f"/api/v1/replays/{job.pk}/changes").json()["results"]
    for permission in ("claim_queue", "view_queue"):
        assign_perm(permission, world.users["alice"], world.queue)
    left = world.api("alice").get(f"/api/v1/replays/{job.pk}/changes").json()["results"]
    waiting = set(RoutingDecision.objects.filter(action="review").values_list("case_id", flat=True))
    assert waiting and len(left) == len(everything) - len(waiting)
    assert not {row["case"] for row in left} & {str(case) for case in waiting}
    hidden = next(row for row in everything if row not in left)
    assert world.api("alice").get(f"/api/v1/replays/{job.pk}/changes/{hidden['id']}").status_code == 404


def test_a_partner_finds_its_own_cases_only_among_the_changed(world: World) -> None:
    submit_past(world, 12)
    job, _ = replay(world, draft(world, **EXPERTS))
    changed = list(ReplayChange.objects.filter(job=job).values_list("case_id", flat=True))
    other = Client.objects.create(workspace=world.workspace, name="another bank")
    world.keys["other"] = make_key(world, client=other, scopes=list(Scope))
    Case.objects.filter(pk=changed[0]).update(client=other, owner_id=other.pk)
    found = world.api("other").get(f"/api/v1/replays/{job.pk}/changes").json()["results"]
    assert [row["case"] for row in found] == [str(changed[0])]
    assert len(world.api("partner").get(f"/api/v1/replays/{job.pk}/changes").json()["results"]) == len(changed) - 1


def test_reading_costs_the_same_whatever_the_length(world: World) -> None:
    submit_past(world, 3)
    counts = []
    for n in (1, 30):
        submit_past(world, n)
        job, _ = replay(world, draft(world, **EXPERTS))
        for path in ("", "/changes"):
            with CaptureQueriesContext(connection) as captured:
                assert world.api("alice").get(f"/api/v1/replays/{job.pk}{path}").status_code == 200
            counts.append(len(captured.captured_queries))
    assert counts[2:] <= counts[:2]
    assert max(counts) <= 9, counts


def test_the_stored_result_is_plain_json_of_the_documented_shape(world: World) -> None:
    submit_past(world, 10)
    job, result = replay(world, draft(world))
    assert json.loads(json.dumps(job.result)) == job.result
    assert result.n == 10
