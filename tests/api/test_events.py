"""Every action leaves an event with actor, time, before and after, which nobody can change (mission G1)."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import Error

from audit.models import Event, OutboxMessage
from hitl.core.clock import now, rfc3339
from reviews.actions.expiry import expire_claims
from reviews.actions.sla import expire_slas
from tests.api.support import claim, get, judge, lapse, overdue, post, sample_all, submit_until, verb
from tests.factories import World


def events(action: str) -> list[Event]:
    return list(Event.objects.filter(action=action).order_by("id"))


def only(action: str) -> Event:
    (event,) = events(action)
    return event


def check(world: World, event: Event, actor: str, case: dict[str, Any]) -> None:
    """Who, in which workspace, about which case."""
    who = {"partner": world.client.pk} | {name: user.pk for name, user in world.users.items()}
    kind = {"partner": "client", "system": "system"}.get(actor, "user")
    assert (event.actor_kind, event.actor_id) == (kind, who.get(actor))
    assert event.actor_label
    assert (event.workspace_id, str(event.case_id)) == (world.workspace.pk, case["id"])
    assert event.at <= now()


def test_submitting_and_deciding_by_machine(world: World) -> None:
    case = world.submit()
    event = only("case.submitted")
    check(world, event, "partner", case)
    assert event.after["status"] == "pending"
    assert (event.versions["policy"], event.versions["model"]) == (1, "credit-1")
    sure = submit_until(world, "automate", world.sure_case_body())
    decided = next(e for e in events("case.decided") if str(e.case_id) == sure["id"])
    check(world, decided, "partner", sure)
    assert (decided.after["label"], decided.versions["calibration"]) == ("approve", 1)


def test_the_whole_life_of_a_claim(world: World) -> None:
    case = world.submit()
    lease = claim(world, "bob")
    verb(world, "bob", lease, "renew")
    check(world, only("review.renewed"), "bob", case)
    verb(world, "bob", lease, "release", reason="lunch")
    released = only("review.released")
    check(world, released, "bob", case)
    assert (released.after["claim"], released.reason) == (lease["id"], "lunch")
    lease = claim(world, "bob")
    verb(world, "bob", lease, "escalate", reason="too hard")
    escalated = only("review.escalated")
    assert (escalated.before["queue"], escalated.after["queue"]) == ("loans", "loans-expert")
    assert escalated.reason == "too hard"
    lease = claim(world, "dave")
    verb(world, "dave", lease, "skip", reason="I know them")
    check(world, only("review.skipped"), "dave", case)
    assert only("review.skipped").reason == "I know them"
    assert len(events("review.claimed")) == 3
    assert [e.after["epoch"] for e in events("review.claimed")] == [1, 2, 3]


def test_judging_undoing_and_deciding(world: World) -> None:
    case = world.submit()
    judge(world, "bob", claim(world, "bob"), "reject", "?undo_seconds=60", reasoning="too risky")
    check(world, only("judgement.first_recorded"), "bob", case)
    recorded = only("judgement.recorded")
    check(world, recorded, "bob", case)
    assert (recorded.after["label"], recorded.reason) == ("reject", "too risky")
    decided = only("case.decided")
    check(world, decided, "bob", case)
    assert (decided.before, decided.after["label"], decided.after["owner"]) == (None, "reject", "reviewer")
    assert post(world, "bob", f"judgements/{recorded.object_id}/undo").status_code == 200
    undone = only("judgement.undone")
    check(world, undone, "bob", case)
    assert undone.before == {"label": "reject"}


def test_a_correction_names_what_it_replaced(world: World) -> None:
    world.task_type.static_risk = "high"
    world.task_type.save()
    sample_all(world)
    case = world.submit(world.sure_case_body())
    judge(world, "bob", claim(world, "bob"), "reject")
    corrected = only("case.corrected")
    check(world, corrected, "bob", case)
    assert (corrected.before["label"], corrected.after["label"]) == ("approve", "reject")


def test_the_clocks_act_as_the_system(world: World) -> None:
    case = world.submit()
    lapse(claim(world, "bob"))
    expire_claims()
    check(world, only("review.expired"), "system", case)
    overdue(case)
    expire_slas()
    check(world, only("review.overdue"), "system", case)


def test_cancelling_and_outcomes(world: World) -> None:
    case = world.submit()
    post(world, "partner", f"cases/{case['id']}/cancel", {"reason": "withdrawn"})
    cancelled = only("case.cancelled")
    check(world, cancelled, "partner", case)
    assert (cancelled.before, cancelled.after, cancelled.reason) == (
        {"status": "pending"},
        {"status": "cancelled"},
        "withdrawn",
    )
    outcome = {"label": "reject", "observed_at": rfc3339(now()), "source": "registry"}
    assert post(world, "partner", f"cases/{case['id']}/outcomes", outcome).status_code == 201
    check(world, only("outcome.recorded"), "partner", case)


def test_the_message_is_written_with_the_decision(world: World) -> None:
    sure = submit_until(world, "automate", world.sure_case_body())
    message = OutboxMessage.objects.get(case_id=sure["id"])
    assert (message.type, message.payload["id"], message.payload["decision"]["label"]) == (
        "case.decided",
        sure["id"],
        "approve",
    )


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_event SET reason = 'x'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        "UPDATE reviews_judgement SET label = 'approve'",
        "DELETE FROM reviews_judgement",
        "UPDATE routing_policyversion SET document = '{}'",
        "UPDATE routing_calibration SET parameters = '{}'",
    ],
)
def test_the_database_itself_refuses_to_change_evidence(world: World, sql: str) -> None:
    world.submit()
    judge(world, "bob", claim(world, "bob"), "reject")
    with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_the_trace_shows_the_whole_path_in_order(world: World) -> None:
    case = world.submit()
    judge(world, "bob", claim(world, "bob"), "reject")
    outcome = {"label": "reject", "observed_at": rfc3339(now()), "source": "registry"}
    post(world, "partner", f"cases/{case['id']}/outcomes", outcome)
    trace = get(world, "alice", f"cases/{case['id']}/trace").json()
    assert trace["case"]["id"] == case["id"]
    assert trace["prediction"]["label"] == "approve"
    assert trace["routings"][0]["trace"] == case["routing"]["trace"]
    assert trace["routings"][0]["selection_probability"] > 0
    assert [j["stage"] for j in trace["judgements"]] == ["first", "final"]
    assert {j["reviewer"] for j in trace["judgements"]} == {"bob"}
    assert [d["label"] for d in trace["decisions"]] == ["reject"]
    assert [o["label"] for o in trace["outcomes"]] == ["reject"]
    actions = [e["action"] for e in trace["events"]]
    assert actions == [
        "case.submitted",
        "review.claimed",
        "judgement.first_recorded",
        "judgement.recorded",
        "case.decided",
        "outcome.recorded",
    ]
    assert "token" not in str(trace["claims"])
