"""Embeddings that come with predictions (mission A2, B12)."""

import re
import struct
from typing import Any

import pytest

from reviews.actions.embeddings import mark_judged
from reviews.models import Case, CaseEmbedding
from tests.api.support import get, post
from tests.factories import World
from tests.feedback.history import judge


def embedded(world: World, embedding: list[float]) -> dict[str, Any]:
    body = world.case_body()
    body["prediction"]["embedding"] = embedding
    return body


def test_an_embedding_is_kept_apart_from_the_case_as_float32(world: World) -> None:
    case = world.submit(embedded(world, [0.5, -0.25, 3]))

    row = CaseEmbedding.objects.get(case_id=case["id"])

    assert row.dim == 3
    assert struct.unpack("<3f", bytes(row.vector)) == (0.5, -0.25, 3.0)
    assert (row.workspace_id, row.task_type_id, row.judged_at) == (world.workspace.pk, world.task_type.pk, None)


def test_a_case_without_an_embedding_has_no_row(world: World) -> None:
    world.submit()
    world.submit(world.case_body(prediction=None))
    assert not CaseEmbedding.objects.exists()


def test_embeddings_of_a_batch_are_kept_too(world: World) -> None:
    cases = [embedded(world, [float(n), 1.0]) for n in range(3)] + [world.case_body()]
    answer = post(world, "partner", "cases/batch", {"cases": cases})
    assert answer.status_code == 207
    assert CaseEmbedding.objects.count() == 3


@pytest.mark.parametrize("embedding", [[1e39], [-1e300, 0.0], [0.0] * 4097, ["a"], [None]])
def test_an_embedding_that_is_too_large_or_no_number_is_refused_in_its_place(
    world: World, embedding: list[Any]
) -> None:
    answer = post(world, "partner", "cases", embedded(world, embedding))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith("/prediction/embedding")


def test_what_people_judged_is_marked_once(world: World) -> None:
    judged, waiting = (world.submit(embedded(world, [1.0, 0.0]))["id"] for _ in range(2))
    judge(world, Case.objects.get(pk=judged), "bob", "approve")

    assert mark_judged(task_type_id=world.task_type.pk) == 1
    assert mark_judged(task_type_id=world.task_type.pk) == 0

    assert CaseEmbedding.objects.get(case_id=judged).judged_at is not None
    assert CaseEmbedding.objects.get(case_id=waiting).judged_at is None


def test_the_embedding_is_not_shown_in_the_case(world: World) -> None:
    case = world.submit(embedded(world, [0.125, 0.25]))
    told = get(world, "partner", f"cases/{case['id']}").content.decode()
    assert not re.search(r"(?<!\d)0\.125(?!\d)", told) and "embedding" not in told
