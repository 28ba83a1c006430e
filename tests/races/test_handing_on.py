"""Assignment, snooze and claims at the same moment: one of them wins, and nothing is lost or doubled."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse

from hitl.core.clock import now, rfc3339
from reviews.actions.expiry import expire_claims
from reviews.actions.handovers import wake_snoozed
from reviews.actions.sla import expire_slas
from reviews.models import Claim, Handover, ReviewTask
from tests.api.support import JSON, claim, lapse, overdue, post, verb
from tests.delivery.race import at_once
from tests.factories import World
from tests.races.crowd import codes

ROUNDS = 5


def assign(world: World, case: dict[str, Any], to: str) -> HttpResponse:
    path = f"/api/v1/reviews/{case['review']['id']}/assignment"
    return world.api("alice").put(path, {"to": to}, content_type=JSON)


def sane() -> None:
    """A review is claimed exactly while one open claim is on it, and assigned only to somebody."""
    for review in ReviewTask.objects.all():
        held = Claim.objects.filter(review=review, status="open").count()
        assert held == (review.status == "claimed"), (review.status, held)
        assert review.status != "assigned" or review.assigned_to_id


def test_of_two_supervisors_who_assign_at_once_one_is_told_of_the_other(race_world: World) -> None:
    for _ in range(ROUNDS):
        case = race_world.submit()
        answers = at_once(*[lambda to=to, case=case: assign(race_world, case, to) for to in ("bob", "carol", "dave")])
        assert codes(answers) == [(200, "")] + [(409, "already_assigned")] * 2
        kept = ReviewTask.objects.select_related("assigned_to").get(case_id=case["id"]).assigned_to
        won = next(a.json() for a in answers if a.status_code == 200)
        assert kept is not None
        assert won["assigned_to"] == kept.username
        assert Handover.objects.filter(review_id=case["review"]["id"]).count() == 1
    sane()


def test_an_assignment_and_a_claim_at_once_leave_one_owner(race_world: World) -> None:
    for _ in range(ROUNDS):
        case = race_world.submit()
        assigned, taken = at_once(
            lambda case=case: assign(race_world, case, "carol"), lambda: post(race_world, "bob", "reviews/claim")
        )
        assert assigned.status_code in (200, 409), assigned.content
        review = ReviewTask.objects.get(case_id=case["id"])
        if assigned.status_code == 200:
            assert (taken.status_code, review.status) == (204, "assigned")
            post(race_world, "carol", "reviews/claim")
        else:
            assert (taken.status_code, review.status) == (200, "claimed")
        sane()
        Claim.objects.filter(status="open").update(status="cancelled", token=None)
        ReviewTask.objects.filter(case_id=case["id"]).update(status="cancelled")


def test_the_assigned_review_goes_to_one_of_a_persons_many_hands(race_world: World) -> None:
    case = race_world.submit()
    assign(race_world, case, "carol")
    answers = at_once(*[lambda: post(race_world, "carol", "reviews/claim")] * 6)
    assert codes(answers) == [(200, "")] + [(204, "")] * 5
    sane()


def test_a_snooze_and_the_end_of_its_lease_at_once(race_world: World) -> None:
    until = rfc3339(now() + timedelta(hours=1))
    for _ in range(ROUNDS):
        case = race_world.submit()
        lease = claim(race_world, "bob")
        Claim.objects.filter(pk=lease["id"]).update(expires_at=now() + timedelta(milliseconds=30))
        snoozed, _swept = at_once(
            lambda lease=lease: verb(race_world, "bob", lease, "snooze", until=until, reason="x"), expire_claims
        )
        lapse(lease)
        expire_claims()
        status = ReviewTask.objects.get(case_id=case["id"]).status
        assert (snoozed.status_code, status) in ((200, "snoozed"), (409, "waiting"))
        sane()
        ReviewTask.objects.filter(case_id=case["id"]).update(status="cancelled")


def test_a_snooze_and_the_passing_of_the_sla_at_once_end_in_an_open_review(race_world: World) -> None:
    until = rfc3339(now() + timedelta(hours=1))
    for _ in range(ROUNDS):
        case = race_world.submit()
        lease = claim(race_world, "bob")
        soon = now() + timedelta(milliseconds=30)
        ReviewTask.objects.filter(case_id=case["id"]).update(due_at=soon, urgent_at=soon)
        snoozed, swept = at_once(
            lambda lease=lease: verb(race_world, "bob", lease, "snooze", until=until, reason="x"), expire_slas
        )
        assert not isinstance(swept, Exception), swept
        overdue(case)
        expire_slas()
        review = ReviewTask.objects.get(case_id=case["id"])
        assert (snoozed.status_code, review.status) in ((200, "waiting"), (409, "claimed"))
        assert review.sla_expired_at is not None
        sane()
        Claim.objects.filter(status="open").update(status="cancelled", token=None)
        ReviewTask.objects.filter(case_id=case["id"]).update(status="cancelled")


def test_two_sweeps_wake_each_review_once(race_world: World) -> None:
    for _ in range(6):
        race_world.submit()
        lease = claim(race_world, "bob")
        verb(race_world, "bob", lease, "snooze", until=rfc3339(now() + timedelta(hours=1)), reason="x")
    ReviewTask.objects.update(snoozed_until=now())
    assert sum(at_once(*[wake_snoozed] * 4)) == 6
    assert set(ReviewTask.objects.values_list("status", flat=True)) == {"waiting"}
