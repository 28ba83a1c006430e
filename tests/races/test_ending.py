"""Two ends of the same claim: exactly one of them happens, whole."""

from typing import Any

from audit.models import Event
from reviews.actions.expiry import expire_claims
from reviews.actions.sla import expire_slas
from reviews.models import Case, Claim, Decision, Judgement, ReviewTask
from tests.api.support import claim, lapse, open_queue, overdue, post, verb
from tests.delivery.race import at_once
from tests.factories import World
from tests.races.crowd import codes, submit_many

ROUNDS = 6


def consistent() -> None:
    """Status of case, review, claim and decision tell one story for every case."""
    for case in Case.objects.all():
        review = ReviewTask.objects.get(case=case)
        open_claims = Claim.objects.filter(review=review, status="open").count()
        decided = Decision.objects.filter(case=case, is_current=True).count()
        finals = Judgement.objects.filter(case=case, stage="final").count()
        story = (case.status, review.status, open_claims, decided, finals)
        assert story in {
            ("pending", "waiting", 0, 0, 0),
            ("in_review", "claimed", 1, 0, 0),
            ("decided", "done", 0, 1, 1),
            ("cancelled", "cancelled", 0, 0, 0),
        }, story


def held(world: World, name: str = "bob") -> dict[str, Any]:
    open_queue(world)
    submit_many(world, 1)
    return claim(world, name)


def test_two_final_words_on_one_claim(race_world: World) -> None:
    for _ in range(ROUNDS):
        lease = held(race_world)
        answers = at_once(
            lambda lease=lease: verb(race_world, "bob", lease, "judgement", label="reject"),
            lambda lease=lease: verb(race_world, "bob", lease, "judgement", label="approve"),
        )
        assert codes(answers) == [(200, ""), (409, "claim_lost")]
        consistent()


def test_a_final_word_against_release(race_world: World) -> None:
    for _ in range(ROUNDS):
        lease = held(race_world)
        answers = at_once(
            lambda lease=lease: verb(race_world, "bob", lease, "judgement", label="reject"),
            lambda lease=lease: verb(race_world, "bob", lease, "skip"),
        )
        assert codes(answers) == [(200, ""), (409, "claim_lost")]
        consistent()


def test_a_final_word_against_the_expiry_of_its_lease(race_world: World) -> None:
    lease = held(race_world)
    lapse(lease)
    answers = at_once(lambda: verb(race_world, "bob", lease, "judgement", label="reject"), expire_claims)
    assert (answers[0].status_code, answers[1]) == (409, 1)
    consistent()


def test_two_sweeps_expire_each_lease_once(race_world: World) -> None:
    submit_many(race_world, 6)
    for name in ("bob", "carol"):
        for _ in range(3):
            lapse(claim(race_world, name))
    assert sum(at_once(expire_claims, expire_claims)) == 6
    assert Event.objects.filter(action="review.expired").count() == 6
    consistent()


def test_two_sweeps_apply_each_fallback_once(race_world: World) -> None:
    race_world.task_type.fallback = "safest_label"
    race_world.task_type.save()
    cases = submit_many(race_world, 8)
    for case in cases:
        overdue({"id": case})
    assert sum(at_once(expire_slas, expire_slas)) == 8
    assert Event.objects.filter(action="review.overdue").count() == 8
    assert Decision.objects.filter(owner="fallback", is_current=True).count() == 8
    assert set(Case.objects.values_list("status", flat=True)) == {"decided"}


def test_a_final_word_against_the_fallback(race_world: World) -> None:
    race_world.task_type.fallback = "safest_label"
    race_world.task_type.save()
    for _ in range(ROUNDS):
        lease = held(race_world)
        overdue(lease["case"])
        answers = at_once(lambda lease=lease: verb(race_world, "bob", lease, "judgement", label="approve"), expire_slas)
        assert not isinstance(answers[1], Exception), answers[1]
        (decision,) = Decision.objects.filter(case_id=lease["case"]["id"])
        won = answers[0].status_code == 200
        assert (decision.label, decision.owner) == (("approve", "reviewer") if won else ("reject", "fallback"))
        assert won or answers[0].json()["submitted"]["label"] == "approve"
        assert Case.objects.get(pk=lease["case"]["id"]).status == "decided"


def test_cancelling_against_judging(race_world: World) -> None:
    for _ in range(ROUNDS):
        lease = held(race_world)
        case = lease["case"]["id"]
        answers = at_once(
            lambda lease=lease: verb(race_world, "bob", lease, "judgement", label="reject"),
            lambda case=case: post(race_world, "partner", f"cases/{case}/cancel"),
        )
        assert codes(answers) in ([(200, ""), (409, "claim_lost")], [(200, ""), (409, "already_decided")])
        consistent()


def test_cancelling_against_claiming(race_world: World) -> None:
    for _ in range(ROUNDS):
        (case,) = submit_many(race_world, 1)
        claimed, cancelled = at_once(
            lambda: post(race_world, "bob", "reviews/claim"),
            lambda case=case: post(race_world, "partner", f"cases/{case}/cancel"),
        )
        assert claimed.status_code in (200, 204)
        assert cancelled.status_code == 200
        consistent()


def test_a_stale_token_against_the_new_holder(race_world: World) -> None:
    old = held(race_world)
    lapse(old)
    expire_claims()
    new = claim(race_world, "carol")
    answers = at_once(
        lambda: verb(race_world, "bob", old, "judgement", label="approve"),
        lambda: verb(race_world, "carol", new, "judgement", label="reject"),
        lambda: verb(race_world, "bob", old | {"token": new["token"]}, "judgement", label="approve"),
    )
    assert [a.status_code for a in answers] == [409, 200, 409]
    assert Decision.objects.get(is_current=True).label == "reject"
    consistent()


def test_two_undos_of_one_judgement(race_world: World) -> None:
    lease = held(race_world)
    verb(race_world, "bob", lease, "judgement?undo_seconds=60", label="reject")
    judgement = Judgement.objects.get()
    answers = at_once(*[lambda: post(race_world, "bob", f"judgements/{judgement.pk}/undo")] * 3)
    assert codes(answers) == [(200, ""), (409, "too_late"), (409, "too_late")]
    assert Claim.objects.filter(status="open").count() == 1
    assert Case.objects.get().status == "in_review"
