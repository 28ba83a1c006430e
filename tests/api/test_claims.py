"""The life of a claim: taken, renewed, given back, handed on (mission C2, C3)."""

from datetime import datetime, timedelta

from guardian.shortcuts import assign_perm, remove_perm

from hitl.core.permissions import Scope
from reviews.models import Queue, ReviewTask
from tests.api.support import claim, get, lapse, post, problem, verb
from tests.factories import World, make_key

SEALED = {"id", "task_type", "external_id", "subject", "input", "key_evidence", "evidence", "created_at", "labels"}


def test_a_claim_carries_its_token_its_lease_and_the_case(world: World) -> None:
    case = world.submit(world.case_body(external_id="a", subject="s"))
    lease = claim(world, "bob")
    assert set(lease["review"]) == {"id", "queue", "tier", "due_at", "judge_first"}
    assert (lease["review"]["queue"], lease["review"]["tier"]) == ("loans", "tier-1")
    assert lease["review"]["id"] == case["review"]["id"]
    assert len(lease["token"]) >= 32
    assert lease["expires_at"] > case["created_at"]
    assert set(lease["case"]) == SEALED
    assert lease["case"]["labels"] == [
        {"value": "approve", "title": "Approve"},
        {"value": "reject", "title": "Reject"},
    ]
    assert get(world, "partner", f"cases/{case['id']}").json()["status"] == "in_review"


def test_nothing_to_claim_is_204_without_a_body(world: World) -> None:
    response = post(world, "bob", "reviews/claim")
    assert (response.status_code, response.content) == (204, b"")


def test_a_key_without_a_person_cannot_claim(world: World) -> None:
    problem(post(world, "partner", "reviews/claim"), 403, "reviewer_required")


def test_a_person_without_a_reviewer_profile_cannot_claim(world: World) -> None:
    world.keys["erin"] = make_key(world, user=world.users["erin"], scopes=list(Scope))
    assert post(world, "erin", "reviews/claim").status_code == 403


def test_no_more_than_three_claims_at_a_time(world: World) -> None:
    for _ in range(5):
        world.submit()
    for _ in range(3):
        lease = claim(world, "bob")
    problem(post(world, "bob", "reviews/claim"), 409, "claim_limit_reached")
    assert verb(world, "bob", lease, "release").status_code == 200
    claim(world, "bob")
    claim(world, "carol")  # one person's cap is not another's


def test_a_lapsed_lease_that_was_not_swept_yet_does_not_block_its_holder(world: World) -> None:
    world.submit()
    lapse(claim(world, "bob"))
    problem(verb(world, "bob", claim_again(world), "renew"), 409, "claim_lost")


def claim_again(world: World) -> dict[str, object]:
    return get(world, "bob", "claims?mine=true").json()["results"][0]


def test_renewing_keeps_the_token_and_lengthens_the_lease(world: World) -> None:
    world.submit()
    lease = claim(world, "bob")
    renewed = verb(world, "bob", lease, "renew").json()["claim"]
    assert renewed["token"] == lease["token"]
    assert renewed["expires_at"] > lease["expires_at"]
    first, then = (datetime.fromisoformat(c["expires_at"]) for c in (lease, renewed))
    assert then - first < timedelta(seconds=world.queue.lease_s)


def test_the_holder_finds_the_token_again(world: World) -> None:
    world.submit()
    lease = claim(world, "bob")
    assert get(world, "bob", f"claims/{lease['id']}").json()["claim"]["token"] == lease["token"]
    assert [c["token"] for c in get(world, "bob", "claims?mine=true").json()["results"]] == [lease["token"]]
    assert get(world, "carol", "claims?mine=true").json()["results"] == []
    problem(get(world, "carol", f"claims/{lease['id']}"), 404, "not_found")
    problem(get(world, "alice", f"claims/{lease['id']}"), 404, "not_found")


def test_what_is_released_may_come_back_to_the_same_person(world: World) -> None:
    world.submit()
    lease = claim(world, "bob")
    assert verb(world, "bob", lease, "release", reason="lunch").status_code == 200
    again = claim(world, "bob")
    assert again["review"]["id"] == lease["review"]["id"]
    assert again["token"] != lease["token"]


def test_what_is_skipped_goes_to_others_only(world: World) -> None:
    case = world.submit()
    lease = claim(world, "bob")
    assert verb(world, "bob", lease, "skip", reason="I know them").status_code == 200
    assert get(world, "partner", f"cases/{case['id']}").json()["status"] == "pending"
    assert post(world, "bob", "reviews/claim").status_code == 204
    assert claim(world, "carol")["case"]["id"] == case["id"]


