"""`manage.py replay_policy`: several processes, a progress line, a summary, the same job as anywhere else."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from feedback.models import ReplayJob
from hitl.core.clock import now
from tests.factories import World
from tests.feedback.past import draft, submit_past


def test_two_processes_replay_and_the_summary_is_printed(race_world: World) -> None:
    submit_past(race_world, 40)
    version = draft(race_world, thresholds={"default": 0.6})
    out = io.StringIO()
    call_command("replay_policy", "loan", str(version.number), "--processes", "2", stdout=out)
    said = out.getvalue()
    assert "40 of 40 cases" in said
    assert "of 40 cases" in said and "Automated:" in said and "→ automate" in said
    job = ReplayJob.objects.get()
    assert (job.status, job.requested_label) == ("done", "replay_policy")


def test_range_and_json(race_world: World) -> None:
    submit_past(race_world, 5)
    tomorrow = (now() + timedelta(days=1)).date().isoformat()
    out = io.StringIO()
    arguments = ["loan", "1", "--from", tomorrow, "--segment", "region=EU", "--json"]
    call_command("replay_policy", *arguments, stdout=out, stderr=io.StringIO())
    assert json.loads(out.getvalue())["n"] == 0


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["loan", "9"], "no version 9"),
        (["nothing", "1"], "no version 1"),
        (["loan", "1", "--from", "soon"], "not a moment"),
        (["loan", "1", "--segment", "EU"], "NAME=VALUE"),
        (["loan", "1", "--limit", "0"], ">= 1"),
        (["loan", "1", "--compare-with", "5"], "no version 5"),
    ],
)
def test_wrong_arguments_are_said_plainly(world: World, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("replay_policy", *arguments)
