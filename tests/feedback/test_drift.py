"""Synthetic streams with known change points are found in time, seldom without one; reports, alerts, the page, REST."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from audit.models import Event, OutboxMessage
from feedback.actions.drift import look_for_drift, watch_drift
from feedback.actions.labels import rebuild_labels
from feedback.drift_data import RECENT_CASES, REFERENCE_CASES, SeenCase, Windows
from feedback.drift_tests import ALPHA, Finding, examine, known_beside
from feedback.models import DriftReport, RecalibrationRun, RetrainingSuggestion
from feedback.stats.drift_causes import Cause, Detector, likely_causes
from hitl.core.clock import now
from reviews.models import Alert, Case
from routing.engine.calibration import CalibrationMap, CalibrationMethod
from routing.engine.slices import SlicedMap
from tests.factories import World, make_world
from tests.feedback.history import add_cases, observe

CountQueries = Callable[[int], AbstractContextManager[Any]]
MAPS = {("m", "probability"): SlicedMap(CalibrationMap(CalibrationMethod.IDENTITY, {}, 1, 1000))}
_IDS = count(1)


def stream(rng: random.Random, *, shift: float = 2.0, gap: float = 0.0, part: float = 0.0, push: float = 0.0,
           approve: float = 0.7, model: str = "m") -> Iterator[SeenCase]:  # fmt: skip
    """Cases without end. shift: of the confidences' beta; gap: how much less often right than stated; part: how much
    more often people part from the machine; push: the share lifted over the threshold; approve: of the labels.
    """
    while True:
        confidence = rng.betavariate(8, shift)
        if 0.85 < confidence < 0.9 and rng.random() < push:
            confidence = 0.9 + rng.random() * 0.02
        audited = rng.random() < 0.6
        outcome = rng.random() < 0.3
        right = rng.random() < confidence - gap - (0.0 if outcome else part)
        yield SeenCase(
            id=UUID(int=next(_IDS)), policy_version=None, automated=confidence >= 0.9, confidence=confidence,
            source="probability", calibrated=confidence, threshold=0.9,
            label="approve" if rng.random() < approve else "reject", model=model,
            segments={"region": rng.choice(["EU", "US"])}, right=right if audited or outcome else None,
            probability=1.0 if outcome else 0.6, by_outcome=outcome,
        )  # fmt: skip


def take(cases: Iterator[SeenCase], n: int) -> list[SeenCase]:
    return [next(cases) for _ in range(n)]


def found_after(
    rng: random.Random, cases: int, alpha: float = ALPHA, before: int = REFERENCE_CASES, **change: Any
) -> list[Finding]:
    """The report once `cases` came after the change."""
    past = take(stream(rng), before + RECENT_CASES - cases)
    whole = [*reversed(take(stream(rng, **change), cases)), *reversed(past)]
    windows = [Windows("count", whole[RECENT_CASES:], whole[:RECENT_CASES])]
    return examine(windows, MAPS, alpha=alpha)


@pytest.mark.parametrize(
    ("detector", "cause", "change"),
    [
        (Detector.CONFIDENCE, Cause.INPUTS_MOVED, {"shift": 3.2}),
        (Detector.LABELS, Cause.INPUTS_MOVED, {"approve": 0.5}),
        (Detector.CALIBRATION, Cause.CALIBRATION_STALE, {"gap": 0.25}),
        (Detector.DIVERGENCE, Cause.REVIEWERS_CHANGED, {"part": 0.3}),
        (Detector.BUNCHING, Cause.PROBING, {"push": 0.8}),
    ],
)
def test_a_change_is_found_with_its_cause_within_five_hundred_cases(
    detector: Detector, cause: Cause, change: dict[str, float]
) -> None:
    rng, found, named = random.Random(11), 0, 0
    for _ in range(40):
        findings = found_after(rng, RECENT_CASES, **change)
        moved = {finding.detector for finding in findings if finding.significant}
        found += detector in moved
        named += cause in likely_causes(moved, known_beside([], findings))
    assert found >= 38 and named >= 36


def test_a_large_change_is_found_within_half_of_that() -> None:
    rng = random.Random(12)
    found = [any(f.significant for f in found_after(rng, RECENT_CASES // 2, shift=5.0)) for _ in range(20)]
    assert sum(found) >= 19


def test_where_nothing_moved_a_report_says_so_as_often_as_it_promises() -> None:
    rng, alpha = random.Random(13), 0.05
    lowest = [min(f.adjusted or 1.0 for f in found_after(rng, RECENT_CASES, alpha, before=2000)) for _ in range(100)]
    assert sum(p <= alpha for p in lowest) <= 10  # 5 expected at most, 10 is two standard errors more
    assert sum(p <= ALPHA for p in lowest) <= 1


def test_a_tiny_certain_change_is_nobodys_work() -> None:
    rng = random.Random(14)
    old, new = take(stream(rng), 5000), take(stream(rng, shift=2.12), 5000)
    findings = examine([Windows("time", old, new)], MAPS, alpha=0.9)
    assert all(abs(f.shift.effect or 0.0) >= 0.02 for f in findings if f.significant)
    [confidence] = [f for f in findings if f.detector is Detector.CONFIDENCE]
    assert not confidence.significant and (confidence.shift.effect or 0.0) < 0.1


def test_a_new_model_version_explains_moved_confidences() -> None:
    rng = random.Random(15)
    old, new = take(stream(rng), 2000), take(stream(rng, shift=4.0, model="m2"), 500)
    windows = [Windows("count", old, new)]
    findings = examine(windows, MAPS)
    moved = {f.detector for f in findings if f.significant}
    assert likely_causes(moved, known_beside(windows, findings)) == [Cause.NEW_MODEL]


def test_a_segment_that_is_automated_less_is_named() -> None:
    rng = random.Random(16)
    old = [SeenCase(UUID(int=n), None, rng.random() < 0.7, 0.9, segments={"region": "EU" if n % 2 else "US"})
           for n in range(2000)]  # fmt: skip
    new = [SeenCase(UUID(int=n), None, rng.random() < (0.4 if n % 2 else 0.7), 0.9,
                    segments={"region": "EU" if n % 2 else "US"}) for n in range(600)]  # fmt: skip
    findings = [f for f in examine([Windows("time", old, new)], MAPS) if f.detector is Detector.ROUTING]
    assert {f.about: f.significant for f in findings} == {"": True, "region: EU": True, "region: US": False}


@pytest.fixture
def bank(db: None) -> World:
    return make_world()


def come(world: World, n: int, *, low: float = 0.5, high: float = 1.0, wrong: float = 0.2, seed: int = 1) -> None:
    """Cases with outcomes."""
    rng = random.Random(seed)
    cases = add_cases(world, [rng.uniform(low, high) for _ in range(n)])
    observe(world, [(case, "reject" if rng.random() < wrong else "approve") for case in cases])
    rebuild_labels(everything=True)


def moved(world: World) -> DriftReport:
    """500 cases whose confidences collapsed, after 700 others."""
    come(world, 700)
    come(world, 500, low=0.3, high=0.6, seed=2)
    assert watch_drift() == 1
    return DriftReport.objects.get(task_type=world.task_type)


def test_few_cases_are_looked_at_and_said_to_be_too_few(bank: World) -> None:
    come(bank, 20)
    assert watch_drift() == 0
    report = DriftReport.objects.get()
    assert not report.significant and {f["p_value"] for f in report.findings} == {None}
    assert "not enough data" in bank.browser("alice").get("/ops/drift").content.decode()


def test_what_moved_is_kept_told_once_and_recalibrated(bank: World) -> None:
    report = moved(bank)
    assert report.significant and "confidence" in {f["detector"] for f in report.findings if f["significant"]}
    alert = Alert.objects.get(kind="drift")
    assert alert.link == "/ops/drift?task_type=loan" and "confidence" in alert.said
    assert OutboxMessage.objects.filter(type="alert.raised").count() == 1
    assert Event.objects.filter(action="drift.found").count() == 1
    run = RecalibrationRun.objects.get(result="requested")
    assert (run.trigger, run.requested_by) == ("drift", None)
    assert "drift" in bank.browser("alice").get("/ops/calibration").content.decode()


def test_cases_the_machine_was_not_trained_on_suggest_training_it_anew(bank: World) -> None:
    come(bank, 700, low=0.8, wrong=0.1)
    come(bank, 500, low=0.6, high=0.9, wrong=0.6, seed=2)
    assert watch_drift() == 1
    assert DriftReport.objects.get().causes == ["training_skewed"]
    suggestion = RetrainingSuggestion.objects.get()
    assert (suggestion.trigger, suggestion.model_version) == ("drift", "credit-1")
    assert "confidence" in suggestion.reason


def test_nothing_is_due_again_until_a_day_or_six_hours_and_enough_cases_have_passed(bank: World) -> None:
    report = moved(bank)
    assert watch_drift() == 0
    assert look_for_drift(bank.task_type, now() + timedelta(hours=25)) is None  # nothing came
    come(bank, 260, low=0.3, high=0.6, seed=3)
    assert look_for_drift(bank.task_type, report.created_at + timedelta(hours=5)) is None
    again = look_for_drift(bank.task_type, report.created_at + timedelta(hours=7))
    assert again is not None and again.significant
    assert Alert.objects.get().times == 2 and Event.objects.filter(action="drift.found").count() == 1


def test_the_alert_is_over_when_a_later_report_tests_and_finds_nothing(bank: World) -> None:
    report = moved(bank)
    strange = list(Case.objects.order_by("-pk").values_list("pk", flat=True)[:500])
    assert look_for_drift(bank.task_type, report.created_at + timedelta(days=1)) is None
    come(bank, 300, seed=5)
    Case.objects.filter(pk__in=strange).update(mode="shadow")
    later = look_for_drift(bank.task_type, now() + timedelta(days=1))
    assert later is not None and not later.significant
    assert Alert.objects.get().state == "resolved"


def test_a_report_that_could_test_nothing_leaves_the_alert_open(bank: World) -> None:
    moved(bank)
    come(bank, 5, seed=6)
    later = look_for_drift(bank.task_type, now() + timedelta(days=400))
    assert later is not None and not later.significant
    assert Alert.objects.get().state == "open"


def test_the_page_shows_tests_causes_and_past_reports(bank: World, django_assert_num_queries: CountQueries) -> None:
    report = moved(bank)
    DriftReport.objects.filter(pk=report.pk).update(created_at=report.created_at - timedelta(days=2))
    come(bank, 20, seed=6)
    watch_drift()
    alice = bank.browser("alice")
    alice.get("/ops/drift")
    with django_assert_num_queries(6):
        page = alice.get("/ops/drift?task_type=loan").content.decode()
    assert "something moved" in page and "Likely causes" in page and "PSI " in page
    assert page.count("<polyline") == 1 and "Reports, newest first" in page
    assert "Loan" not in make_world("globex").browser("alice").get("/ops/drift?task_type=none").content.decode()


def test_the_api_gives_every_test(bank: World, django_assert_num_queries: CountQueries) -> None:
    report = moved(bank)
    caller = bank.api("alice")
    caller.get("/api/v1/drift")
    with django_assert_num_queries(2):
        [row] = caller.get("/api/v1/drift?significant=true&task_type=loan").json()["results"]
    assert row["id"] == str(report.pk) and row["alpha"] == ALPHA and row["causes"]
    assert len(row["tests"]) == len(report.findings)
    assert caller.get("/api/v1/drift?significant=maybe").status_code == 400
    assert make_world("globex").api("alice").get("/api/v1/drift").json()["results"] == []
