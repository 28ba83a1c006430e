"""The active-learning queue (mission B12): what it asks about, how it stays bounded, and what its labels are not."""

from typing import Any

import pytest
from django.db import connection, connections
from guardian.shortcuts import assign_perm

from audit.models import Event
from feedback.actions.active_learning import Swept, sweep_active_learning
from feedback.actions.labels import rebuild_labels
from feedback.actions.learning_sweeps import sweep_learning
from feedback.models import LearningMap, TrainingLabel
from feedback.selectors import labelled_predictions
from reviews.models import Case, CaseEmbedding, LearningScore, Queue, ReviewTask
from routing.selectors import compiled_version
from tests.api.support import post
from tests.factories import World, policy_document
from tests.feedback.history import add_cases, judge, observe

ENSEMBLE = [{"model": m, "label": "reject"} for m in ("b", "c", "d")]


@pytest.fixture
def learning(world: World) -> Queue:
    """A queue for lessons of three, and a policy that automates everything it may and learns."""
    queue = Queue.objects.create(
        workspace=world.workspace, slug="lessons", title="Lessons", task_type=world.task_type,
        tier=world.tiers["tier-1"], active_learning=True, learning_capacity=3,
    )  # fmt: skip
    assign_perm("claim_queue", world.users["bob"], queue)
    put_in_force(world)
    return queue


def put_in_force(world: World, **section: Any) -> None:
    learning = {"weights": {"region": 0.0}, "uncertainty": "least_confidence", "few_above": 0.1} | section
    sampling = {"exploration_rate": 0.01, "audit_rate": 0.01}
    world.put_in_force(policy_document(active_learning=learning, thresholds={"default": 0.5}, sampling=sampling))


def automated(world: World, confidence: float = 0.6, *, doubted: bool = True, **more: Any) -> str:
    """A case the machine decided alone; doubted: three of four models contradict."""
    prediction = {"label": "approve", "confidence": confidence, "model_version": "credit-1"}
    prediction |= {"ensemble": ENSEMBLE if doubted else []} | more
    for _ in range(30):
        case = world.submit(world.case_body(prediction=prediction))
        if case["review"] is None:
            return str(case["id"])
    raise AssertionError("the policy automates no such case")


def sweep(world: World) -> Swept:
    version = world.policy.versions.get(status="active")
    swept = sweep_active_learning(task_type=world.task_type, policy=compiled_version(version.pk))
    assert swept is not None
    return swept


def lessons(queue: Queue) -> set[str]:
    rows = ReviewTask.objects.filter(queue=queue, kind="learning", status="waiting")
    return {str(pk) for pk in rows.values_list("case_id", flat=True)}


def test_an_automated_case_that_would_teach_gets_a_review_and_its_decision_stands(
    world: World, learning: Queue
) -> None:
    doubtful, sure = automated(world), automated(world, 0.99, doubted=False)

    assert sweep(world).chosen == 1

    assert lessons(learning) == {doubtful}
    case = Case.objects.get(pk=doubtful)
    assert (case.status, case.queue_id) == ("decided", learning.pk)
    event = Event.objects.get(action="review.opened", case_id=doubtful)
    assert event.after["selected_by"] == "active_learning"
    assert {str(pk) for pk in LearningScore.objects.filter(review=None).values_list("pk", flat=True)} == {sure}


def test_a_second_sweep_asks_about_nothing_twice(world: World, learning: Queue) -> None:
    automated(world)
    sweep(world)
    again = sweep(world)
    assert (again.scored, again.chosen) == (0, 0)
    assert ReviewTask.objects.filter(kind="learning").count() == 1


def test_the_queue_is_bounded_and_when_full_only_a_better_case_gets_in(world: World, learning: Queue) -> None:
    first = {automated(world, confidence) for confidence in (0.6, 0.61, 0.62)}
    sweep(world)
    assert lessons(learning) == first

    worse, better = automated(world, 0.9), automated(world, 0.51)
    sweep(world)

    assert len(lessons(learning)) == 3
    assert better in lessons(learning)
    assert worse not in lessons(learning)
    (gone,) = first - lessons(learning)
    assert LearningScore.objects.get(pk=gone).score == min(LearningScore.objects.get(pk=c).score for c in first)
    assert Case.objects.get(pk=gone).queue_id is None
    assert Event.objects.filter(action="review.cancelled", case_id=gone).exists()


def test_the_reviewer_who_disagrees_corrects_the_decision(world: World, learning: Queue) -> None:
    case_id = automated(world)
    sweep(world)
    claim = post(world, "bob", "reviews/claim", {"queue": "lessons"}).json()["claim"]
    assert claim["case"]["id"] == case_id
    assert "approve" not in str({k: v for k, v in claim["case"].items() if k != "labels"})
    body = {"token": claim["token"], "label": "reject"}
    post(world, "bob", f"claims/{claim['id']}/first-judgement", body)

    answer = post(world, "bob", f"claims/{claim['id']}/judgement", body)

    assert answer.status_code == 200
    assert Case.objects.get(pk=case_id).decisions.get(is_current=True).label == "reject"


def test_labels_of_chosen_cases_are_flagged_and_certification_ignores_them(world: World, learning: Queue) -> None:
    drawn = add_cases(world, [0.9], selection_probability=0.05)[0]
    judge(world, drawn, "bob", "approve", first="approve")
    chosen = Case.objects.get(pk=automated(world))
    sweep(world)
    judged_lesson(world, chosen)
    rebuild_labels()

    label = TrainingLabel.objects.get(pk=chosen.pk)
    assert (label.selected_by, label.selection_probability, label.factors["selection"]) == ("active_learning", 1.0, 1.0)
    assert TrainingLabel.objects.get(pk=drawn.pk).selected_by == "route"
    assert [p.case_id for p in labelled_predictions(world.task_type.pk)] == [drawn.pk]

    observe(world, [(chosen, "approve")])
    rebuild_labels()
    assert {p.case_id for p in labelled_predictions(world.task_type.pk)} == {drawn.pk, chosen.pk}


