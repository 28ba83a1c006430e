import pytest
from guardian.shortcuts import assign_perm

from audit.models import Event, OutboxMessage
from feedback.actions.labels import rebuild_labels
from feedback.models import Signal, TrainingLabel
from feedback.selectors import signals_for_case
from reviews.models import Case, Decision
from tests.factories import World, make_world
from tests.feedback.history import add_cases, decide, judge, stranger_id


def audit(world: World, decision_id: object, name: str = "alice", **body: object):
    return world.api(name).post(f"/api/v1/decisions/{decision_id}/audit", body, content_type="application/json")


def decided(world: World, label: str = "approve", by: str | None = None) -> Decision:
    [case] = add_cases(world, [0.99])
    return decide(world, case, label, by)


def test_an_upheld_decision_stays_and_its_label_becomes_a_signal(world: World) -> None:
    decision = decided(world)

    response = audit(world, decision.pk, verdict="upheld", note="as the guideline says")

    assert response.status_code == 201, response.content
    assert response.json()["correction"] is None
    [signal] = signals_for_case(decision.case_id)
    assert (signal.source, signal.label, signal.user) == ("audit", "approve", world.users["alice"])
    assert Event.objects.get(action="decision.audited").after["verdict"] == "upheld"
    decision.refresh_from_db()
    assert decision.is_current


def test_a_wrong_decision_is_corrected_told_and_learnt_from(world: World) -> None:
    decision = decided(world)

    response = audit(world, decision.pk, verdict="wrong", label="reject", note="income was forged")

    assert response.status_code == 201, response.content
    correction = Decision.objects.get(pk=response.json()["correction"])
    assert (correction.label, correction.owner, correction.supersedes_id) == ("reject", "auditor", decision.pk)
    assert correction.is_current
    assert OutboxMessage.objects.get(type="case.corrected").case_id == decision.case_id
    rebuild_labels()
    label = TrainingLabel.objects.get(case=decision.case)
    assert (label.label, label.source, label.factors["override"]) == ("reject", "ruling", 2.0)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"verdict": "wrong"}, 400, "required"),
        ({"verdict": "wrong", "label": "maybe"}, 422, "unknown_label"),
        ({"verdict": "wrong", "label": "approve"}, 422, "same_label"),
        ({"verdict": "upheld", "label": "reject"}, 400, "invalid_value"),
    ],
)
def test_a_verdict_that_makes_no_sense_is_refused_by_place(
    world: World, body: dict[str, str], status: int, code: str
) -> None:
    decision = decided(world)

    response = audit(world, decision.pk, **body)

    assert response.status_code == status
    assert [(e["pointer"], e["code"]) for e in response.json()["errors"]] == [("/label", code)]
    assert not Signal.objects.exists()


@pytest.mark.parametrize("name", ["erin", "partner"])
def test_only_supervisors_audit(world: World, name: str) -> None:
    assert audit(world, decided(world).pk, name=name, verdict="upheld").status_code == 403


def test_nobody_audits_what_they_judged_or_submitted_themselves(world: World) -> None:
    decision = decided(world, by="alice")
    judged, submitted = decided(world), decided(world)
    judge(world, judged.case, "alice", "approve")
    Case.objects.filter(pk=submitted.case_id).update(submitted_by=world.users["alice"])

    for own in (decision, judged, submitted):
        response = audit(world, own.pk, verdict="upheld")
        assert (response.status_code, response.json()["code"]) == (403, "own_judgement")


def test_one_person_audits_a_decision_once_and_never_one_that_was_replaced(world: World) -> None:
    decision = decided(world)
    audit(world, decision.pk, verdict="upheld")

    assert audit(world, decision.pk, verdict="upheld").json()["code"] == "already_audited"

    replaced = decided(world)
    audit(world, replaced.pk, verdict="wrong", label="reject")
    Signal.objects.all().delete()
    assert audit(world, replaced.pk, verdict="upheld").json()["code"] == "superseded"


def test_a_strangers_decision_looks_like_a_missing_one(world: World) -> None:
    foreign = decided(make_world("globex"))

    hidden = audit(world, foreign.pk, verdict="upheld")
    missing = audit(world, stranger_id(), verdict="upheld")

    assert hidden.status_code == missing.status_code == 404
    assert hidden.content == missing.content


def test_a_supervisor_who_may_claim_from_the_queue_judges_before_auditing(world: World) -> None:
    decision = decided(world)
    assign_perm("claim_queue", world.users["alice"], world.queue)

    assert audit(world, decision.pk, verdict="upheld").json()["code"] == "first_judgement_required"
    listing = world.browser("alice").get("/admin/reviews/decision/")
    assert str(decision.pk) not in listing.content.decode()
    page = world.browser("alice").get(f"/admin/reviews/decision/{decision.pk}/audit/wrong/")
    assert page.status_code == 404


def test_the_admin_finds_decisions_by_external_id_and_filters_those_not_audited(world: World) -> None:
    wanted, other = decided(world), decided(world)
    Case.objects.filter(pk=wanted.case_id).update(external_id="app-42")
    alice = world.browser("alice")

    found = alice.get("/admin/reviews/decision/?q=app-42").content.decode()
    assert str(wanted.pk) in found and str(other.pk) not in found

    audit(world, other.pk, verdict="upheld")
    waiting = alice.get("/admin/reviews/decision/?audited=no&owner__exact=system&label=approve&task_type=loan")
    assert str(wanted.pk) in waiting.content.decode() and str(other.pk) not in waiting.content.decode()


def test_the_button_in_the_admin_calls_the_same_action(world: World) -> None:
    decision = decided(world)
    alice = world.browser("alice")
    page = alice.get(f"/admin/reviews/decision/{decision.pk}/change/").content.decode()
    assert f"/admin/reviews/decision/{decision.pk}/audit/wrong/" in page
    assert f"/cases/{decision.case_id}/trace" in page
    assert 'name="_save"' not in page

    form = alice.get(f"/admin/reviews/decision/{decision.pk}/audit/wrong/").content.decode()
    assert "selected" not in form.split('name="label"')[1].split("</select>")[0].replace('value="" selected', "")
    refused = alice.post(f"/admin/reviews/decision/{decision.pk}/audit/wrong/", {"verdict": "wrong"})
    assert "Give the label that would have been right." in refused.content.decode()
    done = alice.post(
        f"/admin/reviews/decision/{decision.pk}/audit/wrong/", {"verdict": "wrong", "label": "reject", "note": "n"}
    )

    assert done.status_code == 302
    assert Decision.objects.get(case=decision.case, is_current=True).label == "reject"
    assert Signal.objects.get().details == {"verdict": "wrong", "note": "n"}


def test_an_auditor_reads_decisions_in_the_admin_but_gets_no_verdict(world: World) -> None:
    decision = decided(world)
    erin = world.browser("erin")

    page = erin.get(f"/admin/reviews/decision/{decision.pk}/change/").content.decode()

    assert "/audit/wrong/" not in page
    assert erin.get(f"/admin/reviews/decision/{decision.pk}/audit/wrong/").status_code == 403
