"""A person's key limited to other task types: their queues, claims and reviews are missing, figures leave them out."""

from typing import Any

import pytest

from hitl.accounts.models import ApiKey
from reviews.actions.assignment import assign_review
from reviews.actions.blind_samples import draw_blind_samples
from reviews.models import Claim, Judgement, ReviewTask
from routing.models import TaskType, Tier
from tests.api.support import claim, get, judge, open_queue, post, verb
from tests.factories import World

VERBS: dict[str, dict[str, Any]] = {
    "renew": {},
    "release": {},
    "skip": {},
    "escalate": {"reason": "hard"},
    "first-judgement": {"label": "reject"},
    "judgement": {"label": "reject"},
    "transfer": {"to": "carol", "note": "yours"},
    "conflict-of-interest": {},
    "second-opinion": {},
}


def limit(world: World) -> None:
    """Every key of the workspace, to a task type that has nothing."""
    other = TaskType.objects.create(workspace=world.workspace, slug="other", title="Other", labels=[])
    ApiKey.objects.filter(workspace=world.workspace).update(task_type_ids=[other.pk])


@pytest.mark.parametrize("what", VERBS)
def test_a_claim_of_another_task_type_cannot_be_worked(world: World, what: str) -> None:
    world.submit()
    lease = claim(world, "bob")
    limit(world)
    assert verb(world, "bob", lease, what, **VERBS[what]).status_code == 404
    assert get(world, "bob", f"claims/{lease['id']}").status_code == 404
    seen = {"ms": 10, "events": [{"kind": "shown", "ms": 0}]}
    assert post(world, "bob", f"claims/{lease['id']}/interactions", seen).status_code == 404
    assert get(world, "bob", "claims?mine=true").json()["results"] == []
    assert Claim.objects.get().status == "open"


def test_a_judgement_of_another_task_type_cannot_be_undone(world: World) -> None:
    open_queue(world)
    world.submit()
    case = judge(world, "bob", claim(world, "bob"), "reject", query="?undo_seconds=8")
    judgement = Judgement.objects.get(stage="final")
    limit(world)
    assert post(world, "bob", f"judgements/{judgement.pk}/undo").status_code == 404
    assert case["status"] == "decided"


def test_a_review_of_another_task_type_cannot_be_assigned(world: World) -> None:
    world.submit()
    review = ReviewTask.objects.get()
    limit(world)
    path = f"/api/v1/reviews/{review.pk}/assignment"
    assert world.api("alice").put(path, {"to": "carol"}, content_type="application/json").status_code == 404
    assert get(world, "alice", f"reviews/{review.pk}/colleagues").status_code == 404
    assign_review(actor=world.actor("alice"), review_id=review.pk, to="carol")
    assert world.api("alice").delete(path).status_code == 404


def test_queues_of_another_task_type_are_missing(world: World) -> None:
    limit(world)
    for name in ("alice", "bob"):
        assert get(world, name, "queues").json()["results"] == []
        assert get(world, name, "queues/loans/guideline").status_code == 404


def test_tiers_are_reported_of_the_key_s_task_types(world: World) -> None:
    Tier.objects.filter(slug="expert").update(blind_sample_rate=1.0)
    world.submit(world.case_body(context={"complexity": 0.9}))
    judge(world, "dave", claim(world, "dave", queue="loans-expert"), "approve")
    draw_blind_samples()
    judge(world, "bob", claim(world, "bob"), "approve")

    def counted() -> list[int]:
        rows = get(world, "alice", "tiers/report").json()["tiers"]
        return [n for row in rows for n in (row["under"]["n"], (row["over"] or {"n": 0})["n"])]

    assert sum(counted()) == 2
    limit(world)
    assert sum(counted()) == 0
