"""Every page, both themes, wide and 320 px: axe clean, silent console, no overflow."""

from collections.abc import Callable, Iterable
from datetime import timedelta

import pytest

from feedback.actions.experiments import Declared, declare_experiment
from feedback.actions.metric_hours import roll_up_metrics
from feedback.actions.suite_runs import request_suite_run
from feedback.actions.suite_work import work_suites
from feedback.models import Experiment, ReplayChange
from hitl.core.clock import now
from reviews.actions.alerts import About, Wording, raise_alert
from reviews.actions.appeals import file_appeal
from routing.actions.policies import start_canary, start_shadow
from tests.api.support import claim, judge
from tests.api.test_shadow_and_canary import STRICT, approved
from tests.e2e.conftest import Tab
from tests.factories import World
from tests.feedback.past import ask, draft, replay, submit_past
from tests.feedback.test_drift import moved as drifted
from tests.feedback.test_error_monitor import refuted
from tests.reviews.test_gold import make_gold
from tests.reviews.test_guidelines import force, write
from tests.reviews.test_suites import example, written
from tests.routing.test_adjustments import looked, moved

PAGES = {
    "bob": ("/work", "/queues", "/queues/loans", "/cases", "/settings"),
    "alice": (
        "/work",
        "/queues",
        "/cases",
        "/policies",
        "/policies/loan",
        "/policies/loan/presets",
        "/stop",
        "/policies/loan/rules",
        "/policies/loan/rules/hits",
        "/policies/loan/versions",
        "/policies/loan/advisor",
        "/exports",
        "/imports",
        "/ops/labels",
        "/ops/tiers",
        "/policies/loan/versions/2",
        "/policies/loan/versions/2/comparison",
        "/policies/loan/history?at=2100-01-01T00:00",
        "/policies/loan/difference",
        "/models",
        "/people",
        "/partners",
        "/settings",
        "/audit",
        "/ops/calibration",
        "/ops/learning",
        "/ops/studies",
        "/ops/studies/new",
        "/ops/disagreement",
        "/ops/retraining",
        "/ops/digest",
        "/ops/roi",
        "/ops/cascade",
        "/settings/models",
        "/nowhere",
    ),
    "erin": ("/cases", "/policies", "/policies/loan/advisor", "/audit"),
}


def replay_pages(town: World) -> list[str]:
    """The form, a finished replay with its figures, a waiting one, changed cases and one of them."""
    submit_past(town, 60, wrong=0.2)
    version = draft(town, thresholds={"default": 0.6})
    job, _ = replay(town, version)
    waiting = ask(town, version, limit=7)
    change = ReplayChange.objects.filter(job=job)[0]
    page = f"/replays/{job.pk}"
    form = f"/policies/loan/versions/{version.number}"
    return [form, f"{form}/replay", page, f"/replays/{waiting.pk}", f"{page}/changes", f"{page}/changes/{change.pk}"]


def try_beside(town: World) -> None:
    """Version 2 has been in shadow and is now the canary."""
    alice = town.actor("alice")
    version = approved(town, STRICT)
    start_shadow(actor=alice, version=version)
    for _ in range(3):
        town.submit(town.sure_case_body())
    start_canary(actor=alice, version=version, share=0.5, reason="looks good in shadow")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", list(PAGES))
def test_pages_are_accessible_and_silent(town: World, tab: Callable[..., Tab], theme: str, name: str) -> None:
    try_beside(town)
    case = town.submit()
    town.submit(town.sure_case_body())
    moved(town, 0.88, 0.84, 0.86)
    looked(town, "Expected wait 12 min at 0.86, target 10 min: it stays.")
    person = tab(theme)
    person.sign_in(town, name)
    paths = [*PAGES[name]]
    if name != "bob":
        paths += [
            f"/cases/{case['id']}",
            f"/cases/{case['id']}/trace",
            f"/cases/{case['id']}/interactions",
            *replay_pages(town),
        ]
    check_all(person, paths)


