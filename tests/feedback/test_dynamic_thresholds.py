"""Thresholds follow the load among those certified for both budgets, and every change is an event with its reason."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from audit.models import Event
from feedback.actions.adjusting import adjust_policies
from feedback.actions.labels import rebuild_labels
from feedback.actions.recalibration import recalibrate
from feedback.models import QueueForecast, ThresholdStudy
from hitl.core.clock import now
from routing.models import Adjustment, AdjustmentLook, PolicyVersion
from routing.selectors import in_force
from tests.factories import World, make_world, policy_document
from tests.feedback.history import add_cases, observe, observe_world
from tests.feedback.test_queue_forecasts import arrive

RULES = {"normal_error": 0.02, "peak_error": 0.05, "target_wait_s": 600, "step": 0.1, "dwell_s": 0}
REF = {"model_version": "credit-1", "confidence_source": "probability", "version": 1}
PEAK = [0.75, 0.8, 0.85, 0.9, 0.95]


def declare(world: World, **changes: Any) -> PolicyVersion:
    """A version with dynamic thresholds in force."""
    return world.put_in_force(policy_document(dynamic=RULES | changes))


def certify(world: World, normal: list[float] = [0.9, 0.95], peak: list[float] = PEAK, **more: Any) -> ThresholdStudy:  # noqa: B006
    """A stored study of both budgets, as recalibration makes it; half of the cases lie below 0.9, a tenth below 0.8."""
    found = {"naive_threshold": None, "best_threshold": None, "labels_needed": None}
    result = {
        "curve": [{"threshold": t, "review_share": s} for t, s in ((0.75, 0.05), (0.8, 0.1), (0.85, 0.3), (0.9, 0.5))],
        "guaranteed_threshold": min(normal, default=None), "attainable": bool(normal), "certified": normal,
        "reason": None if normal else "Not attainable: too few labels.",
        "peak": found | {"max_error": 0.05, "guaranteed_threshold": min(peak, default=None), "attainable": bool(peak),
                         "certified": peak, "reason": None if peak else "Not attainable: too few labels."},
    }  # fmt: skip
    about = {"model_version": "credit-1", "calibrations": [REF], "max_error": 0.02, "peak_error": 0.05, "delta": 0.05}
    return ThresholdStudy.objects.create(
        workspace=world.workspace, task_type=world.task_type, n=1000, result=found | result, created_at=now(),
        **about | more,
    )  # fmt: skip


def crowd(world: World, arrivals: int, *, reviewers: int = 1, waiting: int = 0, at: datetime | None = None) -> None:
    """Tier 1's queue: this many arrivals in the last hour, all of them below their threshold, a minute each."""
    if not QueueForecast.objects.filter(queue=world.queue).exists():
        arrive(world, now() - timedelta(minutes=30), 5)
    figures = {"waiting": waiting, "reviewers": reviewers, "service_s": 60, "arrivals_per_hour": arrivals}
    QueueForecast.objects.update_or_create(
        queue=world.queue,
        defaults={
            "workspace": world.workspace, "computed_at": at or now(), "arrivals_next_hour": arrivals, **figures,
        },
    )  # fmt: skip


def threshold(world: World) -> float | None:
    force = in_force(world.workspace.pk, "loan")
    assert force is not None
    found = force.snapshot.adjustments.thresholds.get("credit-1")
    return found.value if found else None


def said(world: World) -> str:
    [finding] = [f for f in AdjustmentLook.objects.get(policy=world.policy).findings if f["kind"] == "threshold"]
    return str(finding["text"])


def test_load_lowers_the_threshold_and_the_event_says_why(world: World) -> None:
    declare(world)
    certify(world)
    crowd(world, 200)

    assert adjust_policies() == 1

    assert threshold(world) == 0.8
    event = Event.objects.get(action="policy.adjusted")
    assert (event.before["value"], event.after["value"]) == (0.9, 0.8)
    assert event.after["model_version"] == "credit-1"
    assert "lowered to 0.8" in event.reason and "target 10 min" in event.reason
    row = Adjustment.objects.get()
    assert (row.lowest, row.declared, row.highest) == (0.75, 0.9, 0.9)


