"""Appeals: judged by somebody else, first without knowing what was decided; what comes of it reaches everybody (E6)."""

from datetime import timedelta
from typing import Any

import pytest

from audit.models import Event, OutboxMessage
from hitl.core.clock import now
from hitl.delivery.actions.relay import relay_outbox
from reviews.actions.claims import claim_next_review
from reviews.actions.decisions import correct_decision, decide_case
from reviews.actions.sla import expire_slas
from reviews.models import Appeal, Case, Decision, Exclusion, Recourse, ReviewTask
from tests.api.support import claim, get, judge, post, problem, verb
from tests.factories import World, make_world

WHY = {"reason": "I do earn that much.", "submitted_by": "customer-7"}


def decided_by_bob(world: World, label: str = "reject", **body: Any) -> str:
    case = world.submit(world.case_body(**body))
    judge(world, "bob", claim(world, "bob"), label, reasoning="income not shown")
    return str(case["id"])


def appeal(world: World, case_id: str) -> dict[str, Any]:
    response = post(world, "partner", f"cases/{case_id}/appeals", WHY)
    assert response.status_code == 201, response.content
    return response.json()


def answer(world: World, label: str, name: str = "dave", **body: Any) -> dict[str, Any]:
    return judge(world, name, claim(world, name, queue="loans-expert"), label, **body)


def sent(world: World, kind: str) -> list[dict[str, Any]]:
    relay_outbox()
    return [m.payload for m in OutboxMessage.objects.filter(type=kind).order_by("id")]


def test_an_appeal_opens_a_review_in_the_tier_above_with_a_term_of_its_own(world: World) -> None:
    filed = appeal(world, decided_by_bob(world))
    review = ReviewTask.objects.get(kind="appeal")
    assert (filed["status"], filed["outcome"]) == ("open", None)
    assert review.queue == world.expert_queue
    assert timedelta(hours=167) < review.due_at - now() < timedelta(hours=169)
    assert review.priority == pytest.approx(min(1.0, review.case.priority + 0.2))
    assert get(world, "partner", f"cases/{filed['case_id']}").json()["status"] == "decided"


def test_overturning_corrects_the_decision_and_tells_everybody(world: World) -> None:
    filed = appeal(world, decided_by_bob(world))
    case = answer(world, "approve", reasoning="payslip was there")
    assert case["decision"] | {"id": "", "decided_at": ""} == {
        "id": "",
        "decided_at": "",
        "label": "approve",
        "owner": "appeal",
        "automated": False,
        "provisional": False,
    }
    (resolved,) = sent(world, "appeal.resolved")
    assert (resolved["id"], resolved["outcome"], resolved["label"]) == (filed["id"], "overturned", "approve")
    assert len(sent(world, "case.corrected")) == 1
    chain = get(world, "partner", f"cases/{case['id']}/decisions").json()["results"]
    assert [(d["kind"], d["owner"], d["label"]) for d in chain] == [
        ("decided", "reviewer", "reject"),
        ("corrected", "appeal", "approve"),
    ]
    assert chain[1]["supersedes"] == chain[0]["id"]
    assert chain[1]["appeal"] == filed["id"]


def test_upholding_leaves_the_decision_and_its_owner(world: World) -> None:
    filed = appeal(world, decided_by_bob(world))
    case = answer(world, "reject")
    assert case["decision"]["owner"] == "reviewer"
    assert get(world, "partner", f"appeals/{filed['id']}").json()["outcome"] == "upheld"
    assert sent(world, "case.corrected") == []


def test_adjusting_a_field_upholds_in_part_with_a_decision_of_its_own(world: World) -> None:
    appeal(world, decided_by_bob(world))
    case = answer(world, "reject", adjustments={"severity": "low"})
    assert case["decision"]["owner"] == "appeal"
    assert sent(world, "appeal.resolved")[0]["outcome"] == "partly"


def test_nobody_who_had_a_part_in_it_may_claim_it(world: World) -> None:
    Recourse.objects.create(task_type=world.task_type, workspace=world.workspace, queue=world.queue)
    appeal(world, decided_by_bob(world))
    assert post(world, "bob", "reviews/claim").status_code == 204
    assert claim(world, "carol")["review"]["judge_first"] is True


