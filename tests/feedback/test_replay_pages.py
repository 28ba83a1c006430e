"""The supervisor's way: from the version's page to the question, the progress, the figures and a single case."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from feedback.actions.replay_work import work_replays
from feedback.models import ReplayChange, ReplayJob
from tests.factories import World
from tests.feedback.past import ask, draft, replay, submit_past


def test_from_the_versions_page_to_the_figures_and_back(world: World) -> None:
    submit_past(world, 80, wrong=0.2)
    version = draft(world, thresholds={"default": 0.6})
    alice = world.browser("alice")
    page = alice.get(f"/policies/loan/versions/{version.number}").content.decode()
    assert "not tried on past cases yet" in page

    answer = alice.post(f"/policies/loan/versions/{version.number}/replay", {"limit": 50}, follow=True)
    job = ReplayJob.objects.get()
    assert "waiting for a worker" in answer.content.decode().lower()
    assert "A replay is running" in alice.get(f"/policies/loan/versions/{version.number}").content.decode()
    work_replays()

    figures = alice.get(f"/replays/{job.pk}").content.decode()
    assert "of 50 cases" in figures
    assert "For each of the" in figures or "History cannot tell" in figures
    assert "a person decides" in figures and "the machine decides" in figures
    summary = alice.get(f"/policies/loan/versions/{version.number}").content.decode()
    assert "of 50 cases" in summary and f"/replays/{job.pk}" in summary
    assert "Automated:" in summary
    alice.post(f"/policies/loan/versions/{version.number}/replay", {"limit": 5})
    summary = alice.get(f"/policies/loan/versions/{version.number}").content.decode()
    assert "of 50 cases" in summary and "Another replay is running" in summary


@pytest.mark.parametrize("language", ["en", "de"])
def test_charts_are_drawn_on_the_server_and_stay_in_their_frame(world: World, language: str) -> None:
    submit_past(world, 120, wrong=0.2)
    job, _ = replay(world, draft(world, thresholds={"default": 0.6}))
    page = world.browser("alice").get(f"/replays/{job.pk}", headers={"accept-language": language}).content.decode()
    drawings = re.findall(r"<svg class=\"chart\".*?</svg>", page, re.DOTALL)
    assert len(drawings) == 2
    for drawing in drawings:
        svg = ElementTree.fromstring(drawing)
        for dot in svg.iter("circle"):
            assert 170 < float(dot.attrib["cx"]) <= 640
    assert "style=" not in page.split("<main")[1]


def test_progress_is_told_and_unchanged_progress_costs_nothing(world: World) -> None:
    submit_past(world, 3)
    job = ask(world, draft(world))
    alice = world.browser("alice")
    first = alice.get(f"/replays/{job.pk}/progress")
    assert 'hx-trigger="every 1s"' in first.content.decode() and "HX-Refresh" not in first.headers
    again = alice.get(f"/replays/{job.pk}/progress", headers={"if-none-match": first.headers["ETag"]})
    assert again.status_code == 304
    work_replays()
    last = alice.get(f"/replays/{job.pk}/progress", headers={"if-none-match": first.headers["ETag"]})
    assert last.status_code == 200 and last.headers["HX-Refresh"] == "true"


def test_a_single_case_is_shown_side_by_side(world: World) -> None:
    submit_past(world, 40)
    job, _ = replay(world, draft(world, thresholds={"default": 0.7}))
    change = ReplayChange.objects.filter(job=job)[0]
    alice = world.browser("alice")
    listed = alice.get(f"/replays/{job.pk}/changes?before=review&after=automate").content.decode()
    assert str(change.pk) in listed
    page = alice.get(f"/replays/{job.pk}/changes/{change.pk}").content.decode()
    assert "below the threshold 0.9" in page and "reaches the threshold 0.7" in page
    assert "missed: confidence" in page and "reached: confidence" in page
    assert "differs" in page


@pytest.mark.parametrize(
    "given, said",
    [
        ({"limit": "0"}, "greater than or equal to 1"),
        ({"limit": "10", "segment": "region"}, "name=value"),
        ({"limit": "10", "since": "2026-02-01", "until": "2026-01-01"}, "before the first day"),
        ({"limit": "10", "since": "yesterday"}, "valid date"),
        ({"limit": "10", "until": "9999-12-31"}, "out of range"),
        ({"limit": "10", "compare_with": "77"}, "valid choice"),
        ({"limit": "10", "model_version": "a\x00"}, "Null characters"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(world: World, given: dict[str, str], said: str) -> None:
    answer = world.browser("alice").post("/policies/loan/versions/1/replay", given)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not ReplayJob.objects.exists()


def test_a_replay_is_cancelled_from_its_page(world: World) -> None:
    job = ask(world, draft(world))
    alice = world.browser("alice")
    assert "Cancel the replay" in alice.get(f"/replays/{job.pk}").content.decode()
    assert "cancelled" in alice.post(f"/replays/{job.pk}/cancel", follow=True).content.decode()
    assert "Cancel the replay" not in alice.get(f"/replays/{job.pk}").content.decode()


def test_a_failed_replay_says_why(world: World) -> None:
    job = ask(world, draft(world))
    ReplayJob.objects.filter(pk=job.pk).update(status="failed", detail="the reason")
    assert "the reason" in world.browser("erin").get(f"/replays/{job.pk}").content.decode()


def test_readers_see_no_buttons_and_outsiders_nothing(world: World) -> None:
    submit_past(world, 3)
    job, _ = replay(world, draft(world))
    erin = world.browser("erin").get("/policies/loan/versions/1/replay").content.decode()
    assert '<button class="btn" type="submit">Replay' not in erin
    assert world.browser("bob").get(f"/replays/{job.pk}").status_code == 403


def test_pages_cost_few_queries(world: World) -> None:
    submit_past(world, 60)
    job, _ = replay(world, draft(world, thresholds={"default": 0.6}))
    alice = world.browser("alice")
    alice.get(f"/replays/{job.pk}")
    for path in ("", "/progress", "/changes"):
        with CaptureQueriesContext(connection) as captured:
            alice.get(f"/replays/{job.pk}{path}")
        assert len(captured.captured_queries) <= 9, path
