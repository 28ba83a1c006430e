"""Every decision form through REST: what it takes, what it refuses with which cure, what is stored (D4, D7)."""

from typing import Any

import pytest

from reviews.models import Decision, Judgement
from tests.api.support import JSON, claim, open_queue, problem, verb
from tests.factories import World, make_world

LABELS = [{"value": v, "title": v.title()} for v in ("spam", "scam", "hate", "fine")]


def town(form: dict[str, Any], labels: list[dict[str, str]] | None = None, **case: Any) -> tuple[World, dict[str, Any]]:
    """A world with this form, its queue not judge-first, and Bob's claim on one case."""
    world = make_world("forms", form=form, **({"labels": labels, "safest_label": ""} if labels else {}))
    open_queue(world)
    body = world.case_body(**({"prediction": None} if labels else {}) | case)
    world.submit({k: v for k, v in body.items() if v is not None})
    return world, claim(world, "bob")


def said(world: World, lease: dict[str, Any], **body: Any) -> Judgement:
    response = verb(world, "bob", lease, "judgement", **body)
    assert response.status_code == 200, response.content
    return Judgement.objects.get(stage="final")


def refused(world: World, lease: dict[str, Any], code: str, pointer: str, **body: Any) -> str:
    found = problem(verb(world, "bob", lease, "judgement", **body), 422, code)
    assert found["errors"][0]["pointer"] == pointer
    return str(found["errors"][0]["detail"])


MULTI = {"kind": "multi_label", "exclusive": ["fine"], "max_labels": 2}


def test_a_set_of_labels_is_stored_once_whatever_the_order(db: None) -> None:
    world, lease = town(MULTI, LABELS)
    assert said(world, lease, label="scam|spam|scam").label == "spam|scam"
    assert Decision.objects.get(is_current=True).label == "spam|scam"


@pytest.mark.parametrize(
    ("label", "code"),
    [("spam|nonsense", "unknown_label"), ("spam|fine", "exclusive_label"), ("spam|scam|hate", "too_many_labels")],
)
def test_a_set_that_cannot_be_is_refused(db: None, label: str, code: str) -> None:
    world, lease = town(MULTI, LABELS)
    assert refused(world, lease, code, "/label", label=label)


def test_a_machine_may_predict_a_set_in_the_taxonomys_order(db: None) -> None:
    world = make_world("sets", form=MULTI, labels=LABELS, safest_label="")
    prediction = {"confidence": 0.7, "model_version": "m"}
    world.submit(world.case_body(prediction=prediction | {"label": "spam|scam"}))
    body = world.case_body(prediction=prediction | {"label": "scam|spam"})
    problem(world.api().post("/api/v1/cases", body, content_type=JSON), 422, "unknown_label")


AMOUNT = {"kind": "amount", "amount": {"pointer": "/income", "unit": "EUR", "min": 0, "max": 90000, "step": 0.01}}
AMOUNT_ON_REJECT = AMOUNT | {"needed_for": ["reject"]}


def test_a_corrected_amount_is_stored_as_a_difference_from_the_input(db: None) -> None:
    world, lease = town(AMOUNT)
    stored = said(world, lease, label="approve", adjustments={"amount": 48000.5}).adjustments
    assert stored == {"amount": {"from": 51000, "to": 48000.5, "against": "input", "unit": "EUR"}}


@pytest.mark.parametrize(
    ("value", "code"), [(-1, "out_of_range"), (90001, "out_of_range"), (1.005, "out_of_range"), ("x", "invalid_type")]
)
def test_an_amount_outside_its_bounds_is_refused_with_the_bounds(db: None, value: Any, code: str) -> None:
    world, lease = town(AMOUNT)
    detail = refused(world, lease, code, "/adjustments/amount", label="approve", adjustments={"amount": value})
    assert "Give a" in detail