def test_it_is_judged_first_whatever_its_queue_and_nothing_tells_before(world: World) -> None:
    world.expert_queue.judge_first = False
    world.expert_queue.save()
    filed = appeal(world, decided_by_bob(world, subject="s"))
    lease = claim(world, "dave", queue="loans-expert")
    for path in (
        f"cases/{filed['case_id']}",
        f"cases/{filed['case_id']}/trace",
        f"cases/{filed['case_id']}/decisions",
        f"cases/{filed['case_id']}/explanation",
        f"cases/{filed['case_id']}/reports",
        f"cases/{filed['case_id']}/appeals",
        f"cases/{filed['case_id']}/proposals",
        f"appeals/{filed['id']}",
        f"claims/{lease['id']}",
        "appeals",
        "cases",
        "cases?subject=s",
    ):
        text = get(world, "dave", path).content.decode()
        for word in ('"decision"', "income not shown", "I do earn", '"prediction"', "routing", '"owner"'):
            assert word not in text, (path, word)
    assert get(world, "dave", "cases?status=decided").json()["results"] == []
    for page in (f"/cases/{filed['case_id']}", f"/appeals/{filed['id']}", "/appeals", "/work", "/cases?status=decided"):
        text = world.browser("dave").get(page).content.decode()
        for word in ("income not shown", "I do earn", "Machine suggests"):
            assert word not in text, (page, word)
    problem(verb(world, "dave", lease, "judgement", label="reject"), 409, "first_judgement_required")


def test_after_the_first_judgement_its_judge_sees_both_sides(world: World) -> None:
    appeal(world, decided_by_bob(world))
    lease = claim(world, "dave", queue="loans-expert")
    shown = verb(world, "dave", lease, "first-judgement", label="approve").json()
    assert shown["visibility"] == "after"
    assert shown["visibility_propensity"] == 1.0
    assert shown["machine"]["label"] == "approve"
    assert shown["appeal"]["reason"] == WHY["reason"]
    assert (shown["appeal"]["label"], shown["appeal"]["owner"]) == ("reject", "reviewer")
    assert shown["appeal"]["judgements"][0]["reasoning"] == "income not shown"
    page = world.browser("dave").get(f"/cases/{lease['case']['id']}").content.decode()
    assert "I do earn that much." in page
    assert "income not shown" in page


def test_only_a_decision_in_effect_and_within_its_time_can_be_appealed_against(world: World) -> None:
    case = world.submit()
    path = f"cases/{case['id']}/appeals"
    problem(post(world, "partner", path, WHY), 409, "not_decided")
    judge(world, "bob", claim(world, "bob"), "reject", "?undo_seconds=60")
    problem(post(world, "partner", path, WHY), 409, "not_decided")
    past = now() - timedelta(days=184)
    Decision.objects.update(created_at=past, effects_at=past)
    problem(post(world, "partner", path, WHY), 409, "appeals_closed")


def test_one_appeal_is_open_at_a_time_and_another_may_follow_it(world: World) -> None:
    filed = appeal(world, decided_by_bob(world))
    path = f"cases/{filed['case_id']}/appeals"
    problem(post(world, "partner", path, WHY), 409, "appeal_open")
    answer(world, "approve")
    second = post(world, "partner", path, WHY)
    assert second.status_code == 201
    assert Exclusion.objects.filter(case_id=filed["case_id"], user=world.users["dave"]).exists()
    assert post(world, "dave", "reviews/claim", {"queue": "loans-expert"}).status_code == 204


def test_the_same_request_again_gives_the_first_answer(world: World) -> None:
    case_id = decided_by_bob(world)
    send = lambda body: post(world, "partner", f"cases/{case_id}/appeals", body, Idempotency_Key="k")  # noqa: E731
    first, again = send(WHY), send(WHY)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.content == again.content
    assert again["Idempotent-Replayed"] == "true"
    problem(send(WHY | {"reason": "other"}), 422, "idempotency_mismatch")
    assert Appeal.objects.count() == 1


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x"}, {"reason": "x", "submitted_by": "", "y": 1}])
def test_bad_bodies_are_named(world: World, body: dict[str, Any]) -> None:
    problem(post(world, "partner", f"cases/{decided_by_bob(world)}/appeals", body), 400, "invalid_input")


