"""`manage.py study_thresholds`: the same study, from a shell."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from feedback.actions.labels import rebuild_labels
from feedback.models import ThresholdStudy
from tests.factories import World, make_world
from tests.feedback.history import observe_world


def run(*args: str) -> str:
    out = StringIO()
    call_command("study_thresholds", *args, stdout=out)
    return out.getvalue()


def test_it_says_what_it_found_and_keeps_the_study(world: World) -> None:
    observe_world(world, 1_500)
    rebuild_labels()

    said = run("loan", "--max-error", "0.05", "--objective", "least_cost", "--review-cost", "5")

    study = ThresholdStudy.objects.get()
    assert f"/ops/studies/{study.pk}" in said
    assert "From a confidence of" in said and "Cheapest of all is" in said
    assert (study.max_error, study.costs) == (0.05, {"review": 5.0, "error": 1.0, "pairs": []})


def test_it_tells_each_label_and_takes_the_task_types_budget(world: World) -> None:
    said = run("loan", "--objective", "per_label")

    assert "approve: not attainable." in said and "reject: not attainable." in said
    assert ThresholdStudy.objects.get().max_error == world.task_type.error_budget


def test_the_whole_study_can_be_had_as_json(world: World) -> None:
    found = json.loads(run("loan", "--json", "--segment", "region=EU"))
    assert found["slice"] == {"segment": {"region": "EU"}} and len(found["curve"]) == 100


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["unknown"], "There is no task type"),
        (["loan", "--max-error", "2"], "/max_error"),
        (["loan", "--objective", "least_cost"], "/costs"),
        (["loan", "--label", "maybe"], "/slice/label"),
        (["loan", "--segment", "EU"], "NAME=VALUE"),
    ],
)
def test_a_wrong_question_is_refused_by_name(world: World, args: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(*args)


def test_several_workspaces_need_a_name(world: World) -> None:
    make_world("globex")
    with pytest.raises(CommandError, match="--workspace"):
        run("loan")
    assert "labels. The whole study" in run("loan", "--workspace", "globex")