def test_only_the_named_labels_come_with_an_amount(db: None) -> None:
    world, lease = town(AMOUNT_ON_REJECT)
    refused(world, lease, "amount_required", "/adjustments/amount", label="reject")
    changed = {"label": "approve", "adjustments": {"amount": 1}}
    refused(world, lease, "amount_not_applicable", "/adjustments/amount", **changed)
    assert said(world, lease, label="approve").adjustments == {}


def test_an_edited_text_is_stored_with_what_changed(db: None) -> None:
    form = {"kind": "text", "text": {"pointer": "/reply"}}
    world, lease = town(form, input={"reply": "Dear Ms Lee, it is late."})
    stored = said(world, lease, label="approve", adjustments={"text": "Dear Ms Lee, it is here."}).adjustments["text"]
    assert stored["changes"] == [{"at": 19, "removed": "late", "added": "here"}]
    assert stored["from"] == "Dear Ms Lee, it is late."


FIELDS = {
    "fields": [
        {"name": "severity", "title": "Severity", "kind": "choice", "options": [{"value": "low", "title": "Low"}]},
        {"name": "days", "title": "Days", "kind": "number", "min": 1, "baseline": "/proposed_action/parameters/days"},
        {"name": "follow_up", "title": "Call back", "kind": "yes_no"},
    ]
}


def test_a_partial_override_stores_one_difference_per_field(db: None) -> None:
    action = {"type": "suspend", "parameters": {"days": 7}}
    world, lease = town(FIELDS, proposed_action=action)
    given = {"severity": "low", "days": 3, "follow_up": True}
    assert said(world, lease, label="approve", adjustments=given).adjustments == {
        "severity": {"from": None, "to": "low", "against": None},
        "days": {"from": 7, "to": 3, "against": "machine"},
        "follow_up": {"from": None, "to": True, "against": None},
    }


@pytest.mark.parametrize(
    ("name", "value"), [("severity", "vast"), ("days", 0), ("days", True), ("follow_up", "yes"), ("mood", "good")]
)
def test_a_field_that_does_not_fit_is_refused_by_name(db: None, name: str, value: Any) -> None:
    world, lease = town(FIELDS)
    response = verb(world, "bob", lease, "judgement", label="approve", adjustments={name: value})
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == f"/adjustments/{name}"


def test_the_unaided_amount_is_stored_too_and_the_final_one_beside_it(db: None) -> None:
    world = make_world("first", form=AMOUNT)
    world.submit()
    lease = claim(world, "bob")
    problem(verb(world, "bob", lease, "first-judgement", label="approve"), 422, "amount_required")
    first = {"label": "approve", "adjustments": {"amount": 50000}, "confidence": 0.6}
    assert verb(world, "bob", lease, "first-judgement", **first).status_code == 200
    assert verb(world, "bob", lease, "first-judgement", **first).status_code == 200
    other = first | {"adjustments": {"amount": 1}}
    problem(verb(world, "bob", lease, "first-judgement", **other), 409, "already_judged")
    final = said(world, lease, label="approve", adjustments={"amount": 47000}, confidence=0.9)
    assert Judgement.objects.get(stage="first").adjustments["amount"]["to"] == 50000
    assert final.adjustments["confidence"] == {"from": 0.6, "to": 0.9, "against": "first"}


def test_a_suggested_label_is_stored_beside_the_one_decided(db: None) -> None:
    world, lease = town({})
    assert said(world, lease, label="reject", suggested_label="defer").suggested_label == "defer"


def test_marks_in_the_evidence_are_stored_as_the_rationale(db: None) -> None:
    world, lease = town({}, input={"letter": "I never signed."})
    rationale = {
        "text": "denies it",
        "spans": [{"pointer": "/letter", "start": 2, "end": 7}],
        "fields": ["/letter"],
        "own": 1,
    }
    assert said(world, lease, label="reject", rationale=rationale).rationale == rationale