def test_an_appeal_never_falls_to_the_machine(world: World) -> None:
    world.task_type.fallback = "model_answer"
    world.task_type.save()
    Recourse.objects.create(task_type=world.task_type, workspace=world.workspace, queue=world.queue)
    case_id = decided_by_bob(world)
    appeal(world, case_id)
    past = now() - timedelta(seconds=1)
    ReviewTask.objects.filter(kind="appeal").update(due_at=past, urgent_at=past)
    expire_slas()
    review = ReviewTask.objects.get(kind="appeal")
    assert review.status == "waiting"
    assert review.queue == world.expert_queue  # escalated; its case stays where it was
    assert Case.objects.get(pk=case_id).queue == world.queue
    assert Decision.objects.filter(case_id=case_id).count() == 1


def test_an_audit_that_corrects_meanwhile_leaves_the_appeal_open_and_it_is_answered_against_what_then_stands(
    world: World,
) -> None:
    filed = appeal(world, decided_by_bob(world))
    correct_decision(actor=world.actor("alice"), case_id=filed["case_id"], label="approve", reason="audited")
    assert ReviewTask.objects.get(kind="appeal").status == "waiting"
    case = answer(world, "approve")
    assert case["decision"]["owner"] == "auditor"
    assert Appeal.objects.get().outcome == "overturned"  # the decision contested did fall


def test_taking_the_judgement_back_opens_the_appeal_again(world: World) -> None:
    filed = appeal(world, decided_by_bob(world))
    lease = claim(world, "dave", queue="loans-expert")
    verb(world, "dave", lease, "first-judgement", label="approve")
    final = verb(world, "dave", lease, "judgement?undo_seconds=60", label="approve")
    undone = post(world, "dave", f"judgements/{final['Hitl-Judgement']}/undo")
    assert undone.status_code == 200
    row = Appeal.objects.get()
    assert (row.outcome, row.resolved_at, row.judgement_id) == (None, None, None)
    assert Decision.objects.get(case_id=filed["case_id"], is_current=True).label == "reject"
    assert OutboxMessage.objects.get(type="appeal.resolved").cancelled_at is not None
    verb(world, "dave", undone.json()["claim"], "judgement", label="reject")
    assert Appeal.objects.get().outcome == "upheld"


def test_what_an_appeal_decided_no_later_first_review_changes(world: World) -> None:
    Recourse.objects.create(task_type=world.task_type, workspace=world.workspace, queue=world.expert_queue)
    case = world.submit()
    row = Case.objects.select_related("task_type", "queue").get(pk=case["id"])
    decide_case(
        actor=world.actor("alice"),
        case=row,
        label="approve",
        owner=Decision.Owner.FALLBACK,
        at=now(),
        provisional=True,
    )
    Decision.objects.update(effects_at=now() - timedelta(seconds=1))
    appeal(world, case["id"])
    answer(world, "reject")
    judge(world, "bob", claim(world, "bob"), "approve")
    assert Decision.objects.get(is_current=True).label == "reject"


def test_a_case_under_appeal_cannot_be_cancelled(world: World) -> None:
    filed = appeal(world, decided_by_bob(world))
    Case.objects.update(status="provisional")
    problem(post(world, "partner", f"cases/{filed['case_id']}/cancel", {}), 409, "appeal_open")


def test_another_partner_and_a_stranger_find_nothing(world: World) -> None:
    filed = appeal(world, decided_by_bob(world))
    stranger = make_world("globex")
    problem(post(stranger, "partner", f"cases/{filed['case_id']}/appeals", WHY), 404, "not_found")
    problem(get(stranger, "alice", f"appeals/{filed['id']}"), 404, "not_found")
    assert get(stranger, "alice", "appeals").json()["results"] == []
    problem(post(world, "bob", f"cases/{filed['case_id']}/appeals", WHY), 403, "scope_required")


def test_every_step_is_an_event(world: World) -> None:
    filed = appeal(world, decided_by_bob(world))
    answer(world, "approve")
    seen = Event.objects.filter(case_id=filed["case_id"], object_type="appeal").order_by("id")
    assert list(seen.values_list("action", flat=True)) == ["appeal.filed", "appeal.resolved"]


def test_the_person_who_judges_it_is_told_nothing_by_claiming(world: World) -> None:
    appeal(world, decided_by_bob(world))
    held = claim_next_review(actor=world.actor("dave"))
    assert held is not None
    lease = get(world, "dave", f"claims/{held.claim.pk}").json()["claim"]
    assert set(lease["review"]) == {"id", "queue", "tier", "due_at", "judge_first"}
    assert "prediction" not in lease["case"]