def test_the_next_case_is_decided_by_the_moved_threshold_and_its_trace_names_both(world: World) -> None:
    declare(world)
    certify(world)
    body = world.case_body(prediction={"label": "approve", "confidence": 0.85, "model_version": "credit-1"})
    assert world.submit(body)["routing"]["threshold"] == 0.9
    crowd(world, 200)
    adjust_policies()

    made = world.submit(body)["routing"]

    assert (made["threshold"], made["zone"]) == (0.8, "auto")
    [step] = [s for s in made["trace"] if s["step"] == "dynamic_threshold"]
    assert (step["outcome"], step["detail"]["normal"], step["detail"]["threshold"]) == ("lowered", 0.9, 0.8)
    assert "target 10 min" in step["detail"]["reason"]


def test_it_stops_at_the_certified_peak_and_comes_back_when_the_load_ends(world: World) -> None:
    declare(world)
    certify(world)
    crowd(world, 200, waiting=2000)
    seen = []
    for _ in range(4):
        adjust_policies()
        seen.append(threshold(world))
    crowd(world, 5)
    for _ in range(3):
        adjust_policies()
        seen.append(threshold(world))
    assert seen == [0.8, 0.75, 0.75, 0.75, 0.85, None, None]
    assert Event.objects.filter(action="policy.adjustment_ended").latest("id").after["value"] == 0.9


def test_idle_reviewers_raise_it_above_normal_where_allowed(world: World) -> None:
    declare(world, idle_max=0.95)
    certify(world)
    crowd(world, 5)
    adjust_policies()
    assert threshold(world) == 0.95


def test_without_a_certified_study_of_both_budgets_nothing_moves_and_it_says_so(world: World) -> None:
    declare(world)
    crowd(world, 200)
    assert adjust_policies() == 0
    assert "No study certifies both budgets (2.0% and 5.0%)" in said(world)

    certify(world, peak=[])
    assert adjust_policies() == 0
    assert said(world) == "The peak budget is not certified. Not attainable: too few labels."
    assert threshold(world) is None


@pytest.mark.parametrize(
    "other",
    [
        {"max_error": 0.01},
        {"peak_error": 0.1},
        {"delta": 0.1},
        {"slice": {"label": "approve"}},
        {"calibrations": [REF | {"version": 7}]},
        {"model_version": None},
    ],
    ids=str,
)
def test_a_study_of_something_else_does_not_count(world: World, other: dict[str, Any]) -> None:
    declare(world)
    certify(world, **other)
    crowd(world, 200)
    assert adjust_policies() == 0
    assert "No study" in said(world)


def test_a_declared_threshold_that_is_not_certified_is_not_moved(world: World) -> None:
    declare(world)
    certify(world, normal=[0.95], peak=PEAK)
    crowd(world, 200)
    assert adjust_policies() == 0
    assert said(world) == "The threshold 0.9 is not certified for the normal budget; the lowest is 0.95."


def test_a_new_study_and_a_new_version_start_from_normal(world: World) -> None:
    declare(world)
    certify(world)
    crowd(world, 200)
    adjust_policies()
    certify(world)
    assert adjust_policies() == 1
    assert (threshold(world), said(world)) == (None, "A newer study is in: back to normal.")

    adjust_policies()
    assert threshold(world) == 0.8
    declare(world)
    assert threshold(world) is None  # at once
    adjust_policies()
    assert not Adjustment.objects.filter(until__isnull=True).exists()


def test_a_version_without_the_section_ends_it(world: World) -> None:
    declare(world)
    certify(world)
    crowd(world, 200)
    adjust_policies()
    world.put_in_force(policy_document())
    assert adjust_policies() == 1
    assert not Adjustment.objects.filter(until__isnull=True).exists()


