"""An appeal always finds a person, or supervisors hear of it; a rate that leaves its past is told once."""

from feedback.actions.labels import rebuild_labels
from feedback.actions.spikes import watch_spikes
from feedback.models import Signal, TrainingLabel
from reviews.actions.appeal_sweeps import watch_appeals
from reviews.models import Alert, Appeal, Case, Queue, Recourse, Reviewer, ReviewTask
from tests.api.support import claim, judge, post, submit_until
from tests.api.test_appeals import answer, appeal, decided_by_bob
from tests.factories import World


def test_one_that_nobody_may_judge_is_an_alert_until_somebody_may(world: World) -> None:
    filed = appeal(world, decided_by_bob(world))
    Reviewer.objects.filter(user=world.users["dave"]).update(available=False)
    assert watch_appeals() == 1
    assert watch_appeals() == 1
    alert = Alert.objects.get(kind="appeal_without_judge")
    assert (alert.times, alert.link) == (2, f"/appeals/{filed['id']}")
    Reviewer.objects.filter(user=world.users["dave"]).update(available=True)
    assert watch_appeals() == 0
    assert Alert.objects.get().state == "resolved"


def test_it_moves_up_only_where_somebody_higher_may_judge_it(world: World) -> None:
    Recourse.objects.create(task_type=world.task_type, workspace=world.workspace, queue=world.queue)
    appeal(world, decided_by_bob(world))
    Reviewer.objects.filter(user__in=[world.users["carol"], world.users["dave"]]).update(available=False)
    watch_appeals()
    assert ReviewTask.objects.get(kind="appeal").queue == world.queue
    Reviewer.objects.filter(user=world.users["dave"]).update(available=True)
    watch_appeals()
    assert ReviewTask.objects.get(kind="appeal").queue == world.queue  # Dave may help tier 1 where it waits
    assert Alert.objects.get().state == "resolved"


def test_without_any_queue_it_is_kept_and_queued_as_soon_as_there_is_one(world: World) -> None:
    case_id = decided_by_bob(world)
    queues = list(Queue.objects.all())
    Queue.objects.update(active_learning=True)  # routing sends these nothing
    filed = appeal(world, case_id)
    assert Appeal.objects.get(pk=filed["id"]).review is None
    assert watch_appeals() == 1
    Queue.objects.filter(pk__in=[q.pk for q in queues]).update(active_learning=False)
    assert watch_appeals() == 0
    assert Appeal.objects.get().review is not None


def test_what_it_found_is_a_signal_and_replaces_the_reviewers_label(world: World) -> None:
    case_id = decided_by_bob(world)
    rebuild_labels()
    assert (TrainingLabel.objects.get().label, TrainingLabel.objects.get().source) == ("reject", "reviewers")
    appeal(world, case_id)
    answer(world, "approve")
    rebuild_labels()
    signal = Signal.objects.get(source="appeal")
    assert (signal.label, signal.details["outcome"], signal.user) == ("approve", "overturned", world.users["dave"])
    label = TrainingLabel.objects.get()
    assert (label.label, label.source, label.factors["source"]) == ("approve", "ruling", 1.5)
    assert label.unaided_label == "reject"  # a contested case is no sample of what the machine does
    rebuild_labels(everything=True)
    assert Signal.objects.filter(source="appeal").count() == 1


def test_an_automated_case_known_through_its_appeal_alone_is_no_sample(world: World) -> None:
    case = submit_until(world, "automate", world.sure_case_body())
    ReviewTask.objects.all().delete()
    appeal(world, case["id"])
    lease = claim(world, "bob")
    judge(world, "bob", lease, "reject")
    rebuild_labels()
    label = TrainingLabel.objects.get()
    assert (label.label, label.unaided_label, label.selection_probability) == ("reject", None, 1.0)


def test_many_appeals_at_once_raise_one_alert(world: World) -> None:
    for _ in range(6):
        appeal(world, decided_by_bob(world))
    past = Case.objects.order_by("id").first()
    assert past is not None
    assert watch_spikes() == 0  # without a past there is nothing to compare with
    from reviews.models import Case as Cases
    from tests.reviews.old_cases import age

    age(world, 400)
    assert Cases.objects.count() > 400
    assert watch_spikes() == 1
    assert watch_spikes() == 1
    alert = Alert.objects.get(kind="appeals_spike")
    assert alert.times == 2
    assert "6 appeals in the last 24 hours" in alert.said
    Appeal.objects.all().update(created_at=past.created_at.replace(year=2020))
    watch_spikes()
    assert Alert.objects.get().state == "resolved"


def test_reports_open_a_review_at_their_count_and_hasten_one_that_is_open(world: World) -> None:
    case_id = decided_by_bob(world)
    body = {"category": "spam", "text": "again", "submitted_by": "reader-1"}
    for count in range(1, 7):
        assert post(world, "partner", f"cases/{case_id}/reports", body).status_code == 201
        reviews = ReviewTask.objects.filter(kind="report")
        assert reviews.count() == (1 if count >= 3 else 0)
    (review,) = ReviewTask.objects.filter(kind="report")
    assert review.queue == world.expert_queue
    assert len(world.api().get(f"/api/v1/cases/{case_id}/reports").json()["results"]) == 6
    lease = claim(world, "dave", queue="loans-expert")
    assert judge(world, "dave", lease, "approve")["decision"]["label"] == "approve"
