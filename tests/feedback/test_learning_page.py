"""The learning page and the queue's list of lessons: what supervisors see of active learning, and nobody else."""

import re
import xml.etree.ElementTree as ElementTree

from django.db import connection
from django.test.utils import CaptureQueriesContext
from guardian.shortcuts import assign_perm

from feedback.models import LearningMap
from hitl.core.clock import now
from reviews.models import Queue
from tests.factories import World, make_world
from tests.feedback.test_active_learning import automated, learning, sweep  # noqa: F401  # a fixture

PAGE = "/ops/learning"


def map_regions(world: World, judged: list[int]) -> None:
    LearningMap.objects.create(
        task_type=world.task_type, workspace=world.workspace, dim=1, centres=b"", judged=judged, fitted_at=now(),
        counted_at=now(),
    )  # fmt: skip


def test_regions_are_drawn_on_the_server_with_their_table_and_the_rare_ones_named(
    world: World,
    learning: Queue,  # noqa: F811
) -> None:
    map_regions(world, [30, 2, 16])

    page = world.browser("alice").get(PAGE).content.decode()

    drawing = re.search(r"<svg class=\"chart\".*?</svg>", page, re.DOTALL)
    assert drawing is not None
    bars = [float(r.attrib["width"]) for r in ElementTree.fromstring(drawing.group()).iter("rect")]
    assert bars[0] > bars[2] > bars[1] > 0
    assert page.count("under-represented") == 1
    assert 'href="/queues/lessons"' in page
    assert "learns actively" in page


def test_without_anything_to_learn_the_page_says_what_is_missing(world: World) -> None:
    page = world.browser("erin").get(PAGE).content.decode()
    assert "No regions yet" in page
    assert "does not learn actively" in page


def test_the_queue_shows_supervisors_why_its_cases_were_chosen_and_reviewers_nothing(
    world: World,
    learning: Queue,  # noqa: F811
) -> None:
    case_id = automated(world)
    sweep(world)
    assign_perm("view_queue", world.users["bob"], learning)

    seen = world.browser("alice").get("/queues/lessons").content.decode()
    assert case_id in seen
    assert "least confidence" in seen
    assert "disagreement" in seen

    assert case_id not in world.browser("bob").get("/queues/lessons").content.decode()
    assign_perm("claim_queue", world.users["alice"], learning)
    assert case_id not in world.browser("alice").get("/queues/lessons").content.decode()


def test_the_page_costs_the_same_for_many_regions(world: World) -> None:
    alice = world.browser("alice")
    alice.get(PAGE)
    with CaptureQueriesContext(
        connection,
    ) as few:
        alice.get(PAGE)
    map_regions(world, [1] * 32)
    with CaptureQueriesContext(connection) as many:
        alice.get(PAGE)
    assert len(many) <= len(few) <= 14


def test_strangers_see_only_their_own(world: World) -> None:
    other = make_world("globex")
    other.task_type.title = "Secret lending"
    other.task_type.save()
    assert "Secret lending" not in world.browser("alice").get(PAGE).content.decode()
