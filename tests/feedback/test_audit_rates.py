"""The audit rate in force follows what audits show, with its reason, and every route keeps its exact probability."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from audit.models import Event
from feedback.actions.adjusting import adjust_policies
from feedback.actions.audit_rates import adjust_audit_rate
from feedback.actions.labels import rebuild_labels
from feedback.audited import audited_labels
from feedback.models import TrainingLabel
from hitl.core.actors import system_actor
from hitl.core.clock import now
from hitl.core.errors import Forbidden
from routing.actions.adjustments import NewValue, adjust_policy, end_adjustment
from routing.engine.features import Features
from routing.engine.replay import replay_one
from routing.engine.sampling import hash_draw
from routing.models import Adjustment, PolicyVersion, RoutingDecision
from routing.selectors import adjustments_of, in_force
from tests.api.support import claim, judge
from tests.factories import World, make_world, policy_document
from tests.feedback.history import add_cases, decide, observe

pytestmark = pytest.mark.django_db
ADAPTIVE = {"exploration_rate": 0.05, "audit_rate": 0.25, "audit_rate_bounds": {"lowest": 0.05, "highest": 0.3}}


@pytest.fixture
def bank() -> World:
    """A high-risk task type whose policy lets the audit rate adapt; the version has been in force for a month."""
    world = make_world(static_risk="high")
    put_in_force(world)
    return world


def put_in_force(world: World, **sampling: object) -> PolicyVersion:
    version = world.put_in_force(policy_document(sampling=ADAPTIVE | sampling))
    PolicyVersion.objects.filter(pk=version.pk).update(activated_at=now() - timedelta(days=30))
    return version


def audits(world: World, right: int, wrong: int = 0, **case: object) -> None:
    """Audited decisions of the machine, by outcome."""
    cases = add_cases(world, [0.99] * (right + wrong), zone="auto_audit", **({"sampled": True} | case))
    observe(world, [(c, "approve" if i < right else "reject") for i, c in enumerate(cases)])
    rebuild_labels(everything=True)


def rate(world: World) -> float | None:
    force = in_force(world.workspace.pk, "loan")
    assert force is not None
    found = force.snapshot.adjustments.audit_rate
    return found.value if found else None


def look(world: World, days: float = 0.0) -> bool:
    version = PolicyVersion.objects.get(policy=world.policy, status="active")
    return adjust_audit_rate(version=version, at=now() + timedelta(days=days)).moved


def test_an_immature_model_keeps_the_declared_rate(bank: World) -> None:
    audits(bank, 20)
    assert adjust_policies() == 0
    assert rate(bank) is None


def test_a_stable_model_comes_down_a_step_a_day_and_the_event_says_why(bank: World) -> None:
    audits(bank, 200)
    assert adjust_policies() == 1
    assert rate(bank) == 0.2
    assert not look(bank)
    assert look(bank, days=1.01)
    assert rate(bank) == 0.15

    event = Event.objects.filter(action="policy.adjusted").latest("id")
    assert event.reason.startswith("credit-1: Stable: 0 of the newest 200 audited were wrong")
    assert (event.before["value"], event.after["value"], event.actor_label) == (0.2, 0.15, "audit rate")
    assert event.versions == {"policy": 2}
    old, new = Adjustment.objects.order_by("id")
    assert old.until == new.since and new.until is None


def test_an_audited_error_raises_the_rate_again_at_once(bank: World) -> None:
    audits(bank, 200)
    for day in range(5):
        look(bank, days=day * 1.01)
    assert rate(bank) == 0.05
    [case] = add_cases(bank, [0.99], zone="auto_audit")  # not drawn: a supervisor picked it
    decision = decide(bank, case)

    body = {"verdict": "wrong", "label": "reject", "note": "forged"}
    answer = bank.api("alice").post(f"/api/v1/decisions/{decision.pk}/audit", body, content_type="application/json")
    assert answer.status_code == 201, answer.content
    rebuild_labels()

    assert look(bank, days=5.1)
    assert rate(bank) == pytest.approx(0.0923, abs=1e-4)  # 1 wrong of 201: at most 2.3 %, above the budget of 2 %


def test_a_degraded_model_goes_to_the_highest_rate(bank: World) -> None:
    audits(bank, 90, 10)
    assert look(bank)
    assert rate(bank) == 0.3


def test_upheld_decisions_that_nobody_drew_show_nothing(bank: World) -> None:
    audits(bank, 200, sampled=False)
    assert not look(bank)


def test_the_least_proven_model_sets_the_rate(bank: World) -> None:
    audits(bank, 200)
    document = policy_document(sampling=ADAPTIVE)
    document["calibrations"].append({"model_version": "credit-2", "confidence_source": "probability", "version": 2})
    bank.put_in_force(document)
    assert not look(bank)
    assert rate(bank) is None


def test_a_new_version_goes_on_from_the_rate_its_model_earned(bank: World) -> None:
    audits(bank, 200)
    look(bank)
    put_in_force(bank)
    assert rate(bank) is None  # until the next look
    assert look(bank, days=0.5)
    assert rate(bank) == 0.2
    assert Adjustment.objects.filter(until__isnull=True).count() == 1


def test_a_version_without_bounds_ends_the_adjustment(bank: World) -> None:
    audits(bank, 200)
    look(bank)
    put_in_force(bank, audit_rate_bounds=None)
    assert rate(bank) is None
    assert look(bank)
    assert not Adjustment.objects.filter(until__isnull=True).exists()
    assert Event.objects.get(action="policy.adjustment_ended").after["value"] == 0.25


def test_two_looks_at_once_make_one_step(bank: World) -> None:
    version = PolicyVersion.objects.get(policy=bank.policy, status="active")
    new = NewValue(Adjustment.Kind.AUDIT_RATE, 0.2, 0.25, 0.05, 0.3, "Stable.", replaces=None)
    actor = system_actor(bank.workspace.pk)
    assert adjust_policy(actor=actor, version=version, new=new) is not None
    assert adjust_policy(actor=actor, version=version, new=new) is None
    assert Adjustment.objects.count() == 1


def test_a_version_that_was_replaced_meanwhile_is_not_adjusted(bank: World) -> None:
    version = PolicyVersion.objects.get(policy=bank.policy, status="active")
    put_in_force(bank)
    new = NewValue(Adjustment.Kind.AUDIT_RATE, 0.2, 0.25, 0.05, 0.3, "Stable.", replaces=None)
    assert adjust_policy(actor=system_actor(bank.workspace.pk), version=version, new=new) is None


@pytest.mark.parametrize("name", ["alice", "partner"])
def test_nobody_but_hitl_itself_adjusts(bank: World, name: str) -> None:
    version = PolicyVersion.objects.get(policy=bank.policy, status="active")
    new = NewValue(Adjustment.Kind.AUDIT_RATE, 0.2, 0.25, 0.05, 0.3, "Stable.", replaces=None)
    with pytest.raises(Forbidden):
        adjust_policy(actor=bank.actor(name), version=version, new=new)
    with pytest.raises(Forbidden):
        end_adjustment(actor=bank.actor(name), adjustment_id=bank.policy.pk, reason="")


def test_a_route_keeps_its_probability_and_what_it_rested_on(bank: World) -> None:
    audits(bank, 200)
    look(bank)
    adjusted = bank.submit(bank.sure_case_body())
    assert adjusted["routing"]["selection_probability"] == 0.2
    row = RoutingDecision.objects.get(case_id=adjusted["id"])
    assert row.adjustment_ids == [Adjustment.objects.get(until__isnull=True).pk]
    [step] = [s for s in row.trace if s["step"] == "audit_rate"]
    assert (step["outcome"], step["detail"]["rate"], step["detail"]["declared"]) == ("adjusted", 0.2, 0.25)

    audits(bank, 0, 30)
    look(bank)
    assert bank.submit(bank.sure_case_body())["routing"]["selection_probability"] == 0.3

    force = in_force(bank.workspace.pk, "loan")
    assert force is not None
    then = replace(force.snapshot, adjustments=adjustments_of(row.adjustment_ids))
    again = replay_one(Features.from_json(row.features), then, str(row.case_id))
    assert (again.selection_probability, again.sampled, again.action.value) == (0.2, row.sampled, row.action)


def test_cases_are_audited_as_often_as_the_adjusted_probability_says(bank: World) -> None:
    audits(bank, 200)
    look(bank)
    force = in_force(bank.workspace.pk, "loan")
    assert force is not None
    case = Features(label="approve", confidence=0.99, model_version="credit-1")
    drawn: Counter[float] = Counter()
    n = 5_000
    for number in range(n):
        route = replay_one(case, force.snapshot, f"case-{number}")
        assert route.sampled == (hash_draw(force.snapshot.policy.salt, f"case-{number}") < 0.2)
        drawn[route.selection_probability] += route.sampled
    assert list(drawn) == [0.2]
    assert drawn[0.2] / n == pytest.approx(0.2, abs=4 * (0.2 * 0.8 / n) ** 0.5)


def test_an_audit_drawn_and_judged_otherwise_corrects_teaches_and_counts(bank: World) -> None:
    """Sampled audit of an automated decision, through REST: correction, example, evidence for the rate (E4)."""
    put_in_force(bank, exploration_rate=1.0, audit_rate=1.0, audit_rate_bounds={"lowest": 0.05, "highest": 1.0})
    made = bank.submit(bank.sure_case_body())
    assert (made["status"], made["decision"]["label"]) == ("decided", "approve")

    found = judge(bank, "dave", claim(bank, "dave"), "reject")

    assert found["decision"]["label"] == "reject"
    rebuild_labels()
    label = TrainingLabel.objects.get(case_id=made["id"])
    assert (label.label, label.model_label, label.selection_probability) == ("reject", "approve", 1.0)
    shown = audited_labels(bank.task_type.pk, "credit-1")
    assert (shown.labels, shown.wrong) == (1, 1)
