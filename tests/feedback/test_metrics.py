"""Metrics of a window: whole hours counted by a sweep, counted anew when more is known, read without any case."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from feedback.actions.labels import rebuild_labels
from feedback.actions.metric_hours import OTHER, roll_up_metrics
from feedback.metric_charts import spark, volume_bars
from feedback.metrics_page import duration
from feedback.models import MetricHour, MetricHourDue, MetricSweep
from feedback.stats.replay_estimates import Sums, error_rate
from hitl.accounts.models import ApiKey
from hitl.core.clock import now, rfc3339
from reviews.models import Case
from routing.models import RoutingDecision, TaskType
from tests.api.support import claim, get, judge, overdue, post, problem
from tests.factories import World, make_world
from tests.feedback.past import submit_past

LATER = timedelta(hours=2)


def counted(world: World, query: str = "", at: datetime | None = None) -> dict[str, Any]:
    """The metrics over REST, after a sweep two hours from now unless told."""
    roll_up_metrics(at or now() + LATER)
    answer = get(world, "alice", f"metrics{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def counts(rate: dict[str, Any], whole: int) -> tuple[int, int]:
    return (round((rate["value"] or 0.0) * rate["n"]), whole) if rate["n"] == whole else (-1, rate["n"])


def test_routes_decisions_and_overrides_are_counted_in_the_hour_a_case_came_in(world: World) -> None:
    for label in ("approve", "reject", "reject"):
        world.submit()
        judge(world, "bob", claim(world, "bob"), label)
    sure = [world.submit(world.sure_case_body()) for _ in range(3)]
    automated = sum(case["routing"]["action"].startswith("automate") for case in sure)
    world.submit(world.case_body(mode="annotate"))
    found = counted(world)
    assert found["cases"] == 6, "what nobody decides is no case of these"
    assert counts(found["rates"]["automated"], 6) == (automated, 6) and counts(found["rates"]["overridden"], 3) == (
        2,
        3,
    )
    assert counts(found["rates"]["sla_met"], 3) == (3, 3)
    assert found["rates"]["overridden"]["low"] < 0.5 < found["rates"]["overridden"]["high"]
    assert {r["action"]: r["cases"] for r in found["routes"]}["review"] == 6 - automated
    assert found["time_to_decision"][0]["n"] == 3 and found["time_to_decision"][0]["high"] is not None
    assert [step["cases"] for step in found["steps"]] == [6] and found["step_hours"] == 1


def test_the_hour_that_is_not_over_is_not_counted(world: World) -> None:
    world.submit()
    assert counted(world, at=now())["cases"] == 0
    assert counted(world)["cases"] == 1


def test_before_the_first_sweep_there_is_nothing_rather_than_a_failure(world: World) -> None:
    found = get(world, "alice", "metrics").json()
    assert (found["until"], found["cases"], found["rates"]["automated"]["value"]) == (None, 0, None)
    assert found["error"]["reason"] == "No case would be automated."


def test_what_is_learnt_later_counts_in_the_hour_of_the_case(world: World) -> None:
    submit_past(world, 60, wrong=0.0, labelled=0.0)
    assert counted(world)["error"]["value"] is None
    cases = Case.objects.filter(task_type=world.task_type)
    at = now() + timedelta(hours=5)
    for case in cases:
        said = {"label": "reject", "observed_at": rfc3339(now())}
        assert post(world, "partner", f"cases/{case.pk}/outcomes", said).status_code == 201
    rebuild_labels()
    MetricSweep.objects.update(counted_to=now() - timedelta(minutes=1))
    found = counted(world, "?window=2d", at=at)
    assert found["error"]["n"] > 0, "outcomes came after the hour had been counted"
    assert found["cases"] == 60, "and no case counts twice"


def test_the_error_is_that_of_the_sums_added_case_by_case(world: World) -> None:
    submit_past(world, 120, wrong=0.2, labelled=0.9)
    found = counted(world)["error"]
    sums = Sums()
    labels = {case.pk: getattr(case, "training_label", None) for case in Case.objects.select_related("training_label")}
    for row in RoutingDecision.objects.all():
        label = labels[row.case_id]
        chance = row.action_propensity if row.action.startswith("automate") else 1.0 - row.action_propensity
        known = label is not None and label.unaided_label is not None
        wrong = float(label.unaided_label != row.features["label"]) if label and known else None
        sums.add(chance if chance > 1e-9 else 0.0, wrong, label.selection_probability if label else 1.0)
    expected = error_rate(sums)
    assert found["value"] == pytest.approx(expected.value) and found["low"] == pytest.approx(expected.low)
    assert found["n"] == expected.n and found["unlabelled"] == pytest.approx(expected.unlabelled)


def test_a_review_past_its_time_counts_as_missed_while_it_still_waits(world: World) -> None:
    overdue(world.submit())
    assert counts(counted(world)["rates"]["sla_met"], 1) == (0, 1)


def test_by_segment_model_and_task_type(world: World) -> None:
    submit_past(world, 30)
    whole = counted(world)["cases"]
    parts = [counted(world, f"?segment=region={region}")["cases"] for region in ("EU", "US")]
    assert sum(parts) == whole == 30 and 0 < parts[0] < 30
    assert counted(world, "?model_version=credit-1&task_type=loan")["cases"] == 30
    assert counted(world, "?model_version=another")["cases"] == 0
    rare = [f"c{n}" for n in range(60)]
    for value in rare:
        world.submit(world.case_body(context={"segments": {"city": value}}))
    MetricSweep.objects.all().delete()
    roll_up_metrics(now() + LATER)
    kept = MetricHour.objects.filter(segment_name="city")
    assert kept.count() == 51 and kept.get(segment_value=OTHER).cases == 10, "a segment of many values stays small"


def test_counting_twice_changes_nothing_and_old_hours_are_forgotten(world: World) -> None:
    submit_past(world, 5)
    first = counted(world)
    assert roll_up_metrics(now() + LATER) == 0, "the hour was counted"
    assert counted(world)["cases"] == first["cases"] == 5 and not MetricHourDue.objects.exists()
    roll_up_metrics(now() + timedelta(days=95))
    assert not MetricHour.objects.exists()


def test_another_workspace_and_a_limited_key_see_their_own(world: World) -> None:
    world.submit()
    stranger = make_world("globex")
    assert counted(world)["cases"] == 1
    assert get(stranger, "alice", "metrics").json()["cases"] == 0
    problem(get(stranger, "alice", "metrics?task_type=nowhere"), 422, "unknown_task_type")
    other = TaskType.objects.create(workspace=world.workspace, slug="other", title="Other", labels=[])
    ApiKey.objects.filter(client=world.client).update(task_type_ids=[other.pk])
    limited = get(world, "partner", "metrics").json()
    assert (limited["cases"], limited["reviewers"]) == (0, None), "people are not a matter of one task type"
    assert get(world, "bob", "metrics").status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "window=0h",
        "window=91d",
        "window=x",
        "window=24",
        "segment=EU",
        "segment=a=",
        "no=1",
        "window=9999h",
        "segment=%00",
    ],
)
def test_bad_questions_name_the_place(world: World, query: str) -> None:
    body = problem(get(world, "alice", f"metrics?{query}"), 400, "invalid_input")
    assert body["errors"][0]["pointer"].startswith("?")


def test_reading_costs_the_same_for_one_case_and_for_many_and_touches_none(world: World) -> None:
    submit_past(world, 20)
    roll_up_metrics(now() + LATER)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        get(world, "alice", "metrics?window=90d")
    assert len(seen) <= 9
    assert not any("reviews_case" in query["sql"] or "routing_routingdecision" in query["sql"] for query in seen)


def test_the_page_says_every_number_with_its_interval_and_leads_to_the_others(world: World) -> None:
    submit_past(world, 60, wrong=0.1)
    roll_up_metrics(now() + LATER)
    browser = world.browser("alice")
    html = browser.get("/ops").content.decode()
    assert "60 cases" in html and "bar-machine" in html and "not enough data" in html
    assert 'href="/ops/owners"' in html and 'href="/ops/alerts"' in html and 'href="/ops/calibration"' in html
    assert "region=EU" in html and world.browser("bob").get("/ops").status_code == 403
    assert "/ops/staff" not in world.browser("erin").get("/ops").content.decode(), "no link to what is not theirs"


def test_the_page_names_what_is_wrong_in_its_address_and_shows_the_usual_window(world: World) -> None:
    answer = world.browser("alice").get("/ops?window=forever")
    assert answer.status_code == 400 and "as in 24h or 7d" in answer.content.decode()
    assert "No hour has been counted yet" in world.browser("alice").get("/ops").content.decode()


@pytest.mark.parametrize(("seconds", "said"), [(5, "5 s"), (600, "10 min"), (9000, "2.5 h"), (864_000, "10.0 days")])
def test_times_are_said_in_the_unit_that_suits_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_line_needs_two_points_and_bars_a_case() -> None:
    assert spark([None, 0.5]) == "" and spark([0.0, None, 1.0]).count(",") == 2
    assert volume_bars([]) is None and volume_bars([("now", 0, 0)]) is None
    (bar,) = getattr(volume_bars([("now", 4, 3)]), "bars", ())
    assert bar.machine_height == 3 * bar.people_height
