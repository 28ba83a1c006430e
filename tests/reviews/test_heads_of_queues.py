"""Where a queue begins is remembered after a slow claim; the order of work holds all the same in this process."""

from reviews.actions.claims import claim_next_review, release_claim
from reviews.actions.heads import forget_heads, known_heads, learn_heads
from tests.factories import World

SLOW_S = 1.0


def _submit(world: World, confidence: float) -> str:
    prediction = {"label": "approve", "confidence": confidence, "model_version": "credit-1"}
    return str(world.submit(world.case_body(prediction=prediction))["id"])


def _claim(world: World, name: str) -> tuple[str, object]:
    held = claim_next_review(actor=world.actor(name), queue="loans")
    assert held is not None
    return str(held.claim.review.case_id), held.claim


def test_a_review_given_back_is_offered_first_again(world: World) -> None:
    unsure, _ = _submit(world, 0.55), _submit(world, 0.8)
    first, claim = _claim(world, "bob")
    learn_heads([world.queue.pk], SLOW_S)
    release_claim(actor=world.actor("bob"), claim_id=claim.pk, token=claim.token)
    assert first == unsure
    assert _claim(world, "carol")[0] == unsure


def test_a_more_urgent_review_that_arrives_is_offered_first(world: World) -> None:
    _submit(world, 0.8)
    learn_heads([world.queue.pk], SLOW_S)
    unsure = _submit(world, 0.55)
    assert _claim(world, "bob")[0] == unsure


def test_a_review_another_process_gave_back_is_not_lost(world: World) -> None:
    unsure, sure = _submit(world, 0.55), _submit(world, 0.8)
    _, held = _claim(world, "bob")
    learn_heads([world.queue.pk], SLOW_S)
    behind = known_heads([world.queue.pk])
    release_claim(actor=world.actor("bob"), claim_id=held.pk, token=held.token)
    forget_heads([world.queue.pk])
    _remember(world, behind)
    assert [_claim(world, "carol")[0], _claim(world, "carol")[0]] == [sure, unsure]


def _remember(world: World, places: list) -> None:
    """As a process that did not see the review come back."""
    from reviews.actions import heads

    heads._heads[world.queue.pk] = heads._Head(places[0], float("inf"))


def test_a_fast_claim_remembers_nothing(world: World) -> None:
    _submit(world, 0.8)
    learn_heads([world.queue.pk], 0.001)
    assert forget_heads([world.queue.pk]) is False