@pytest.mark.parametrize("change", [{"reviewers": 0}, {"at": now() - timedelta(minutes=11)}], ids=["nobody", "stale"])
def test_without_a_forecast_it_goes_back_to_normal(world: World, change: dict[str, Any]) -> None:
    declare(world)
    certify(world)
    crowd(world, 200)
    adjust_policies()
    crowd(world, 200, **change)
    assert adjust_policies() == 1
    assert (threshold(world), said(world)) == (None, "The wait cannot be forecast: the normal threshold counts.")


def test_moves_keep_their_distance_in_time(world: World) -> None:
    declare(world, dwell_s=900)
    certify(world)
    crowd(world, 200, waiting=2000)
    assert [adjust_policies(), adjust_policies()] == [1, 0]
    later = now() + timedelta(minutes=16)
    crowd(world, 200, waiting=2000, at=later)
    assert adjust_policies(later) == 1


def test_another_workspaces_load_changes_nothing(world: World) -> None:
    stranger = make_world("globex")
    declare(world)
    certify(world)
    crowd(stranger, 200)
    adjust_policies()
    assert threshold(world) is None


def test_recalibration_certifies_both_budgets_and_proposes_the_normal_threshold(world: World) -> None:
    declare(world)
    observe_world(world, 3000)
    cases = add_cases(world, [0.85 + 0.0001 * i for i in range(600)])
    observe(world, [(c, "reject" if i % 25 == 0 else "approve") for i, c in enumerate(cases)])
    rebuild_labels()

    done = recalibrate(task_type=world.task_type, trigger="by_hand")

    assert done is not None and done.result == "proposed", done
    [study] = ThresholdStudy.objects.all()
    version = PolicyVersion.objects.get(status="draft")
    assert study.calibrations == [REF | {"version": 2}]
    assert (study.max_error, study.peak_error, study.delta) == (0.02, 0.05, 0.05)
    assert set(study.result["certified"]) <= set(study.result["peak"]["certified"])
    [entry] = [e for e in version.document["thresholds"]["entries"] if e["model_version"] == "credit-1"]
    assert entry["threshold"] == study.result["guaranteed_threshold"]

    PolicyVersion.objects.filter(status="active").update(status="retired")
    PolicyVersion.objects.filter(pk=version.pk).update(status="active", activated_at=now())
    crowd(world, 200)
    assert adjust_policies() == 1
    assert threshold(world) in study.result["peak"]["certified"]


def test_recalibration_that_proposes_nothing_still_certifies_what_the_policy_asks(world: World) -> None:
    observe_world(world, 1200)
    rebuild_labels()
    first = recalibrate(task_type=world.task_type, trigger="by_hand")
    assert first is not None
    version = PolicyVersion.objects.get(status="draft")
    world.put_in_force(version.document | {"dynamic": RULES | {"normal_error": 0.02, "peak_error": 0.04}})

    for _ in range(2):
        done = recalibrate(task_type=world.task_type, trigger="by_hand")
        assert done is not None
    joint = ThresholdStudy.objects.filter(peak_error=0.04)
    assert joint.count() >= 1
    assert joint.filter(calibrations__contains=[REF | {"version": 2}]).exists()


def test_both_budgets_can_be_studied_through_rest(world: World) -> None:
    records = [{"confidence": 0.9, "correct": True}] * 400 + [
        {"confidence": 0.6, "correct": i > 40} for i in range(900)
    ]
    body = {"task_type": "loan", "max_error": 0.02, "peak_error": 0.06, "records": records}
    answer = world.api().post("/api/v1/threshold-studies", body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert (found["delta"], found["peak"]["max_error"]) == (0.05, 0.06)
    assert set(found["certified"]) < set(found["peak"]["certified"])

    refused = world.api().post(
        "/api/v1/threshold-studies", body | {"peak_error": 0.01}, content_type="application/json"
    )
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/peak_error"
