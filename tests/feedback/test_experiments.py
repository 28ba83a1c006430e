"""Experiments: declared, started through shadow and canary, compared by case, by segment and by blocks of time."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from feedback.actions.experiments import Declared, declare_experiment, stop_experiment
from feedback.experiment_report import ExperimentReport, MeasureCompared, report_of
from feedback.models import Experiment, MetricHour, MetricSweep
from feedback.stats.waits import BUCKETS
from hitl.core.clock import now, rfc3339
from hitl.core.errors import Conflict, Forbidden, Refused
from reviews.models import Case
from routing.models import PolicyVersion
from tests.api.support import claim, get, judge, problem
from tests.api.test_shadow_and_canary import STRICT, approved
from tests.factories import World, make_world

HOUR = timedelta(hours=1)


def top_of_the_hour() -> datetime:
    return now().replace(minute=0, second=0, microsecond=0)


def declare(world: World, **what: Any) -> Experiment:
    given = {"title": "A try", "kind": "segment", "over": "policy", "first": "region=EU", "second": "region=US"}
    declared = Declared(**({"task_type": world.task_type, "measure": "automated"} | given | what))
    return declare_experiment(actor=world.actor("alice"), declared=declared)


def an_hour(
    world: World, at: datetime, automated: int, *, model: str = "m", segment: str = "", cases: int = 100
) -> None:
    """Counted cases, of which so many were automated, and the others waited ten minutes."""
    name, _, value = segment.partition("=")
    waits = [0] * BUCKETS
    waits[19] = cases - automated
    rest = dict.fromkeys(("automate_and_audit", "automate_and_review", "escalate", "gate", "judged", "overridden"), 0)
    MetricHour.objects.create(
        workspace=world.workspace, task_type=world.task_type, hour=at, model_version=model, segment_name=name,
        segment_value=value, cases=cases, automate=automated, review=cases - automated, reviewed=cases - automated,
        decided=cases, appealed=0, sla_due=0, sla_met=0, waits=waits, errors=[0.0] * 9, **rest,
    )  # fmt: skip


def counted_to(at: datetime) -> None:
    MetricSweep.objects.update_or_create(pk=1, defaults={"counted_to": at})


def measure(report: ExperimentReport, name: str) -> MeasureCompared:
    return next(row for row in report.measures if row.measure == name)


def test_a_shadow_is_started_and_compared_case_by_case(world: World) -> None:
    version = approved(world, STRICT)
    experiment = declare(world, kind="shadow", first=str(version.number), second="1")
    version.refresh_from_db()
    assert version.status == PolicyVersion.Status.SHADOW
    for _ in range(8):
        world.submit(world.sure_case_body())
    report = report_of(experiment)
    assert report.cases == (8, 8) and report.people is None
    automated = measure(report, "automated")
    assert automated.first.value == 0.0 and (automated.second.value or 0.0) > 0.5
    assert automated.difference.high is not None and automated.difference.high < 0.0
    assert {row.measure for row in report.measures} == {"automated", "reviewed", "error"}, "nobody waits for a shadow"


def test_a_split_starts_the_canary_and_says_that_the_same_people_judge_both(world: World) -> None:
    version = approved(world, STRICT)
    experiment = declare(world, kind="split", first=str(version.number), second="1", share=0.5, measure="reviewed")
    version.refresh_from_db()
    assert (version.status, version.canary_share) == (PolicyVersion.Status.CANARY, 0.5)
    for n in range(30):
        world.submit(world.case_body(subject=f"s{n}"))
        judge(world, "bob", claim(world, "bob"), "approve")
    report = report_of(experiment)
    assert sum(report.cases) == 30 and min(report.cases) > 0
    assert report.people is not None and (report.people.first, report.people.both) == (1, 1)
    assert any("1 of 1 people judged cases of both" in warning for warning in report.warnings)
    assert measure(report, "wait").first.n == report.cases[0]


def test_segments_are_compared_by_what_changed_since_the_start(world: World) -> None:
    start = top_of_the_hour() - 10 * HOUR
    for n in range(-10, 10):
        at = start + n * HOUR
        an_hour(world, at, 60 + (20 if n >= 0 else 0), segment="region=EU")
        an_hour(world, at, 50, segment="region=US")
    counted_to(top_of_the_hour())
    experiment = declare(world, starts_at=start)
    found = measure(report_of(experiment), "automated")
    assert (found.first.value, found.second.value) == (pytest.approx(0.8), pytest.approx(0.5))
    assert found.difference.value == pytest.approx(0.2), "not 0.3: a tenth lay between them before"
    assert found.difference.low is not None and found.difference.low > 0.1
    assert any("declared after its start" in warning for warning in report_of(experiment).warnings)


def test_a_past_that_is_counted_no_longer_is_not_passed_off_as_the_whole(world: World) -> None:
    start = top_of_the_hour() - timedelta(days=60)
    for days in (-25, -1, 1, 30):  # the sixty days before are kept for thirty
        an_hour(world, start + timedelta(days=days), 60, segment="region=EU")
        an_hour(world, start + timedelta(days=days), 50, segment="region=US")
    counted_to(top_of_the_hour())
    report = report_of(declare(world, starts_at=start))
    assert measure(report, "automated").difference.value == pytest.approx(0.0)
    assert any("only the last 30 days before the start count" in warning for warning in report.warnings)


def test_an_experiment_older_than_what_is_counted_says_so(world: World) -> None:
    experiment = declare(world, kind="split", over="model", first="new", second="old")
    start = top_of_the_hour() - timedelta(days=95)
    Experiment.objects.filter(pk=experiment.pk).update(starts_at=start)
    experiment.refresh_from_db()
    counted_to(top_of_the_hour())
    assert any("90 days" in warning for warning in report_of(experiment).warnings)


def test_people_are_counted_of_segments_whose_value_holds_an_equals_sign(world: World) -> None:
    context = {"segments": {"plan": "a=b"}}
    experiment = declare(world, first="plan=a=b", second="plan=c", starts_at=now() - HOUR)
    world.submit(world.case_body(context=context))
    judge(world, "bob", claim(world, "bob"), "approve")
    counted_to(top_of_the_hour() + HOUR)
    Case.objects.update(created_at=top_of_the_hour() - timedelta(minutes=1))
    Experiment.objects.update(starts_at=top_of_the_hour() - HOUR)
    experiment.refresh_from_db()

    report = report_of(experiment)

    assert report.people is not None and (report.people.first, report.people.second) == (1, 0)


def test_a_segment_without_a_past_is_not_judged(world: World) -> None:
    start = top_of_the_hour() - 2 * HOUR
    an_hour(world, start, 50, segment="region=EU")
    an_hour(world, start, 50, segment="region=US")
    counted_to(top_of_the_hour())
    found = measure(report_of(declare(world, starts_at=start)), "automated")
    assert found.difference.value is None and "before the start" in (found.reason or "")


def test_blocks_of_time_belong_to_the_version_in_force_throughout(world: World) -> None:
    start = top_of_the_hour() - 48 * HOUR
    other = PolicyVersion.objects.create(
        workspace=world.workspace, policy=world.policy, number=2, document=STRICT, created_at=start
    )
    first = PolicyVersion.objects.get(policy=world.policy, number=1)
    PolicyVersion.history.all().delete()
    for block in range(12):
        at = start + 4 * block * HOUR
        for version, status in (
            ((first, "retired"), (other, "active")) if block % 2 else ((other, "retired"), (first, "active"))
        ):
            version.status = status
            version._history_date = at
            version.save()
        for n in range(4):
            an_hour(world, at + n * HOUR, (40 if block % 2 else 60) + block % 3)
    counted_to(top_of_the_hour())
    experiment = declare(world, kind="time", first="1", second="2", block_hours=4, washout_hours=1, starts_at=start)
    report = report_of(experiment)
    assert [block.arm for block in report.blocks] == [1, 2] * 6
    assert all(block.cases == 300 for block in report.blocks), "the first hour of each is left out"
    found = measure(report, "automated")
    assert found.difference.value == pytest.approx(0.2, abs=0.02)
    assert found.difference.low is not None and found.difference.low > 0.15
    assert found.first.low is None, "an arm's own figure is a mean of blocks"


def test_a_block_in_which_a_canary_decided_beside_the_version_in_force_is_left_out(world: World) -> None:
    start = top_of_the_hour() - 8 * HOUR
    other = PolicyVersion.objects.create(
        workspace=world.workspace, policy=world.policy, number=2, document=STRICT, created_at=start
    )
    first = PolicyVersion.objects.get(policy=world.policy, number=1)
    PolicyVersion.history.all().delete()
    for version, status, at in (
        (first, "active", start), (other, "canary", start + 3 * HOUR), (other, "approved", start + 5 * HOUR),
    ):  # fmt: skip
        version.status, version.canary_share = status, 0.5 if status == "canary" else None
        version._history_date = at
        version.save()
    for n in range(8):
        an_hour(world, start + n * HOUR, 50)
    counted_to(top_of_the_hour())
    experiment = declare(world, kind="time", first="1", second="2", block_hours=2, starts_at=start)

    report = report_of(experiment)

    assert [block.since for block in report.blocks] == [rfc3339(start), rfc3339(start + 6 * HOUR)]
    assert any("2 blocks are left out" in warning for warning in report.warnings)


def test_blocks_in_which_two_models_mix_are_left_out_and_few_blocks_are_refused(world: World) -> None:
    start = top_of_the_hour() - 6 * HOUR
    for n in range(6):
        an_hour(world, start + n * HOUR, 50, model="new" if n % 2 else "old")
    an_hour(world, start, 50, model="new")
    counted_to(top_of_the_hour())
    what = {"kind": "time", "over": "model", "first": "new", "second": "old", "block_hours": 1, "starts_at": start}
    report = report_of(declare(world, **what))
    assert [block.arm for block in report.blocks] == [1, 2, 1, 2, 1]
    assert any("1 blocks are left out" in warning for warning in report.warnings)
    assert "too few" in (measure(report, "automated").reason or "")


def test_models_side_by_side_are_compared_with_a_word_about_who_chose(world: World) -> None:
    start = top_of_the_hour() - 3 * HOUR
    for n in range(3):
        an_hour(world, start + n * HOUR, 70, model="new")
        an_hour(world, start + n * HOUR, 50, model="old")
    counted_to(top_of_the_hour())
    report = report_of(declare(world, kind="split", over="model", first="new", second="old", starts_at=start))
    found = measure(report, "automated")
    assert found.difference.value == pytest.approx(0.2) and (found.difference.low or 0.0) > 0.1
    assert any("partner's choice" in warning for warning in report.warnings)
    assert measure(report, "overridden").reason == "Too little is known."


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ({"second": "region=EU"}, "/second"),
        ({"first": "EU"}, "/first"),
        ({"first": "city=Rome"}, "/second"),
        ({"kind": "shadow", "over": "model", "first": "a", "second": "b"}, "/over"),
        ({"kind": "shadow", "first": "1", "second": "2", "measure": "wait"}, "/measure"),
        ({"kind": "split", "first": "9", "second": "1"}, "/first"),
        ({"kind": "split", "first": "1", "second": "x"}, "/second"),
        ({"kind": "time", "over": "model", "first": "a", "second": "b"}, "/block_hours"),
        (
            {"kind": "time", "over": "model", "first": "a", "second": "b", "block_hours": 2, "washout_hours": 2},
            "/washout_hours",
        ),
        ({"starts_at": now() - timedelta(days=100)}, "/starts_at"),
        ({"starts_at": now() + timedelta(days=1)}, "/starts_at"),
    ],
)
def test_what_cannot_be_compared_is_refused_at_its_place(world: World, what: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        declare(world, **what)
    assert refused.value.errors[0].pointer == field
    assert not Experiment.objects.exists()


def test_it_is_stopped_once_by_whoever_may_and_leaves_its_events(world: World) -> None:
    experiment = declare(world)
    with pytest.raises(Forbidden):
        stop_experiment(actor=world.actor("erin"), experiment=experiment)
    stop_experiment(actor=world.actor("alice"), experiment=experiment)
    assert experiment.status == "stopped" and experiment.ends_at is not None
    with pytest.raises(Conflict):
        stop_experiment(actor=world.actor("alice"), experiment=experiment)
    actions = Event.objects.filter(action__startswith="experiment.").values_list("action", flat=True)
    assert sorted(actions) == ["experiment.declared", "experiment.stopped"]


def test_over_rest_they_are_listed_and_read_and_strangers_see_none(world: World) -> None:
    experiment = declare(world)
    declare(world, title="Another")
    first = get(world, "erin", "experiments?limit=1").json()
    assert [row["title"] for row in first["results"]] == ["Another"] and first["results"][0]["report"] is None
    assert get(world, "erin", f"experiments?limit=1&cursor={first['next']}").json()["next"] is None
    with CaptureQueriesContext(connection) as seen:
        found = get(world, "erin", f"experiments/{experiment.pk}").json()
    assert found["report"]["cases"] == [0, 0] and len(seen) <= 10
    problem(get(make_world("globex"), "alice", f"experiments/{experiment.pk}"), 404, "not_found")
    assert get(world, "bob", "experiments").status_code == 403


def test_the_pages_declare_refuse_show_and_stop(world: World) -> None:
    browser = world.browser("alice")
    wanted = {"title": "EU first", "task_type": "loan", "kind": "segment", "over": "policy", "first": "region=EU",
              "second": "region=EU", "measure": "automated"}  # fmt: skip
    refused = browser.post("/ops/experiments", wanted)
    assert refused.status_code == 422 and "Name another one than the first." in refused.content.decode()
    answer = browser.post("/ops/experiments", wanted | {"second": "region=US"})
    assert answer.status_code == 302
    page = answer["Location"]
    html = browser.get(page).content.decode()
    assert "By its measure nothing can be said yet." in html and "Difference in differences" in html
    assert browser.post(f"{page}/stop").status_code == 302
    assert "Stopped" in browser.get("/ops/experiments").content.decode()
    assert world.browser("erin").post("/ops/experiments", wanted).status_code == 403