def judged_lesson(world: World, case: Case) -> None:
    judgement = judge(world, case, "bob", "reject", first="reject")
    ReviewTask.objects.filter(pk=judgement.review_id).update(kind="learning")


def test_a_case_that_is_only_to_be_labelled_moves_to_the_queue_instead_of_being_asked_about_twice(
    world: World, learning: Queue
) -> None:
    prediction = {"label": "approve", "confidence": 0.5, "model_version": "credit-1", "ensemble": ENSEMBLE}
    case = world.submit(world.case_body(prediction=prediction, mode="annotate"))
    bare = world.submit(world.case_body(prediction=None, mode="annotate"))

    sweep(world)

    assert case["id"] in lessons(learning)
    assert ReviewTask.objects.filter(case_id=case["id"]).count() == 1
    assert ReviewTask.objects.get(case_id=bare["id"]).status == "waiting"
    assert Event.objects.filter(action="review.moved", case_id=case["id"]).exists()


def test_what_resembles_judged_or_chosen_cases_teaches_less(world: World, learning: Queue) -> None:
    put_in_force(world, weights={"uncertainty": 0.0, "disagreement": 0.5, "diversity": 0.5, "region": 0.0})
    known = world.submit(world.case_body(prediction=embedded([1.0, 0.0, 0.0])))
    judge(world, Case.objects.get(pk=known["id"]), "bob", "approve")
    near = automated(world, embedding=[0.99, 0.01, 0.0])
    far, twin = automated(world, embedding=[0.0, 1.0, 0.0]), automated(world, embedding=[0.0, 1.0, 0.01])

    sweep(world)

    scores = {str(s.pk): s.score for s in LearningScore.objects.all()}
    assert scores[far] > scores[near] + 0.4
    order = list(ReviewTask.objects.filter(queue=learning).order_by("order_key").values_list("case_id", flat=True))
    first, *rest = [str(pk) for pk in order]
    assert first in (far, twin)
    values = {str(r.case_id): r.priority for r in ReviewTask.objects.filter(queue=learning)}
    assert values[first] > max(values[c] for c in rest) + 0.3


def embedded(vector: list[float]) -> dict[str, Any]:
    return {"label": "approve", "confidence": 0.3, "model_version": "credit-1", "embedding": vector}


def test_waiting_reviews_rise_with_their_diversity_once_and_fall_as_likes_are_judged(world: World) -> None:
    priority = {"weights": {"uncertainty": 0.5, "diversity": 0.4}}
    world.put_in_force(policy_document(priority=priority))
    case = world.submit(world.case_body(prediction=embedded([0.0, 1.0])))
    before = ReviewTask.objects.get(case_id=case["id"]).priority

    sweep(world)
    assert sweep(world).reordered == 0

    review = ReviewTask.objects.get(case_id=case["id"])
    assert review.priority == pytest.approx(before + 0.4)
    event = Event.objects.get(action="review.reordered", case_id=case["id"])
    assert (event.after["factor"], event.after["value"], event.after["weight"]) == ("diversity", 1.0, 0.4)
    score = LearningScore.objects.get(pk=case["id"])
    assert score.diversity == 1.0

    twin = world.submit(world.case_body(prediction=embedded([0.0, 2.0])))
    judge(world, Case.objects.get(pk=twin["id"]), "bob", "approve")
    LearningScore.objects.filter(pk=case["id"]).update(scored_at="2020-01-01T00:00:00Z")
    sweep(world)
    assert ReviewTask.objects.get(case_id=case["id"]).priority == pytest.approx(before)


def test_routing_never_sends_anything_to_a_learning_queue(world: World) -> None:
    Queue.objects.filter(pk=world.queue.pk).update(active_learning=True)
    assert world.submit()["routing"]["queue"] == "loans-expert"


def test_regions_are_mapped_and_their_judged_cases_counted(world: World, learning: Queue) -> None:
    cases = add_cases(world, [0.9] * 60)
    CaseEmbedding.objects.bulk_create(
        CaseEmbedding(
            case=case, workspace=world.workspace, task_type=world.task_type, dim=2,
            vector=(b"\x00\x00\x80\x3f" + b"\x00" * 4) if n % 2 else (b"\x00" * 4 + b"\x00\x00\x80\x3f"),
        )
        for n, case in enumerate(cases)
    )  # fmt: skip
    for case in cases[1:20:2]:
        judge(world, case, "bob", "approve")

    sweep(world)

    found = LearningMap.objects.get(task_type=world.task_type)
    assert sorted(found.judged) == [0, 10]
    fitted = found.fitted_at
    sweep(world)
    assert LearningMap.objects.get(task_type=world.task_type).fitted_at == fitted


def test_the_beat_sweeps_only_what_learns_and_one_process_at_a_time(world: World) -> None:
    automated(world, 0.99)
    assert sweep_learning() == 0
    put_in_force(world)
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            key = f"feedback.active_learning:{world.task_type.pk}"
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [key])
        version = world.policy.versions.get(status="active")
        assert sweep_active_learning(task_type=world.task_type, policy=compiled_version(version.pk)) is None
    finally:
        other.close()
    assert sweep_learning() == 0
    assert LearningScore.objects.count() == 1
    assert connection.in_atomic_block