@pytest.mark.parametrize(
    ("rationale", "pointer"),
    [
        ({"spans": [{"pointer": "/letter", "start": 9, "end": 99}]}, "/rationale/spans/0"),
        ({"spans": [{"pointer": "/gone", "start": 0, "end": 1}]}, "/rationale/spans/0/pointer"),
        ({"regions": [{"pointer": "/letter", "x": 0.9, "y": 0, "w": 0.2, "h": 0.1}]}, "/rationale/regions/0"),
        ({"fields": ["/gone"]}, "/rationale/fields/0"),
        ({"spans": 3}, "/rationale"),
    ],
)
def test_a_mark_outside_the_evidence_is_refused(db: None, rationale: dict[str, Any], pointer: str) -> None:
    world, lease = town({}, input={"letter": "I never signed."})
    refused(world, lease, "invalid_rationale", pointer, label="reject", rationale=rationale)


def test_reasons_are_asked_of_a_random_share_alike_on_agreeing_and_overriding(db: None) -> None:
    world, lease = town({})
    world.queue.reason_share = 1.0
    world.queue.save()
    for label in ("approve", "reject"):  # the machine said approve
        assert "none" in refused(world, lease, "reason_required", "/override_category", label=label)
    stored = said(world, lease, label="approve", override_category="none")
    assert (stored.reason_required, stored.reason_probability) == (True, 1.0)


def test_no_reason_is_asked_where_no_machine_answer_was_to_be_seen(db: None) -> None:
    world = make_world("never")
    world.queue.reveal_share, world.queue.reason_share = 0.0, 1.0
    world.queue.save()
    world.submit()
    lease = claim(world, "bob")
    first = verb(world, "bob", lease, "first-judgement", label="reject").json()
    assert first["reason_required"] is False
    stored = said(world, lease, label="reject")
    assert (stored.reason_required, stored.reason_probability) == (False, None)


def test_the_first_judgement_tells_that_a_reason_will_be_needed(db: None) -> None:
    world = make_world("asked")
    world.queue.reveal_share, world.queue.reason_share = 1.0, 1.0
    world.queue.save()
    world.submit()
    lease = claim(world, "bob")
    assert verb(world, "bob", lease, "first-judgement", label="reject").json()["reason_required"] is True


def test_a_task_type_may_have_its_own_categories(db: None) -> None:
    world, lease = town({"override_categories": [{"value": "blurred", "title": "Blurred picture"}]})
    assert "blurred, none" in refused(
        world, lease, "unknown_category", "/override_category", label="reject", override_category="policy_gap"
    )
    assert said(world, lease, label="reject", override_category="blurred").override_category == "blurred"


@pytest.mark.parametrize(
    ("form", "cure"),
    [
        ({"kind": "binary", "amount": {}}, "remove it"),
        ({"kind": "amount"}, "add it"),
        ({"kind": "text", "text": {"pointer": "/a"}, "needed_for": ["gone"]}, "approve, reject"),
        ({"kind": "multi_label", "exclusive": ["gone"]}, "approve, reject"),
        ({"kind": "amount", "amount": {"min": 2, "max": 1}}, "above its max"),
        ({"fields": [{"name": "label", "title": "L"}]}, "choose another"),
        ({"fields": [{"name": "a", "title": "A", "kind": "choice"}]}, "options"),
        ({"fields": [{"name": "a", "title": "A", "baseline": "/other/x"}]}, "/input/"),
        ({"kind": "hologram"}, "hologram"),
    ],
)
def test_a_form_that_does_not_fit_its_labels_is_refused_with_the_cure(
    world: World, form: dict[str, Any], cure: str
) -> None:
    body = {"slug": "new", "title": "New", "labels": world.task_type.labels, "form": form}
    response = world.api("alice").post("/api/v1/task-types", body, content_type=JSON)
    assert response.status_code in (400, 422), response.content
    assert cure in response.content.decode()


def test_a_form_is_given_and_read_back_through_rest(world: World) -> None:
    body = {"slug": "new", "title": "New", "labels": LABELS, "form": MULTI}
    assert world.api("alice").post("/api/v1/task-types", body, content_type=JSON).status_code == 201
    assert world.api().get("/api/v1/task-types/new").json()["form"] == MULTI
