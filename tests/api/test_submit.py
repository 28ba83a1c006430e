"""POST /cases: what the answer carries (mission A1, A2)."""

import uuid
from datetime import datetime, timedelta

from hitl.core.clock import now, rfc3339
from reviews.models import CaseContent
from tests.api.support import get, post, submit_until
from tests.factories import World

ROUTING = {
    "action", "zone", "risk", "tier", "queue", "reason", "rule", "calibrated_confidence", "threshold", "priority",
    "selection_probability", "policy_version", "calibration_version", "trace",
}  # fmt: skip


def test_a_case_for_people_gets_a_ticket_and_no_decision(world: World) -> None:
    case = world.submit(world.case_body(external_id="app-42", subject="customer-7"))
    assert uuid.UUID(case["id"]).version == 7
    assert (case["task_type"], case["external_id"], case["subject"]) == ("loan", "app-42", "customer-7")
    assert (case["status"], case["decision"]) == ("pending", None)
    assert set(case["review"]) == {"id", "due_at", "estimated_wait_seconds"}
    assert set(case["routing"]) >= ROUTING
    assert case["routing"]["action"] == "review"
    assert case["routing"]["queue"] == "loans"
    assert (case["routing"]["policy_version"], case["routing"]["calibration_version"]) == (1, 1)
    assert case["latency_ms"] >= 0
    assert case["created_at"].endswith("Z")


def test_a_case_for_the_machine_is_decided_in_the_answer(world: World) -> None:
    case = submit_until(world, "automate", world.sure_case_body())
    assert (case["status"], case["review"]) == ("decided", None)
    decision = case["decision"]
    assert (decision["label"], decision["owner"]) == ("approve", "system")
    assert decision["automated"] is True
    assert decision["provisional"] is False
    assert decision["decided_at"].endswith("Z")
    assert (case["routing"]["zone"], case["routing"]["tier"]) == ("auto", "automated")
    assert (case["routing"]["calibrated_confidence"], case["routing"]["threshold"]) == (0.99, 0.9)


def test_getting_the_case_gives_the_same_form(world: World) -> None:
    made = world.submit()
    found = get(world, "partner", f"cases/{made['id']}").json()
    assert found == {k: v for k, v in made.items() if k != "latency_ms"}


def test_it_is_due_at_the_earlier_of_sla_and_required_by(world: World) -> None:
    soon, late = now() + timedelta(hours=1), now() + timedelta(days=30)
    assert world.submit(world.case_body(required_by=rfc3339(soon)))["review"]["due_at"] == rfc3339(soon)
    case = world.submit(world.case_body(required_by=rfc3339(late)))
    due, arrived = (datetime.fromisoformat(text) for text in (case["review"]["due_at"], case["created_at"]))
    assert due - arrived == timedelta(seconds=world.tiers["tier-1"].sla_s)


def test_everything_a_case_may_hold_is_kept(world: World) -> None:
    prediction = {
        "label": "approve",
        "confidence": 0.7,
        "confidence_source": "ensemble",
        "model_version": "credit-1",
        "probabilities": {"approve": 0.7, "reject": 0.3},
        "ensemble": [{"model": "b", "label": "reject", "confidence": 0.6}],
        "interpretable": {"label": "approve", "explanation": "steady income"},
        "nearest_neighbor_distance": 0.12,
        "embedding": [0.1, 0.2],
        "explanation": {
            "top_features": [{"feature": "income", "importance": 0.4, "value": 51000}],
            "spans": [{"start": 3, "end": 9, "weight": 0.8}],
            "regions": [{"x": 0.1, "y": 0.1, "w": 0.2, "h": 0.2}],
        },
    }
    context = {
        "stakes": "high", "amount": 12000, "risk_score": 0.4, "complexity": 0.5, "error_cost": 900,
        "required_expertise": ["credit"], "latency_tolerance": "standby", "virality": 0.1, "is_new_user": True,
        "affects_multiple_users": True, "has_appeal": True, "previous_error": True, "segments": {"region": "EU"},
    }  # fmt: skip
    action = {"type": "disburse", "parameters": {"amount": 12000}, "reversible": True}
    sent = {
        "prediction": prediction,
        "context": context,
        "proposed_action": action,
        "key_evidence": ["pays rent on time"],
        "evidence": {"file": "a.pdf"},
    }
    case = world.submit(world.case_body(**sent))
    content = CaseContent.objects.get(pk=case["id"])
    assert content.prediction | prediction == content.prediction
    assert content.context | context == content.context
    assert content.proposed_action == action
    assert (content.key_evidence, content.evidence) == (sent["key_evidence"], sent["evidence"])
    assert case["routing"]["tier"] == "expert"  # the only tier that knows credit


def test_a_shadow_case_is_routed_and_changes_nothing(world: World) -> None:
    case = world.submit(world.sure_case_body(mode="shadow"))
    assert (case["status"], case["decision"], case["review"]) == ("shadow", None, None)
    assert case["routing"]["calibrated_confidence"] == 0.99


def test_an_annotation_needs_no_prediction_and_goes_to_people(world: World) -> None:
    body = world.case_body(mode="annotate")
    del body["prediction"]
    case = world.submit(body)
    assert (case["status"], case["decision"]) == ("pending", None)
    assert case["review"] is not None


def test_a_sure_annotation_is_still_not_decided_by_the_machine(world: World) -> None:
    case = world.submit(world.sure_case_body(mode="annotate"))
    assert (case["status"], case["decision"]) == ("pending", None)


def test_an_uncalibrated_model_is_never_automated(world: World) -> None:
    prediction = {"label": "approve", "confidence": 0.999, "model_version": "credit-2"}
    case = world.submit(world.case_body(prediction=prediction))
    assert (case["status"], case["routing"]["calibration_version"]) == ("pending", None)


def test_an_uncalibrated_confidence_source_is_never_automated(world: World) -> None:
    body = world.sure_case_body()
    body["prediction"] = body["prediction"] | {"confidence_source": "self_assessment"}
    assert world.submit(body)["status"] == "pending"


def test_a_time_may_come_in_any_zone(world: World) -> None:
    """RFC 3339 allows offsets to ±23:59; PostgreSQL reads none beyond ±15:59."""
    case = world.submit(world.case_body(required_by="2030-01-01T22:18:00+22:18"))
    assert get(world, "partner", f"cases/{case['id']}").status_code == 200
    asked = get(world, "partner", "cases?created_after=2020-01-01T00:00:00%2B22:18")
    assert [c["id"] for c in asked.json()["results"]] == [case["id"]]


def test_an_outcome_may_be_observed_in_any_zone(world: World) -> None:
    case = world.submit()
    outcome = {"label": "approve", "observed_at": "2026-01-01T00:00:00-23:59"}
    answer = post(world, "partner", f"cases/{case['id']}/outcomes", outcome)
    assert answer.json()["observed_at"] == "2026-01-01T23:59:00Z"
