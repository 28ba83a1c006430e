"""What labels and reviews are worth: computed by a worker, shown as page and by REST (mission F12)."""

import random
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from feedback.actions.labels import rebuild_labels
from feedback.actions.roi import compute_roi
from feedback.actions.roi_sweeps import FRESH, compute_all_roi
from feedback.models import RoiReport
from feedback.roi_content import ENOUGH_JUDGED
from hitl.core.clock import now
from routing.models import RoutingDecision
from tests.api.support import get, problem
from tests.factories import World, make_world
from tests.feedback.history import add_cases, judge, observe
from tests.reviews.test_gold import make_gold


def history(world: World, n: int = 1_500, *, seed: int = 1) -> None:
    """Automated cases of a machine that is right as often as it says, with outcomes."""
    rng = random.Random(seed)
    cases = add_cases(world, [rng.uniform(0.5, 1.0) for _ in range(n)], zone="decided")
    truths = []
    for case in cases:
        confidence = case.content.prediction["confidence"]
        truths.append((case, "approve" if rng.random() < confidence else "reject"))
    observe(world, truths)
    rebuild_labels()


def reviewed(world: World, *, n: int = 40, wrong: int = 2) -> None:
    """Cases that Bob judged unaided in five seconds each; the outcome shows him wrong in `wrong`."""
    cases = add_cases(world, [0.7] * n)
    observe(world, [(case, "approve") for case in cases])
    for place, case in enumerate(cases):
        label = "reject" if place < wrong else "approve"
        judge(world, case, "bob", label, first=label)
    rebuild_labels()


def costs(world: World, **roi: Any) -> None:
    world.task_type.error_costs = [{"truth": "reject", "decided": "approve", "cost": 50}]
    world.task_type.recalibration = {"roi": roi}
    world.task_type.save()


def computed(world: World) -> dict[str, Any]:
    report = compute_roi(task_type=world.task_type)
    assert report is not None
    return report.content


def test_the_report_tells_what_labels_and_reviews_are_worth(world: World) -> None:
    costs(world, review_minute_cost=2.0)
    history(world)
    reviewed(world)

    content = computed(world)

    assert content["n"] == 1_540
    first, last = content["review"][0], content["review"][-1]
    assert first["accuracy"] == pytest.approx(0.75, abs=0.04)
    assert last["accuracy"] == pytest.approx(38 / 40)
    assert first["low"] < first["accuracy"] < first["high"]
    assert (content["people_right"], content["people_n"], content["error_cost"]) == (38, 40, 50.0)
    [tier] = content["tiers"]
    assert (tier["tier"], tier["reviews"]) == ("tier-1", 40)
    assert tier["minutes"] == pytest.approx(5 / 60)
    assert tier["cost"] == pytest.approx(2 * 5 / 60)
    assert tier["cost_per_correct"] == pytest.approx((2 * 5 / 60 + 0.05 * 50) / 0.95)
    [growth] = content["growth"]
    assert [point["labels"] for point in growth["log_loss"]] == [100, 178, 316, 562]
    assert growth["low"] <= growth["gain"] <= growth["high"]
    assert len(content["bands"]) == 5
    assert sum(band["per_week"] for band in content["bands"]) == pytest.approx(1_500 / 4)


def test_the_next_hours_go_where_the_machine_is_least_sure_for_what_they_are_worth(world: World) -> None:
    costs(world)
    history(world)
    reviewed(world)
    computed(world)

    [told] = get(world, "alice", "roi?hours=0.2&task_type=loan").json()["results"]

    assert told["hours_by_tier"] == {"tier-1": pytest.approx(0.2)}
    first = told["effort"][0]
    assert (first["tier"], first["band"]) == ("tier-1", 0)
    assert first["reviews"] == pytest.approx(75.0, rel=0.05)  # the whole band: a fifth of 375 a week
    assert first["avoided_low"] < first["avoided"] < first["avoided_high"]


def test_a_tier_whose_own_error_is_not_known_gets_no_hours(world: World) -> None:
    costs(world)
    history(world)
    reviewed(world, n=ENOUGH_JUDGED - 1)
    computed(world)
    [told] = get(world, "alice", "roi?hours=5").json()["results"]
    assert told["effort"] == []
    assert told["content"]["tiers"][0]["cost_per_correct"] is None