def test_what_is_escalated_waits_for_the_next_tier_with_its_sla(world: World) -> None:
    case = world.submit()
    lease = claim(world, "bob")
    assert verb(world, "bob", lease, "escalate", reason="is this fraud?").status_code == 200
    assert post(world, "carol", "reviews/claim").status_code == 204
    higher = claim(world, "dave")
    assert (higher["review"]["queue"], higher["case"]["id"]) == ("loans-expert", case["id"])
    assert higher["review"]["due_at"] >= case["review"]["due_at"]


def test_at_the_top_there_is_nobody_to_escalate_to(world: World) -> None:
    world.submit(world.case_body(context={"complexity": 0.9}))
    lease = claim(world, "dave")
    assert lease["review"]["queue"] == "loans-expert"
    problem(verb(world, "dave", lease, "escalate"), 409, "no_higher_tier")
    assert verb(world, "dave", lease, "renew").status_code == 200  # still held


def test_one_claims_from_the_queue_one_names(world: World) -> None:
    world.submit()
    assert post(world, "dave", "reviews/claim", {"queue": "loans-expert"}).status_code == 204
    assert claim(world, "dave", queue="loans")["review"]["queue"] == "loans"
    problem(post(world, "bob", "reviews/claim", {"queue": "loans-expert"}), 404, "not_found")


def test_seeing_a_queue_is_not_claiming_from_it(world: World) -> None:
    world.submit()
    remove_perm("claim_queue", world.users["bob"], world.queue)
    assert post(world, "bob", "reviews/claim").status_code == 204
    problem(post(world, "bob", "reviews/claim", {"queue": "loans"}), 404, "not_found")


def test_own_queues_come_before_others_and_general_ones_last(world: World) -> None:
    general = Queue.objects.create(
        workspace=world.workspace, slug="a-general", title="General", tier=world.tiers["tier-1"]
    )
    helped = Queue.objects.create(
        workspace=world.workspace, slug="b-help", title="Help", tier=world.tiers["tier-1"], task_type=world.task_type
    )
    for queue in (general, helped):
        assign_perm("claim_queue", world.users["bob"], queue)
    made = [world.submit()["review"]["id"] for _ in range(3)]
    ReviewTask.objects.filter(pk=made[0]).update(queue=general, order_key=-1.0)
    ReviewTask.objects.filter(pk=made[1]).update(queue=helped, order_key=-0.9)
    ReviewTask.objects.filter(pk=made[2]).update(queue=world.queue, order_key=0.0)
    assert [claim(world, "bob")["review"]["id"] for _ in range(3)] == [made[2], made[1], made[0]]


def test_nearly_overdue_comes_first_then_priority_then_arrival(world: World) -> None:
    made = [world.submit()["review"]["id"] for _ in range(4)]
    world.users["bob"].reviewer_profiles.update(max_open_claims=9)
    rows = ReviewTask.objects
    rows.filter(pk=made[1]).update(order_key=-0.9)
    soon = rows.get(pk=made[3]).created_at
    rows.filter(pk=made[3]).update(urgent_at=soon, due_at=soon + timedelta(minutes=5))
    assert [claim(world, "bob")["review"]["id"] for _ in range(4)] == [made[3], made[1], made[0], made[2]]


def test_a_review_of_choice_only_where_the_queue_allows_it(world: World) -> None:
    world.submit()
    wanted = world.submit()["review"]["id"]
    problem(post(world, "bob", f"reviews/{wanted}/claim"), 403, "picking_not_allowed")
    world.queue.allow_pick = True
    world.queue.save()
    assert post(world, "bob", f"reviews/{wanted}/claim").json()["claim"]["review"]["id"] == wanted
    problem(post(world, "carol", f"reviews/{wanted}/claim"), 409, "already_claimed")


def test_whoever_is_not_available_gets_nothing(world: World) -> None:
    world.submit()
    world.users["bob"].reviewer_profiles.update(available=False)
    problem(post(world, "bob", "reviews/claim"), 409, "not_available")


def test_a_case_is_not_offered_to_who_submitted_it(world: World) -> None:
    assign_perm("claim_queue", world.users["alice"], world.queue)
    case = world.submit(name="alice")
    assert post(world, "alice", "reviews/claim").status_code == 204
    assert claim(world, "bob")["case"]["id"] == case["id"]


def test_a_case_is_not_offered_to_its_subject(world: World) -> None:
    case = world.submit(world.case_body(subject="person-bob"))
    world.users["bob"].reviewer_profiles.update(subject_ids=["someone", "person-bob"])
    assert post(world, "bob", "reviews/claim").status_code == 204
    world.queue.allow_pick = True
    world.queue.save()
    assert post(world, "bob", f"reviews/{case['review']['id']}/claim").status_code == 409
    assert claim(world, "carol")["case"]["id"] == case["id"]
