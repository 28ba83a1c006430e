import re
import xml.etree.ElementTree as ElementTree

import pytest

from feedback.actions.labels import rebuild_labels
from feedback.actions.recalibration import recalibrate
from feedback.models import RecalibrationRun
from routing.models import TaskType
from tests.factories import World, make_world
from tests.feedback.history import observe_world

PAGE = "/ops/calibration"


def test_a_supervisor_asks_for_a_run_and_sees_that_it_waits(world: World) -> None:
    alice = world.browser("alice")
    assert "Recalibrate now" in alice.get(PAGE).content.decode()

    answer = alice.post(f"{PAGE}/loan/recalibrate", follow=True).content.decode()

    assert RecalibrationRun.objects.get().result == "requested"
    assert "A run is waiting for a worker" in answer
    assert "asked for by alice" in answer
    assert "Recalibrate now" not in answer


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_diagram_is_drawn_on_the_server_with_its_table_and_the_proposal_linked(world: World, language: str) -> None:
    observe_world(world, 1200)
    rebuild_labels()
    recalibrate(task_type=world.task_type, trigger="nightly")

    page = world.browser("alice").get(PAGE, headers={"accept-language": language}).content.decode()

    drawing = re.search(r"<svg class=\"chart\".*?</svg>", page, re.DOTALL)
    assert drawing is not None
    svg = ElementTree.fromstring(drawing.group())
    for dot in svg.iter("circle"):
        assert 0 < float(dot.attrib["cx"]) < 310
    assert len(page.split("<caption>")) == 6
    assert 'href="/policies/loan"' in page
    assert "style=" not in page.split("<main")[1]


def test_an_auditor_reads_the_page_but_cannot_start_anything(world: World) -> None:
    erin = world.browser("erin")

    assert "Recalibrate now" not in erin.get(PAGE).content.decode()
    assert erin.post(f"{PAGE}/loan/recalibrate").status_code == 403


def test_reviewers_and_strangers_stay_outside(world: World) -> None:
    assert world.browser("bob").get(PAGE).status_code == 403
    TaskType.objects.create(
        workspace=make_world("globex").workspace, slug="secret", title="Secret lending", labels=world.task_type.labels
    )
    page = world.browser("alice")
    assert "Secret lending" not in page.get(PAGE).content.decode()
    assert page.post(f"{PAGE}/secret/recalibrate").status_code == 404