def test_gold_tells_how_often_people_are_right(world: World) -> None:
    gold = make_gold(world)
    [copy] = add_cases(world, [0.7])
    gold.copies.create(
        case=copy, workspace=world.workspace, queue=world.queue, beside=copy.pk, propensity=0.1, choices=1,
        created_at=now(),
    )  # fmt: skip
    judge(world, copy, "bob", gold.label, first="reject", kind="gold")
    content = computed(world)
    assert (content["people_right"], content["people_n"]) == (1, 1)


def test_too_few_labels_say_so_and_people_never_measured_make_it_an_upper_bound(world: World) -> None:
    history(world, 60)
    content = computed(world)
    assert not content["review"]
    assert "100 are needed" in content["reason"]
    assert content["growth"][0]["gain"] is None
    page = world.browser("alice").get("/ops/roi").content.decode()
    assert "Not enough data" in page
    assert "cannot be said yet" in page
    history(world, 300, seed=2)
    computed(world)
    assert "upper bound" in world.browser("alice").get("/ops/roi").content.decode()


def test_a_report_is_made_once_a_night_where_there_is_anything_new(world: World) -> None:
    assert compute_all_roi() == 0
    history(world, 60)
    assert compute_all_roi() == 1
    assert compute_all_roi() == 0
    assert compute_all_roi(now() + FRESH) == 0, "no label changed since"
    history(world, 5, seed=2)
    assert compute_all_roi() == 0, "not again the same night"
    assert compute_all_roi(now() + FRESH) == 1


def test_the_page_draws_its_curves_on_the_server_beside_their_tables(world: World) -> None:
    costs(world)
    history(world)
    reviewed(world)
    computed(world)

    page = world.browser("erin").get("/ops/roi?hours=0.5").content.decode()

    drawings = re.findall(r"<svg class=\"chart\".*?</svg>", page, re.DOTALL)
    assert len(drawings) == 3
    for drawing in drawings:
        ElementTree.fromstring(drawing)
    assert "People were right in 95.0%" in page
    assert "Where the next hours buy most" in page
    assert "would lower the log loss" in page
    assert world.browser("alice").get("/ops/roi?hours=-1").status_code == 302


def test_hours_that_are_none_are_refused_and_strangers_see_only_their_own(world: World) -> None:
    history(world, 60)
    computed(world)
    for wrong in ("-1", "many", "nan", "1e9"):
        problem(get(world, "alice", f"roi?hours={wrong}"), 400, "invalid_input")
    [told] = get(make_world("globex"), "alice", "roi").json()["results"]
    assert (told["computed_at"], told["content"]) == (None, None)
    assert get(world, "alice", "roi?task_type=none").json()["results"] == []


def test_reading_costs_the_same_for_many_reports(world: World) -> None:
    history(world, 60)
    computed(world)
    alice = world.api("alice")
    alice.get("/api/v1/roi")
    with CaptureQueriesContext(connection) as one:
        alice.get("/api/v1/roi")
    newest = RoiReport.objects.get()
    for _ in range(3):
        RoiReport.objects.create(
            workspace=world.workspace, task_type=world.task_type, content=newest.content, created_at=now()
        )
    with CaptureQueriesContext(connection) as many:
        alice.get("/api/v1/roi")
    assert len(one) == len(many) <= 6


def test_what_exploration_drew_stands_for_what_the_machine_decides_alone(world: World) -> None:
    drawn = add_cases(world, [0.97] * 40, zone="auto", sampled=True, selection_probability=0.02)
    RoutingDecision.objects.filter(case_id__in=[case.pk for case in drawn]).update(action="review")
    for place, case in enumerate(drawn):
        label = "reject" if place < 10 else "approve"
        judge(world, case, "bob", label, first=label)
    for case in add_cases(world, [0.97] * 20):  # a person's anyway: no part of it
        judge(world, case, "bob", "reject", first="reject")
    add_cases(world, [0.97] * 400, zone="auto")
    rebuild_labels()

    [band] = computed(world)["bands"]

    assert (band["n"], band["error"], band["per_week"]) == (40, pytest.approx(0.25), pytest.approx(100.0))
