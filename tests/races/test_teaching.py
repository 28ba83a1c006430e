"""Sessions and training answered by two requests at once."""

from hitl.core.errors import Conflict
from reviews.actions.blind_samples import draw_blind_samples
from reviews.actions.gold import Answer, GoldContent, create_gold
from reviews.actions.sessions import close_session, conclude, judge_in_session, open_session
from reviews.actions.training import answer_training, start_training
from reviews.models import CalibrationSession, GuidelineRequest, QueueStanding, SessionJudgement
from routing.models import Tier
from tests.api.support import claim, judge
from tests.delivery.race import at_once
from tests.factories import World

ROUNDS = 5


def a_session(world: World) -> CalibrationSession:
    """Over one case that Dave and Bob judged differently; Bob takes part."""
    Tier.objects.filter(slug="expert").update(blind_sample_rate=1.0)
    world.submit(world.case_body(context={"complexity": 0.9}))
    judge(world, "dave", claim(world, "dave", queue="loans-expert"), "reject")
    draw_blind_samples()
    judge(world, "bob", claim(world, "bob"), "approve")
    people = [world.users["bob"].pk]
    return open_session(actor=world.actor("alice"), task_type=world.task_type, title="May", participants=people)


def test_two_conclusions_at_once_leave_one(race_world: World) -> None:
    alice = race_world.actor("alice")
    a_session(race_world)
    for _ in range(ROUNDS):
        people = [race_world.users["bob"].pk]
        session = open_session(actor=alice, task_type=race_world.task_type, title="x", participants=people)
        before = GuidelineRequest.objects.count()

        def end(words: str, session: CalibrationSession = session) -> object:
            said = {"outcome": "guideline", "label": "", "conclusion": words}
            return conclude(actor=alice, session=session, position=1, **said)

        answers = at_once(lambda end=end: end("this"), lambda end=end: end("that"))
        assert [isinstance(answer, Conflict) for answer in answers].count(True) == 1, answers
        assert GuidelineRequest.objects.count() == before + 1


def test_a_session_read_before_it_was_closed_takes_no_more(race_world: World) -> None:
    session, alice = a_session(race_world), race_world.actor("alice")
    close_session(actor=alice, session=CalibrationSession.objects.get(pk=session.pk))
    answers = at_once(
        lambda: judge_in_session(actor=race_world.actor("bob"), session=session, position=1, label="approve"),
        lambda: conclude(actor=alice, session=session, position=1, outcome="guideline", label="", conclusion="late"),
    )
    assert [answer.code for answer in answers] == ["session_closed"] * 2
    assert not SessionJudgement.objects.exists() and not GuidelineRequest.objects.exists()


def test_the_last_two_answers_at_once_end_the_attempt(race_world: World) -> None:
    world, alice, bob = race_world, race_world.actor("alice"), race_world.actor("bob")
    for n in range(2):
        known = Answer("reject", "because", purpose="training", slug=f"t{n}")
        create_gold(actor=alice, task_type=world.task_type, content=GoldContent({"income": n}), answer=known)
    world.queue.training_cases, world.queue.training_pass_share = 2, 1.0
    world.queue.save()
    for _ in range(ROUNDS):
        QueueStanding.objects.all().delete()
        attempt = start_training(actor=bob, queue=world.queue)
        numbers = list(attempt.answers.order_by("position").values_list("position", flat=True))
        answers = at_once(
            *(lambda n=n: answer_training(actor=bob, queue=world.queue, position=n, label="reject") for n in numbers)
        )
        assert not [answer for answer in answers if isinstance(answer, Exception)], answers
        attempt.refresh_from_db()
        assert attempt.passed is True