def check_all(person: Tab, paths: Iterable[str]) -> None:
    for width in (1360, 320):
        person.page.set_viewport_size({"width": width, "height": 820})
        for path in paths:
            person.go(path)
            if path == "/nowhere":
                person.said.clear()  # Chromium itself reports every 404
            person.check(f"{path} at {width}")


def lived_in(town: World) -> None:
    """A guideline, gold, judgements, an appeal and an alert, so that the pages show something."""
    force(town, write(town, "# Income\n\nAt least 50000.\n\n- payslips\n- contract"), must_acknowledge=False)
    make_gold(town)
    for number in range(3):
        case = town.submit(town.case_body(external_id=f"was-{number}", subject="customer-7"))
        judge(town, "bob", claim(town, "bob"), "reject", reasoning="income not shown")
    file_appeal(actor=town.actor("partner"), case_id=case["id"], reason="I do earn that.", submitted_by="customer-7")
    about, words = About("queue", town.queue.pk, "Loans"), Wording("Too many wait", "12 of 10")
    raise_alert(actor=town.actor("alice"), kind="queue.backlog", about=about, words=words)
    town.submit(town.case_body(external_id="next-1", subject="customer-7"))
    refuted(town)
    roll_up_metrics(now() + timedelta(hours=2))
    drifted(town)


def suite_pages(town: World) -> list[str]:
    """A test suite, its form, its examples, and a run with a failure of each kind."""
    written(
        town,
        example("steady income", section="Income", expected_route="people", note="What is seen most."),
        example("no income", expected="reject", prediction=None),
    )
    run = request_suite_run(actor=town.actor("alice"), task_type=town.task_type)
    work_suites()
    suite = "/guidelines/loan/suite"
    return [suite, f"{suite}/write", f"{suite}/versions/1", f"/suite-runs/{run.pk}"]


def a_shadow(town: World) -> Experiment:
    """A stricter version beside the one in force, and cases that both were asked about."""
    version = approved(town, STRICT)
    declared = Declared(
        town.task_type, "Stricter", kind="shadow", over="policy", first=str(version.number), second="1",
        measure="automated",
    )  # fmt: skip
    experiment = declare_experiment(actor=town.actor("alice"), declared=declared)
    for _ in range(5):
        town.submit(town.sure_case_body())
    return experiment


LIVED_IN = {
    "bob": (
        "/appeals",
        "/guidelines",
        "/guidelines/loan",
        "/queues/loans/guideline",
        "/quality/mine",
        "/handovers",
        "/hours",
        "/settings/wellness",
    ),
    "alice": (
        "/appeals",
        "/guidelines/loan",
        "/quality",
        "/quality/agreement",
        "/quality/consensus",
        "/quality/reviewers",
        "/quality/skills",
        "/quality/gold",
        "/quality/sessions",
        "/ops",
        "/ops/alerts",
        "/ops/capacity",
        "/ops/conflicts",
        "/ops/drift",
        "/ops/monitor",
        "/ops/owners",
        "/ops/staff",
        "/ops/visibility",
        "/queues/loans/reviews",
    ),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", list(LIVED_IN))
def test_pages_of_quality_and_operations(town: World, tab: Callable[..., Tab], theme: str, name: str) -> None:
    lived_in(town)
    person = tab(theme)
    person.sign_in(town, name)
    check_all(person, LIVED_IN[name])
    if name == "alice":
        check_all(person, ["/ops/experiments", f"/ops/experiments/{a_shadow(town).pk}"])
        check_all(person, suite_pages(town))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_ways_in_are_accessible(server: str, tab: Callable[..., Tab], theme: str) -> None:
    for width in (1360, 320):
        stranger = tab(theme, width)
        for path in ("/login", "/password/reset/"):
            stranger.go(path)
            stranger.check(f"{path} at {width}")


def test_the_api_documentation_runs_under_the_content_security_policy(server: str, tab: Callable[..., Tab]) -> None:
    reader = tab()
    reader.go("/api/v1/docs")
    reader.page.wait_for_selector(".opblock", timeout=20_000)
    assert not reader.said
