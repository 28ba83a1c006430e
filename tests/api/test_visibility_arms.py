"""The visibility experiment: which cases show the machine's answer at once, after the first judgement, or never."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from hitl.core.clock import now
from hitl.core.errors import Forbidden, NotFound, Refused
from reviews.access import desk_of
from reviews.actions.visibility import Shares, set_visibility_policy
from reviews.models import Claim, Judgement, Queue, VisibilityPolicy
from tests.api.support import claim, get, judge, open_queue, problem, use_policy, verb
from tests.api.test_sealing import ANSWERS, compare, everywhere, observe
from tests.factories import World, make_world

MIXED = Shares(0.4, 0.4, 0.2)


def set_arms(world: World, shares: Shares, **more: Any) -> VisibilityPolicy:
    """A policy that holds at once."""
    queue = Queue.objects.get(pk=world.queue.pk)
    row = set_visibility_policy(
        actor=world.actor("alice"), queue=queue, shares=shares, in_force_after=timedelta(0), **more
    )
    assert row is not None
    world.queue.refresh_from_db()
    return row


def sealed_form(lease: dict[str, Any]) -> bool:
    return "prediction" not in lease["case"] and lease["review"]["judge_first"]


@pytest.fixture
def experiment(world: World) -> World:
    open_queue(world)
    set_arms(world, MIXED, seed="first")
    return world


def judge_many(world: World, n: int) -> dict[str, bool]:
    """Case → whether its claim came sealed."""
    found = {}
    for number in range(n):
        world.submit(world.case_body(external_id=f"n-{number}"))
        lease = claim(world, "bob")
        found[lease["case"]["id"]] = sealed_form(lease)
        judge(world, "bob", lease, "approve")
    return found


def test_the_arm_decides_whether_the_answer_is_in_the_claim(experiment: World) -> None:
    sealed = judge_many(experiment, 40)
    finals = {str(j.case_id): j for j in Judgement.objects.filter(stage="final")}
    assert set(sealed.values()) == {True, False}
    for case_id, was_sealed in sealed.items():
        assert was_sealed == (finals[case_id].visibility != "before")
    assert {j.visibility for j in finals.values()} == {"before", "after", "never"}


def test_every_judgement_carries_its_arms_probability_and_version(experiment: World) -> None:
    judge_many(experiment, 30)
    shares = {"before": 0.4, "after": 0.4, "never": 0.2}
    for judgement in Judgement.objects.all():
        assert judgement.visibility_propensity == shares[judgement.visibility]
        assert judgement.visibility_version == 1


def test_the_arm_stays_over_reloads_and_over_reclaims(experiment: World) -> None:
    for number in range(8):
        experiment.submit(experiment.case_body(external_id=f"n-{number}"))
    for _ in range(8):
        lease = claim(experiment, "bob")
        again = get(experiment, "bob", f"claims/{lease['id']}").json()["claim"]
        assert sealed_form(again) == sealed_form(lease)
        listed = get(experiment, "bob", "claims").json()["results"]
        assert [c["review"]["judge_first"] for c in listed] == [sealed_form(lease)]
        page = experiment.browser("bob").get(f"/cases/{lease['case']['id']}").content.decode()
        assert ("first-judgement" in page) == sealed_form(lease)
        assert ("Machine suggests" in page) != sealed_form(lease)
        assert verb(experiment, "bob", lease, "release").status_code == 200
        other = claim(experiment, "carol")
        assert other["case"]["id"] == lease["case"]["id"]
        assert sealed_form(other) == sealed_form(lease)
        judge(experiment, "carol", other, "approve")


def test_a_new_policy_leaves_what_was_claimed_in_its_arm(experiment: World) -> None:
    set_arms(experiment, Shares(0.0, 1.0, 0.0))
    experiment.submit()
    lease = claim(experiment, "bob")
    assert sealed_form(lease)
    queue = Queue.objects.get(pk=experiment.queue.pk)
    row = set_visibility_policy(actor=experiment.actor("alice"), queue=queue, shares=Shares(1.0, 0.0, 0.0))
    assert row is not None and row.number == 3
    Claim.objects.filter(pk=lease["id"]).update(claimed_at=row.from_at - timedelta(seconds=1))
    assert sealed_form(get(experiment, "bob", f"claims/{lease['id']}").json()["claim"])
    judge(experiment, "bob", lease, "approve")
    assert {j.visibility_version for j in Judgement.objects.all()} == {2}


def test_the_seed_draws_anew_and_the_same_seed_the_same(experiment: World) -> None:
    judge_many(experiment, 1)
    same = set_visibility_policy(actor=experiment.actor("alice"), queue=experiment.queue, shares=MIXED)
    assert same is None  # nothing changes
    other = set_visibility_policy(actor=experiment.actor("alice"), queue=experiment.queue, shares=MIXED, seed="second")
    assert other is not None and (other.number, other.seed) == (2, "second")


def test_the_arm_never_is_as_sealed_as_a_judge_first_queue(world: World) -> None:
    open_queue(world)
    set_arms(world, Shares(0.0, 0.0, 1.0))
    use_policy(world, rollout=True, sampling={"exploration_rate": 1.0, "audit_rate": 1.0})
    names = list(ANSWERS)
    first = observe(world, ANSWERS[names[0]], arm=0.0)
    for name in names[1:]:
        compare(first, observe(world, ANSWERS[name], arm=0.0), name)


def test_until_the_first_judgement_the_arm_after_is_too(world: World) -> None:
    open_queue(world)
    set_arms(world, Shares(0.0, 1.0, 0.0))
    use_policy(world, rollout=True, sampling={"exploration_rate": 1.0, "audit_rate": 1.0})
    seen = {}
    for name, prediction in ANSWERS.items():
        body = {k: v for k, v in world.case_body(external_id="x").items() if k != "prediction"}
        with transaction.atomic():
            case = world.submit(body | ({"prediction": prediction} if prediction else {}))
            lease = claim(world, "bob")
            values = {"case_id": case["id"], "claim_id": lease["id"], "slug": "loans"}
            seen[name] = dict(everywhere(world, "bob", values))
            transaction.set_rollback(True)
    for name, pages in seen.items():
        compare(seen["none"], pages, name)


def test_before_is_refused_in_a_judge_first_queue(world: World) -> None:
    with pytest.raises(Refused) as refused:
        set_visibility_policy(actor=world.actor("alice"), queue=world.queue, shares=MIXED)
    assert refused.value.code == "before_in_judge_first"
    assert "judge-first" in refused.value.detail
    assert refused.value.errors[0].pointer == "/before"


def test_a_queue_turned_judge_first_is_sealed_whatever_its_policy_says(experiment: World) -> None:
    set_arms(experiment, Shares(1.0, 0.0, 0.0))
    Queue.objects.filter(pk=experiment.queue.pk).update(judge_first=True)
    experiment.submit()
    assert sealed_form(claim(experiment, "bob"))


@pytest.mark.parametrize(
    ("shares", "code"),
    [
        (Shares(0.5, 0.5, 0.5), "shares_do_not_add_up"),
        (Shares(-0.5, 1.5, 0.0), "out_of_range"),
        (Shares(float("nan"), 0.5, 0.5), "out_of_range"),
    ],
)
def test_shares_that_are_none_are_refused(world: World, shares: Shares, code: str) -> None:
    open_queue(world)
    with pytest.raises(Refused) as refused:
        set_visibility_policy(actor=world.actor("alice"), queue=world.queue, shares=shares)
    assert refused.value.code == code


def test_only_who_configures_sets_the_arms_of_their_own_queues(world: World) -> None:
    open_queue(world)
    with pytest.raises(Forbidden):
        set_visibility_policy(actor=world.actor("bob"), queue=world.queue, shares=MIXED)
    mallory = make_world("other").actor("alice")
    with pytest.raises(NotFound):
        set_visibility_policy(actor=mallory, queue=world.queue, shares=MIXED)


def test_setting_them_is_an_event_and_history_and_cannot_be_rewritten(experiment: World) -> None:
    event = Event.objects.get(action="queue.visibility_set")
    assert event.after["before"] == 0.4 and event.after["version"] == 1
    assert experiment.queue.history.count() >= 1
    with pytest.raises(IntegrityError), transaction.atomic():
        VisibilityPolicy.objects.update(before_share=0.9)


def test_whoever_approves_an_action_sees_it(experiment: World) -> None:
    set_arms(experiment, Shares(0.0, 0.5, 0.5))
    action = {"type": "disburse", "parameters": {"amount": 1}, "reversible": False}
    for number in range(5):
        experiment.submit(experiment.case_body(external_id=f"g-{number}", proposed_action=action))
        lease = claim(experiment, "bob")
        assert lease["case"]["proposed_action"]["type"] == "disburse"
        judge(experiment, "bob", lease, "approve", approval={"approved": True})
    assert set(Judgement.objects.values_list("visibility", "visibility_propensity")) == {("before", 1.0)}


def test_a_queue_that_ends_its_experiment_keeps_its_unjudged_cases_sealed_a_while(experiment: World) -> None:
    set_arms(experiment, Shares(1.0, 0.0, 0.0))
    (right,) = [q for q in desk_of(experiment.actor("bob")).queues if q.slug == "loans"]
    assert right.judge_first
    Queue.objects.update(sealed_until=now() - timedelta(seconds=1))
    (right,) = [q for q in desk_of(experiment.actor("bob")).queues if q.slug == "loans"]
    assert not right.judge_first


def test_a_sealed_arm_wants_the_first_judgement_first(experiment: World) -> None:
    set_arms(experiment, Shares(0.0, 0.0, 1.0))
    experiment.submit()
    lease = claim(experiment, "bob")
    problem(verb(experiment, "bob", lease, "judgement", label="approve"), 409, "first_judgement_required")
    said = verb(experiment, "bob", lease, "first-judgement", label="approve").json()
    assert (said["visibility"], said["visibility_propensity"], said["machine"]) == ("never", 1.0, None)


def test_the_experiment_costs_the_hot_path_no_statement(experiment: World) -> None:
    set_arms(experiment, Shares(0.0, 1.0, 0.0))
    experiment.submit()
    with CaptureQueriesContext(connection) as captured:
        lease = claim(experiment, "bob")
        judge(experiment, "bob", lease, "approve")
    assert len([q for q in captured.captured_queries if "SAVEPOINT" not in q["sql"]]) <= 8 + 5 + 7
