"""A judgement may be taken back until its effects leave (contract: undo)."""

from datetime import timedelta
from typing import Any

from audit.models import OutboxMessage
from hitl.core.clock import now
from reviews.models import Decision, Judgement
from tests.api.support import claim, get, judge, post, problem, sample_all, verb
from tests.factories import World


def judged(world: World, query: str = "?undo_seconds=60") -> tuple[dict[str, Any], str]:
    """Bob's judgement of a case and its id."""
    world.submit()
    case = judge(world, "bob", claim(world, "bob"), "reject", query)
    return case, str(Judgement.objects.get(stage="final", case_id=case["id"]).pk)


def test_undone_in_time_the_case_is_ones_own_again(world: World) -> None:
    case, judgement = judged(world)
    response = post(world, "bob", f"judgements/{judgement}/undo")
    assert response.status_code == 200
    lease = response.json()["claim"]
    assert lease["case"]["id"] == case["id"]
    found = get(world, "partner", f"cases/{case['id']}").json()
    assert (found["status"], found["decision"]) == ("in_review", None)
    assert found["review"]["id"] == lease["review"]["id"]
    assert verb(world, "bob", lease, "judgement", label="approve").json()["decision"]["label"] == "approve"


def test_nothing_has_left_before_the_window_closes(world: World) -> None:
    case, judgement = judged(world)
    message = OutboxMessage.objects.get(case_id=case["id"], type="case.decided")
    assert message.available_at > now() + timedelta(seconds=30)
    post(world, "bob", f"judgements/{judgement}/undo")
    message.refresh_from_db()
    assert message.cancelled_at is not None


def test_keys_that_ask_for_no_window_take_effect_at_once(world: World) -> None:
    case, judgement = judged(world, "")
    assert OutboxMessage.objects.get(case_id=case["id"], type="case.decided").available_at <= now()
    problem(post(world, "bob", f"judgements/{judgement}/undo"), 409, "too_late")


def test_too_late_nothing_changes(world: World) -> None:
    case, judgement = judged(world, "?undo_seconds=1")
    late = Judgement.objects.get(pk=judgement).created_at
    while now() < late + timedelta(seconds=1):
        pass  # the window is part of an immutable row: its second has to pass
    problem(post(world, "bob", f"judgements/{judgement}/undo"), 409, "too_late")
    assert get(world, "partner", f"cases/{case['id']}").json()["decision"]["label"] == "reject"


def test_twice_is_too_late(world: World) -> None:
    _, judgement = judged(world)
    assert post(world, "bob", f"judgements/{judgement}/undo").status_code == 200
    problem(post(world, "bob", f"judgements/{judgement}/undo"), 409, "too_late")


def test_only_ones_own_judgement_can_be_undone(world: World) -> None:
    _, judgement = judged(world)
    for name in ("carol", "alice", "partner"):
        problem(post(world, name, f"judgements/{judgement}/undo"), 404, "not_found")


def test_a_first_judgement_cannot_be_undone(world: World) -> None:
    judged(world)
    first = Judgement.objects.get(stage="first")
    problem(post(world, "bob", f"judgements/{first.pk}/undo"), 404, "not_found")


def test_undoing_a_correction_brings_the_machines_decision_back(world: World) -> None:
    sample_all(world)
    world.task_type.static_risk = "high"
    world.task_type.save()
    made = world.submit(world.sure_case_body())
    assert (made["status"], made["routing"]["action"]) == ("decided", "automate_and_audit")
    judge(world, "bob", claim(world, "bob"), "reject", "?undo_seconds=60")
    judgement = Judgement.objects.get(stage="final")
    assert post(world, "bob", f"judgements/{judgement.pk}/undo").status_code == 200
    found = get(world, "partner", f"cases/{made['id']}").json()
    assert (found["status"], found["decision"]["label"], found["decision"]["owner"]) == ("decided", "approve", "system")
    assert Decision.objects.filter(case_id=made["id"], is_current=True).count() == 1


def test_the_undone_word_stays_in_the_record(world: World) -> None:
    case, judgement = judged(world)
    post(world, "bob", f"judgements/{judgement}/undo")
    trace = get(world, "alice", f"cases/{case['id']}/trace").json()
    undone = next(j for j in trace["judgements"] if j["id"] == judgement)
    assert (undone["label"], undone["undone_at"] is not None) == ("reject", True)
