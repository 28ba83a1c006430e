"""A second opinion on request, blind (mission D6): another person judges the case, and its holder hears it after their
own first judgement. It decides nothing.

Whoever waits gives up the lease, but the review stays taken until the opinion is there (or is not to be had): then it
waits again, before all others.
"""

import uuid
from datetime import datetime, timedelta

from django.db import connection, transaction

from audit.actions.events import Change, Subject, build_event
from hitl.core.actors import Actor
from hitl.core.clock import db_now
from hitl.core.errors import Conflict
from hitl.core.rows import insert_rows
from reviews.access import claim_for_actor
from reviews.actions.claims import claim_lost, close_claim
from reviews.actions.consequences import Rule, Told
from reviews.actions.decisions import lock_case
from reviews.actions.expiry import WAITS_AGAIN
from reviews.actions.heads import note_waiting
from reviews.actions.opening import new_review
from reviews.history import case_history
from reviews.models import Case, Claim, Judgement, ReviewTask
from reviews.payloads import CaseOut
from reviews.selectors import QueueChoice

ASKER, OPINION = "asker", "opinion"
_AT_LEAST = timedelta(minutes=1)


@transaction.atomic
def ask_second_opinion(*, actor: Actor, claim_id: uuid.UUID, token: str, wait: bool, reason: str = "") -> ReviewTask:
    """Open a blind review of the claim's case for somebody else; `wait`: park the claim until it has been given.

    Raises Conflict `claim_lost`, `already_asked`, `judged_by_several` where the scheme asks others anyway.
    """
    claim = claim_for_actor(actor, claim_id)
    review = claim.review
    case = lock_case(review.case_id)
    assert case is not None
    if not _is_held(claim, token):
        raise claim_lost()
    if review.panel_id is not None or review.kind == ReviewTask.Kind.OPINION:
        raise Conflict("Others are asked about this case already.", code="judged_by_several")
    if ReviewTask.objects.filter(case_id=case.pk, kind=ReviewTask.Kind.OPINION, follows_id=review.pk).exists():
        raise Conflict("A second opinion on this case has been asked for.", code="already_asked")
    at = db_now()
    opinion = _opinion(case, review, at)
    ReviewTask.objects.filter(pk=review.pk).update(seat=ASKER)
    change = Change(after={"kind": "opinion", "for": str(review.pk), "waits": wait}, reason=reason)
    subject = Subject("review", opinion.pk, case.pk)
    insert_rows(opinion, build_event(actor=actor, action="review.opinion_asked", subject=subject, change=change, at=at))
    note_waiting(review.queue_id, opinion)
    if wait:
        close_claim(claim, token, Claim.Status.RELEASED)
        Claim.objects.filter(pk=claim.pk).update(reason="waits for a second opinion")
        ReviewTask.objects.filter(pk=review.pk).update(assigned_to_id=actor.user_id)  # it comes back to whoever asked
    return opinion


def _is_held(claim: Claim, token: str) -> bool:
    """The lease was locked with the case; now it is compared with what was sent."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM reviews_claim WHERE id = %s AND token = %s AND expires_at > clock_timestamp()",
            [claim.pk, token],
        )
        return cursor.fetchone() is not None


def _opinion(case: Case, review: ReviewTask, at: datetime) -> ReviewTask:
    queue = review.queue
    choice = QueueChoice(queue.pk, queue.slug, queue.near_due_share, queue.tier.sla_s, queue.tier.slug, queue.tier.rank)
    opinion = new_review(case, choice, kind=ReviewTask.Kind.OPINION, at=at)
    opinion.seat, opinion.follows_id, opinion.order_key = OPINION, review.pk, review.order_key
    opinion.due_at = max(min(opinion.due_at, review.due_at), at + _AT_LEAST)
    opinion.urgent_at = at  # somebody waits for it
    return opinion


def give_opinion(told: Told) -> CaseOut:
    """Store the opinion; whoever waited for it may go on."""
    with transaction.atomic():
        lock_case(told.case.pk)
        told.write()
        unpark(told.actor, told.held.claim.review, told.judgement.created_at)
    return told.around.case_out(told.case)


def unpark(actor: Actor, opinion: ReviewTask, at: datetime) -> None:
    """The review that waited for this opinion waits for its person again; inside the caller's transaction."""
    asking = opinion.follows_id
    assert asking is not None
    held = Claim.objects.filter(review_id=asking, status=Claim.Status.OPEN)
    parked = ReviewTask.objects.filter(pk=asking, status=ReviewTask.Status.CLAIMED)
    if held.exists() or not parked.update(status=WAITS_AGAIN, urgent_at=at):
        return
    review = ReviewTask.objects.get(pk=asking)
    note_waiting(review.queue_id, review)
    subject = Subject("review", review.pk, review.case_id)
    change = Change({"status": "parked"}, {"status": review.status}, "the second opinion is there, or is not to be had")
    rows = [build_event(actor=actor, action="review.unparked", subject=subject, change=change, at=at)]
    if Case.objects.filter(pk=review.case_id, status=Case.Status.IN_REVIEW).update(status=Case.Status.PENDING):
        case = Case.objects.get(pk=review.case_id)
        insert_rows(case_history(case, actor=actor, at=at, reason="second opinion"))
    insert_rows(*rows)


def give_up_opinion(actor: Actor, opinion: ReviewTask, at: datetime, status: str = "cancelled") -> None:
    """Nobody gives it: whoever waited goes on without; inside the caller's transaction."""
    Claim.objects.filter(review_id=opinion.pk, status="open").update(status="cancelled", token=None, closed_at=at)
    ReviewTask.objects.filter(pk=opinion.pk, status__in=ReviewTask.OPEN).update(status=status, done_at=at)
    subject = Subject("review", opinion.pk, opinion.case_id)
    change = Change({"status": opinion.status}, {"status": status}, "no second opinion was given")
    insert_rows(build_event(actor=actor, action="review.cancelled", subject=subject, change=change, at=at))
    unpark(actor, opinion, at)


def without_opinion(rule: Rule) -> Rule:
    """The rule of a review whose holder asked: an opinion still to come is no longer asked for."""

    def follow(told: Told) -> CaseOut:
        other = told.held.other
        if other is None or other.kind != ReviewTask.Kind.OPINION:
            return rule.follow(told)
        with transaction.atomic():
            lock_case(told.case.pk)
            out = rule.follow(told)
            give_up_opinion(told.actor, other, told.judgement.created_at)
        return out

    return Rule(follow, rule.take_back)


def take_back_opinion(actor: Actor, judgement: Judgement, at: datetime) -> None:
    """Too late once whoever asked has judged, since they may have read it."""
    said = Judgement.objects.filter(review_id=judgement.review.follows_id, undone_at__isnull=True)
    if said.exists():
        raise Conflict("Your opinion has been read; it can no longer be undone.", code="too_late")


OPINION_RULE = Rule(give_opinion, take_back_opinion)


def opinion_for(review: ReviewTask) -> Judgement | None:
    """The second opinion this review's holder asked for, once given; no query where none was asked for."""
    if review.seat != ASKER:
        return None
    given = Judgement.objects.filter(
        case_id=review.case_id,
        review__kind=ReviewTask.Kind.OPINION,
        review__follows_id=review.pk,
        stage=Judgement.Stage.FINAL,
        undone_at__isnull=True,
    )
    return given.order_by("-pk").first()
