"""Training before a queue, feedback after gold, and the pause of who is surely below the floor."""

from typing import Any

import pytest

from audit.models import Event, OutboxMessage
from feedback.actions.gold_watch import watch_gold
from feedback.gold_quality import people_in_queues, results_of, surely_below
from hitl.core.errors import Conflict, Refused
from reviews.actions.gold import Answer, GoldContent, create_gold
from reviews.actions.gold_copies import seed_gold
from reviews.actions.standing import resume_reviewer, waive_training
from reviews.actions.training import answer_training, start_training
from reviews.config.apply import apply_configuration
from reviews.config.structs import Configuration
from reviews.models import Alert, GoldCase, GoldCopy, Queue, QueueStanding
from tests.api.support import claim, get, judge, post, problem
from tests.factories import World


def gold(world: World, number: int, purpose: str = "gold") -> GoldCase:
    content = GoldContent({"income": number, "purpose": "boat"}, world.case_body()["prediction"])
    answer = Answer("reject", f"Because of {number}.", True, purpose)
    return create_gold(actor=world.actor("alice"), task_type=world.task_type, content=content, answer=answer)


def judge_all(world: World, name: str, label: str) -> None:
    """Everything that waits for this person."""
    while (response := post(world, name, "reviews/claim", {})).status_code == 200:
        judge(world, name, response.json()["claim"], label)


@pytest.fixture
def tested(world: World) -> World:
    """Six gold copies beside six real cases; the floor is 80 %."""
    Queue.objects.filter(pk=world.queue.pk).update(gold_rate=1.0, gold_min_accuracy=0.8)
    for number in range(6):
        gold(world, number)
        world.submit(world.case_body(external_id=f"app-10{number}"))
    assert seed_gold() == 6
    return world


def test_who_is_surely_below_the_floor_is_paused_told_and_resumed(tested: World) -> None:
    judge_all(tested, "bob", "approve")
    tested.submit()
    held = claim(tested, "bob")
    assert watch_gold() == 1 and watch_gold() == 0
    refused = problem(post(tested, "bob", "reviews/claim", {}), 409, "reviewer_paused")
    assert refused["queue"] == "loans" and "/quality/mine" in refused["detail"]
    judge(tested, "bob", held, "reject")
    page = tested.browser("bob").get("/quality/mine").content.decode()
    assert "You are paused in loans" in page and "Right in 0 of the last 6" in page
    alert = Alert.objects.get(kind="reviewer_paused")
    assert "bob" in alert.headline and alert.link == "/quality"
    assert OutboxMessage.objects.filter(type="alert.raised").count() == 1
    assert Event.objects.filter(action="reviewer.paused").count() == 1
    keys: dict[str, Any] = {"queue_id": tested.queue.pk, "user_id": tested.users["bob"].pk}
    with pytest.raises(Refused):
        resume_reviewer(actor=tested.actor("alice"), **keys, reason=" ")
    assert "0 of 6" in tested.browser("alice").get("/quality").content.decode()
    path = f"/quality/standing/{tested.queue.pk}/{tested.users['bob'].pk}/resume"
    assert tested.browser("alice").post(path, {"reason": "talked it through"}).status_code == 302
    assert watch_gold() == 0, "what was before the resumption no longer counts"
    assert post(tested, "bob", "reviews/claim", {}).status_code in (200, 204)
    alert.refresh_from_db()
    assert alert.resolved_at is not None
    with pytest.raises(Conflict):
        resume_reviewer(actor=tested.actor("alice"), **keys, reason="again")


def test_who_is_right_is_not_paused_and_reads_why_afterwards(tested: World) -> None:
    judge_all(tested, "bob", "reject")
    assert watch_gold() == 0
    own = results_of(tested.actor("bob"))
    assert len(own) == 6 and all(r.right for r in own) and not results_of(tested.actor("carol"))
    bob = tested.browser("bob")
    assert "Because of 3." in bob.get("/quality/mine").content.decode()
    bob.post("/quality/mine")
    assert not GoldCopy.objects.filter(feedback_seen_at=None).exists()
    rows = people_in_queues(tested.actor("alice"))
    assert [(r.user.username, r.accuracy.k, r.where_machine_wrong.n) for r in rows] == [("bob", 6, 6)]


@pytest.mark.parametrize(
    "right, n, below", [(0, 4, False), (2, 5, False), (1, 5, True), (12, 20, True), (13, 20, False), (20, 20, False)]
)
def test_the_bound_decides_not_the_share(right: int, n: int, below: bool) -> None:
    assert surely_below(right, n, 0.8) is below


@pytest.fixture
def school(world: World) -> World:
    """Three training cases, two of three to get right, two attempts."""
    Queue.objects.filter(pk=world.queue.pk).update(training_cases=3, training_pass_share=0.6, training_attempts=2)
    world.queue.refresh_from_db()
    for number in range(4):
        gold(world, number, "training")
    world.submit()
    return world


def test_the_queue_opens_once_the_training_set_is_passed(school: World) -> None:
    problem(post(school, "bob", "reviews/claim", {}), 409, "training_required")
    bob = school.browser("bob")
    assert "To the training set" in bob.get("/work").content.decode()
    bob.post("/queues/loans/training")
    for place, label in enumerate(("approve", "reject", "reject")):
        assert "What is it?" in bob.get("/queues/loans/training").content.decode()
        bob.post("/queues/loans/training", {"position": place, "label": label})
        assert "Because of" in bob.get("/queues/loans/training").content.decode()
    assert QueueStanding.objects.get().training == "passed"
    assert post(school, "bob", "reviews/claim", {}).status_code == 200
    assert Event.objects.get(action="training.passed").after["right"] == 2


def test_after_the_last_attempt_a_supervisor_decides(school: World) -> None:
    bob = school.actor("bob")
    for _ in range(2):
        start_training(actor=bob, queue=school.queue)
        for place in range(3):
            answer_training(actor=bob, queue=school.queue, position=place, label="approve")
    assert QueueStanding.objects.get().training == "failed"
    with pytest.raises(Conflict) as refused:
        start_training(actor=bob, queue=school.queue)
    assert refused.value.code == "no_attempt_left"
    waive_training(
        actor=school.actor("alice"), queue_id=school.queue.pk, user_id=school.users["bob"].pk, reason="knows the work"
    )
    assert claim(school, "bob")
    assert Event.objects.get(action="training.waived").reason == "knows the work"


def test_a_configuration_file_brings_guidelines_and_gold_once(world: World) -> None:
    import msgspec

    value = {
        "queues": [{"slug": "loans", "gold_rate": 0.03, "training_cases": 1}],
        "guidelines": [
            {"task_type": "loan", "title": "Loans", "text": "One.", "queues": ["loans"]},
            {"task_type": "loan", "title": "Loans", "text": "Two.", "queues": ["loans"]},
        ],
        "gold": [
            {"slug": "g1", "task_type": "loan", "label": "reject", "explanation": "no", "input": {"income": 1}},
        ],
    }
    config = msgspec.convert(value, Configuration)
    assert len(apply_configuration(actor=world.actor("alice"), config=config)) >= 5
    assert apply_configuration(actor=world.actor("alice"), config=config) == []
    assert get(world, "bob", "queues/loans/guideline").json()["number"] == 2
