"""A small load of the demo, against a real server: interrupted, continued, complete."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth import authenticate
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test import override_settings
from django.test.testcases import LiveServerThread

from audit.models import Event
from feedback.models import RecalibrationRun, Signal, SuiteRun
from hitl.accounts.models import ApiKey, User, Workspace
from hitl.demo.actions.stages import Stage, finished_stages
from hitl.demo.command import DemoCommand
from hitl.demo.credentials import Credentials, read_credentials
from hitl.demo.loading import is_loaded, load
from hitl.demo.parts import Part, Queueing, main_part
from hitl.demo.plan import PEOPLE, SIMULATED, Amounts
from reviews.models import Case, Judgement, ReviewTask
from tests.delivery.race import own_database

AMOUNTS = Amounts(
    history={"digit-reading": 30, "cytology-triage": 12}, fresh={"digit-reading": 12, "cytology-triage": 6}
)
EVERYBODY = ("sim-anna", "sim-ben")
QUEUES = {
    "digits": Queueing(EVERYBODY, leave=3),
    "digits-expert": Queueing(EVERYBODY),
    "cytology": Queueing(EVERYBODY),
    "cytology-expert": Queueing(EVERYBODY),
}
PART = main_part(AMOUNTS, QUEUES)


class Interrupted(Exception):
    pass


@dataclass
class Loaded:
    home: Path
    url: str
    lines: list[str]
    cases_at_interruption: int

    @property
    def credentials(self) -> Credentials:
        found = read_credentials(self.home)
        assert found is not None
        return found


@contextmanager
def product() -> Iterator[str]:
    """The address of the product, on a database of its own: commits are real, and evidence cannot be flushed."""
    with own_database():
        thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
        thread.daemon = True
        thread.start()
        thread.is_ready.wait()
        try:
            assert thread.error is None
            yield f"http://127.0.0.1:{thread.port}"
        finally:
            thread.terminate()


@pytest.fixture(scope="module")
def loaded(migrated: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    home = tmp_path_factory.mktemp("home")
    lines: list[str] = []

    def interrupt(line: str) -> None:
        if "judgements" in line:
            raise Interrupted

    with django_db_blocker.unblock(), product() as url:
        assert not is_loaded(PART, home, url)
        with pytest.raises(Interrupted):
            load(PART, home, url, interrupt)
        before = Case.objects.count()
        load(PART, home, url, lines.append)
        yield Loaded(home, url, lines, before)


def test_a_load_that_was_interrupted_goes_on_where_it_was(loaded: Loaded) -> None:
    workspace = Workspace.objects.get(slug="demo")
    assert finished_stages(workspace, "main") == frozenset(Stage)
    assert loaded.cases_at_interruption == 42
    assert Case.objects.count() == 60
    assert Event.objects.filter(action="demo.history_judged").count() == 1


def test_a_loaded_demo_is_recognised_and_its_new_address_noted(loaded: Loaded) -> None:
    assert is_loaded(PART, loaded.home, loaded.url)
    assert is_loaded(PART, loaded.home, "http://127.0.0.1:9999")
    assert loaded.credentials.base_url == "http://127.0.0.1:9999"
    assert is_loaded(PART, loaded.home, loaded.url)
    assert loaded.credentials.base_url == loaded.url


def test_the_command_says_that_nothing_is_left_to_do(
    loaded: Loaded, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    class Command(DemoCommand):
        def part(self, *, url: str, **options: Any) -> Part:
            return PART

    settings.HITL_HOME = loaded.home
    Command().run_from_argv(["manage.py", "load_demo", "--url", loaded.url])
    assert "The demo is loaded" in capsys.readouterr().out


def test_everybody_can_sign_in_and_use_their_key(loaded: Loaded) -> None:
    assert stat.S_IMODE((loaded.home / "demo-credentials.json").stat().st_mode) == 0o600
    assert list(loaded.credentials.users) == [person.username for person in PEOPLE]
    for user in loaded.credentials.users.values():
        with override_settings(AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend"]):
            assert authenticate(username=user.username, password=user.password) is not None
        answer = httpx.get(f"{loaded.url}/api/v1/cases", headers={"Authorization": f"Bearer {user.api_key}"})
        assert answer.status_code == 200
    users = loaded.credentials.users
    assert (users["bob"].tier, users["bob"].queues) == ("tier-1", ("digits",))
    assert (users["carol"].tier, users["dave"].tier, users["alice"].tier) == ("tier-2", "expert", None)


def test_bob_finds_work_and_sees_it_sealed(loaded: Loaded) -> None:
    key = loaded.credentials.users["bob"].api_key
    answer = httpx.post(f"{loaded.url}/api/v1/reviews/claim", json={}, headers={"Authorization": f"Bearer {key}"})
    claim = answer.json()["claim"]
    assert claim["review"]["queue"] == "digits"
    assert "prediction" not in claim["case"]


def test_simulated_reviewers_are_marked_and_their_keys_are_ended(loaded: Loaded) -> None:
    judges = set(Judgement.objects.values_list("user__username", "user__simulated"))
    assert judges == {(name, True) for name in EVERYBODY}
    simulated = User.objects.filter(simulated=True)
    assert simulated.count() == len(SIMULATED)
    assert "simulated" in simulated.first().last_name  # type: ignore[union-attr]
    assert not ApiKey.objects.filter(user__simulated=True, revoked_at=None).exists()


def test_during_the_roll_out_every_case_of_the_history_was_reviewed(loaded: Loaded) -> None:
    history = Case.objects.order_by("id")[:42]
    assert ReviewTask.objects.filter(case__in=list(history)).values("case").distinct().count() == 42
    assert Case.objects.filter(pk__in=[c.pk for c in history], status="provisional", task_type__slug="digit-reading")
    assert not Case.objects.filter(task_type__slug="cytology-triage", status="provisional").exists()


def test_outcomes_arrived_once_and_too_few_labels_leave_the_machine_out(loaded: Loaded) -> None:
    outcomes = Signal.objects.filter(source="outcome")
    assert outcomes.count() == outcomes.values("case").distinct().count() > 20
    assert set(RecalibrationRun.objects.values_list("result", flat=True)) == {"not_enough_data"}
    assert any("the machine does not decide" in line for line in loaded.lines)
    assert not Case.objects.filter(decisions__owner="system", decisions__provisional=False).exists()


def test_a_test_suite_has_been_run_on_the_first_policy_and_on_the_present_one(loaded: Loaded) -> None:
    runs = list(SuiteRun.objects.select_related("suite").order_by("pk"))
    assert [run.status for run in runs] == ["done"] * len(runs)
    assert runs[0].suite.size == len(runs[0].results) >= 6
    assert {result["source"] for result in runs[0].results} == {"stored"}


def test_reviews_are_left_for_people(loaded: Loaded) -> None:
    left = ReviewTask.objects.filter(status__in=["waiting", "claimed"])
    assert left.exclude(kind__in=["second", "adjudication"]).count() == 3 + 18


def test_lost_credentials_are_replaced_and_the_old_ones_end(loaded: Loaded) -> None:
    old = loaded.credentials
    (loaded.home / "demo-credentials.json").unlink()
    assert not is_loaded(PART, loaded.home, loaded.url)
    load(PART, loaded.home, loaded.url, loaded.lines.append)
    new = loaded.credentials
    assert new.users["bob"].password != old.users["bob"].password
    answer = httpx.get(f"{loaded.url}/api/v1/cases", headers={"Authorization": f"Bearer {old.api_key}"})
    assert answer.status_code == 401
    assert Case.objects.count() == 60
