"""Exclusive leases: claim, renew, release, skip, escalate, expire. Fencing by token (invariant 3)."""

import secrets
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import product
from typing import Any

from django.db import connection, transaction

from audit.actions.events import Change, Subject, build_event, build_message
from hitl.core.actors import Actor
from hitl.core.clock import rfc3339
from hitl.core.enqueue import ring
from hitl.core.errors import Conflict, Forbidden, NotFound
from hitl.core.rows import Statement, insert_from, insert_rows, inserts, new_row, run_as_one, run_pipelined
from reviews.access import Desk, Held, QueueRight, claim_for_actor, held_of, held_statement, reviewer_desk
from reviews.actions.ahead import of_taken
from reviews.actions.handover_notes import knows_answer, note_handover
from reviews.actions.heads import forget_heads, known_heads, learn_heads, note_waiting
from reviews.actions.higher import higher_queue
from reviews.actions.lending import return_case
from reviews.actions.standing import check_blocked, unblocked
from reviews.actions.taking import ALLOWED, ALLOWED_OF_TYPE, LEASED, TAKE, TAKE_ASSIGNED, TAKE_BACK, TAKE_ONE
from reviews.actions.wellness import note_exposure
from reviews.content_tags import spared_sql
from reviews.history import case_history, history_of_moved, move_statement
from reviews.models import Case, Claim, Exclusion, Handover, ReviewTask
from reviews.panel_selectors import held_elsewhere

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))"  # two requests of one person count each other
_GROWING = (4, 32, 256)  # candidates per queue; more only when others hold all of the first few


def claim_next_review(
    *, actor: Actor, queue: str | None = None, task_type_id: uuid.UUID | None = None, ahead: bool = False
) -> Held | None:
    """Claim the next review: own queues, then others one is qualified for, then general ones; null when none waits.

    `ahead`: on a short lease, until it is shown (`reviews.actions.prefetch`).
    Raises Forbidden `reviewer_required`, Conflict `claim_limit_reached` and `not_available`, NotFound for a queue the
    actor may not claim from; where nothing else waits, Conflict for a queue that gives this person nothing now
    (`check_blocked`).
    """
    desk = reviewer_desk(actor)
    check_on_duty(desk)
    rights = _chosen(desk, queue)
    cap = _cap(desk, rights)
    free = unblocked(rights)
    if desk.assigned:
        me = [desk.user_id, list(desk.subject_ids), task_type_id, cap, [q.id for q in free]]
        held, _ = _lease(actor, (TAKE_ASSIGNED, me), ahead=ahead)
        if held is not None:
            return note_exposure(desk.user_id, held)
    for spare, group in product(spared_sql(desk.user_id, actor.workspace_id), [*_groups(free)]):
        held = _take(actor, desk, group, cap, task_type_id, ahead, spare)
        if held is not None:
            return note_exposure(desk.user_id, held)
    check_blocked(rights)
    return None


def check_on_duty(desk: Desk) -> None:
    """Refuse whoever is not available or not on shift (Conflict `not_available`)."""
    if not desk.available:
        raise Conflict("You are marked as not available; change that under “Your hours”.", code="not_available")
    if not desk.on_duty:
        raise Conflict("You are off shift now; say under “Your hours” that you work anyway.", code="not_available")


def claim_review(*, actor: Actor, review_id: uuid.UUID, again: bool = False) -> Held:
    """Claim one review by choice, where its queue allows picking, or `again` after losing the lease of it.

    Raises Conflict `already_claimed`, Forbidden `picking_not_allowed`, NotFound.
    """
    desk = reviewer_desk(actor)
    review = ReviewTask.objects.select_related("queue").filter(pk=review_id, workspace_id=actor.workspace_id).first()
    right = next((q for q in desk.claimable() if review and q.id == review.queue_id), None)
    if review is None or right is None:
        raise NotFound()
    held_before = again and Claim.objects.filter(review_id=review_id, user_id=actor.person_id).exists()
    if not (review.queue.allow_pick or held_before):
        raise Forbidden("In this queue the server picks; claim the next one.", code="picking_not_allowed")
    check_blocked((right,))
    cap = _cap(desk, (right,))
    held, _ = _lease(actor, (TAKE_ONE, [desk.user_id, list(desk.subject_ids), cap, review_id, desk.user_id]))
    if held is None:
        _check_cap(desk, cap)
        raise Conflict("Somebody holds it, or it is not yours to judge.", code="already_claimed")
    return held


def _chosen(desk: Desk, queue: str | None) -> tuple[QueueRight, ...]:
    rights = desk.claimable()
    if queue is None:
        return rights
    chosen = tuple(q for q in rights if q.slug == queue)
    if not chosen:
        raise NotFound()
    return chosen


def _groups(rights: Sequence[QueueRight]) -> Iterator[list[QueueRight]]:
    """Own → qualified → general (mission C3)."""
    own = [q for q in rights if q.own]
    qualified = [q for q in rights if not q.own and q.task_type_id is not None]
    general = [q for q in rights if not q.own and q.task_type_id is None]
    yield from (group for group in (own, qualified, general) if group)


def _cap(desk: Desk, rights: Sequence[QueueRight]) -> int:
    return desk.max_open_claims or max((q.max_open_claims for q in rights), default=0)


def _check_cap(desk: Desk, cap: int) -> None:
    """Why nothing was taken: at most so many open claims."""
    open_claims = Claim.objects.filter(user_id=desk.user_id, status=Claim.Status.OPEN).count()
    if open_claims >= cap:
        raise Conflict(
            f"You hold {open_claims} claims; at most {cap} at a time. Finish or release one.",
            code="claim_limit_reached",
        )


def _take(
    actor: Actor, desk: Desk, group: list[QueueRight], cap: int, of_type: uuid.UUID | None, ahead: bool, spare: str
) -> Held | None:
    queues = [q.id for q in group]
    for some in _GROWING:
        held, took_s = _lease(actor, take_statement(desk, queues, cap, of_type, some, spare), ahead=ahead)
        if held is not None:
            learn_heads(queues, took_s)
            return held
        _check_cap(desk, cap)
        if not _any_waiting(group):
            return None
    return _take(actor, desk, group, cap, of_type, ahead, spare) if forget_heads(queues) else None


def take_statement(
    desk: Desk,
    queues: Sequence[uuid.UUID],
    cap: int,
    task_type_id: uuid.UUID | None = None,
    some: int = _GROWING[0],
    spare: str = "",
) -> Statement:
    """Takes a review; to be continued (`_lease`)."""
    heads = known_heads(queues)
    me = [desk.user_id, list(desk.subject_ids), task_type_id, cap]
    return _take_sql(task_type_id is not None, some, spare), [
        *me,
        list(queues),
        [k for k, _ in heads],
        [i for _, i in heads],
    ]


@lru_cache(maxsize=32)
def _take_sql(of_type: bool, some: int, spare: str) -> str:
    """`spare`: passes over what a person has had enough of (`content_tags.spared_sql`)."""
    return TAKE.format(allowed=(ALLOWED_OF_TYPE if of_type else ALLOWED) + spare, some=some, leased=LEASED)


def _any_waiting(group: Sequence[QueueRight]) -> bool:
    return ReviewTask.objects.filter(queue_id__in=[q.id for q in group], status="waiting").exists()


def _lease(actor: Actor, take: Statement, *, ahead: bool = False) -> tuple[Held | None, float]:
    """Take a review, open a claim on it with its event, move its case and read it all: one round trip.

    Answers null where nothing was taken, and how long the taking took.
    """
    assert actor.user_id is not None
    token = secrets.token_urlsafe(32)
    whose = {"workspace_id": actor.workspace_id, "user_id": actor.user_id}
    claim = new_row(Claim, **whose, token=token, prefetched=ahead, **_LATER)
    change = Change(after={"claim": str(claim.pk)})
    event = build_event(actor=actor, action="review.claimed", subject=Subject("review", ""), change=change)
    opened, claim_values = insert_from(claim, "taken", **of_taken(_CLAIM_OF_TAKEN, ahead))
    noted, event_values = insert_from(event, "taken", **of_taken(_EVENT_OF_TAKEN, ahead))
    text, values = take
    values = [*values, *claim_values, *event_values, actor.user_id, "pending → in_review"]
    _, taken, rows = run_as_one(
        (_ONE_AT_A_TIME, [str(actor.user_id)]),
        (_lease_sql(text, opened, noted), values),
        held_statement(actor, claim.pk),
    )
    return (held_of(rows), taken[0][0]) if taken else (None, 0.0)


_CLAIM_OF_TAKEN = {
    "review_id": "taken.id",
    "epoch": "taken.epoch",
    "claimed_at": "taken.at",
    "expires_at": "taken.until",
}
_LATER = dict.fromkeys(_CLAIM_OF_TAKEN)
_EVENT_OF_TAKEN = {
    "at": "taken.at",
    "object_id": "taken.id::text",
    "case_id": "taken.case_id",
    "after": """%s::jsonb || jsonb_build_object('epoch', taken.epoch, 'expires_at',
      to_char(taken.until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))""",
}


@lru_cache(maxsize=16)
def _lease_sql(take: str, opened: str, noted: str) -> str:
    return f"""{take}, opened AS ({opened}), noted AS ({noted}), moved AS (
  UPDATE reviews_case k SET status = 'in_review' FROM taken WHERE k.id = taken.case_id AND k.status = 'pending'
  RETURNING k.*
), history AS ({history_of_moved("(SELECT at FROM taken)")})
SELECT took_s FROM taken"""


def reopen_for(*, actor: Actor, review: ReviewTask) -> Claim:
    """A new lease on a review that was just undone, for the same person. Raises Conflict `too_late`."""
    held, _ = _lease(actor, (TAKE_BACK, [review.pk]))
    if held is None:
        raise Conflict("The review has moved on.", code="too_late")
    return held.claim


def move_case(case_id: uuid.UUID, before: str, after: str, *, actor: Actor, at: datetime) -> bool:
    """Compare-and-swap of a case's status, with its history row. False when it stood elsewhere."""
    assert after in Case.TRANSITIONS[before]
    (moved,) = run_pipelined(move_statement(case_id, before, after, actor=actor, at=at))
    return bool(moved)


def claim_event(
    actor: Actor, claim: Claim, action: str, case_id: uuid.UUID, after: dict[str, Any], reason: str = ""
) -> Any:
    change = Change(after={"claim": str(claim.pk), "epoch": claim.epoch, **after}, reason=reason)
    return build_event(actor=actor, action=action, subject=Subject("review", claim.review_id, case_id), change=change)


# --- while holding ----------------------------------------------------------------------------------------------------


def claim_lost(submitted: object = None) -> Conflict:
    """The lease is over; what was sent is echoed so that the draft is kept."""
    return Conflict(
        "This claim is lost: its lease ended or it was given up. What you sent is echoed; claim again to go on.",
        code="claim_lost",
        extra={} if submitted is None else {"submitted": submitted},
    )


def close_statement(claim: Claim, token: str, status: str) -> Statement:
    """Ends the lease where it is open; one row, the database's time.

    The row is found by id and token alone: naming the status here makes PostgreSQL choose the wrong index. A closed
    claim has no token, so the token is the status.
    """
    return _CLOSE, [status, claim.pk, token, claim.user_id]


_CLOSE = """
UPDATE reviews_claim SET status = %s, token = NULL, closed_at = clock_timestamp()
WHERE id = %s AND token = %s AND user_id = %s AND expires_at > clock_timestamp() RETURNING closed_at
"""


def close_claim(claim: Claim, token: str, status: str) -> datetime:
    """End the lease, or raise Conflict `claim_lost`. Returns the database's time."""
    (closed,) = run_pipelined(close_statement(claim, token, status))
    if not closed:
        raise claim_lost()
    claim.status, claim.token = status, None
    closed_at: datetime = closed[0][0]
    return closed_at


@transaction.atomic
def renew_claim(*, actor: Actor, claim_id: uuid.UUID, token: str) -> Claim:
    """Extend the lease from now; the token stays. Raises Conflict `claim_lost`."""
    claim = claim_for_actor(actor, claim_id)
    lease_s = claim.review.queue.lease_s
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE reviews_claim SET expires_at = clock_timestamp() + make_interval(secs => %s) "
            "WHERE id = %s AND token = %s AND user_id = %s AND expires_at > clock_timestamp() RETURNING expires_at",
            [lease_s, claim.pk, token, claim.user_id],
        )
        row = cursor.fetchone()
    if row is None:
        raise claim_lost()
    claim.expires_at = row[0]
    insert_rows(
        claim_event(actor, claim, "review.renewed", claim.review.case_id, {"expires_at": rfc3339(claim.expires_at)})
    )
    return claim


@transaction.atomic
def release_claim(*, actor: Actor, claim_id: uuid.UUID, token: str, reason: str = "") -> Claim:
    """Give the review back; it may be offered to the same person again."""
    return _give_back(actor, claim_id, token, Claim.Status.RELEASED, "review.released", reason)


@transaction.atomic
def skip_claim(*, actor: Actor, claim_id: uuid.UUID, token: str, reason: str = "") -> Claim:
    """Give the review back and never be offered this case again; others may take it."""
    return _give_back(actor, claim_id, token, Claim.Status.SKIPPED, "review.skipped", reason, exclude=True)


def _give_back(
    actor: Actor, claim_id: uuid.UUID, token: str, status: str, action: str, reason: str, *, exclude: bool = False
) -> Claim:
    claim = claim_for_actor(actor, claim_id)
    at = close_claim(claim, token, status)
    review = claim.review
    ReviewTask.objects.filter(pk=review.pk).update(status=ReviewTask.Status.WAITING, assigned_to=None)
    note_waiting(review.queue_id, review)
    if not (review.seat and held_elsewhere(review)):
        move_case(review.case_id, "in_review", "pending", actor=actor, at=at)
    if exclude:
        run_pipelined(exclusion_statement(claim, Exclusion.Reason.SKIPPED, at, note=reason))
    insert_rows(claim_event(actor, claim, action, review.case_id, {"status": "waiting"}, reason))
    return claim


def exclusion_statement(claim: Claim, reason: str, at: datetime, *, note: str = "") -> Statement:
    """This person is not offered the case again; nothing to do where they already are not."""
    row = new_row(
        Exclusion,
        workspace_id=claim.workspace_id,
        case_id=claim.review.case_id,
        user_id=claim.user_id,
        reason=reason,
        note=note,
        created_at=at,
    )
    ((text, values),) = inserts(row)
    return f"{text} ON CONFLICT DO NOTHING", values


@transaction.atomic
def escalate_claim(*, actor: Actor, claim_id: uuid.UUID, token: str, reason: str = "") -> Claim:
    """Hand the review to the next higher tier, with a reason or question. Raises Conflict `no_higher_tier`."""
    claim = claim_for_actor(actor, claim_id)
    if claim.review.kind == ReviewTask.Kind.OPINION:
        raise Conflict("A second opinion goes no higher: give it, or put it back.", code="no_higher_tier")
    from_queue = claim.review.queue_id
    at = close_claim(claim, token, Claim.Status.ESCALATED)
    run_pipelined(exclusion_statement(claim, Exclusion.Reason.SKIPPED, at, note=reason))
    if claim.review.kind == ReviewTask.Kind.BLIND:
        _give_up_blind(actor, claim, at, reason)
        return claim
    if claim.review.kind == ReviewTask.Kind.GOLD:
        _give_up_gold(actor, claim, at, reason)
        return claim
    to_queue = move_review_up(actor=actor, review=claim.review, at=at, reason=reason)
    note_handover(
        actor=actor,
        review=claim.review,
        kind=Handover.Kind.ESCALATED,
        note=reason,
        at=at,
        queues=(from_queue, to_queue),
        informed=knows_answer(claim),
    )
    return claim


def _give_up_blind(actor: Actor, claim: Claim, at: datetime, reason: str) -> None:
    """A blind sample goes no higher, since its case is decided: that this tier would have asked is its answer."""
    ReviewTask.objects.filter(pk=claim.review_id).update(status=ReviewTask.Status.DONE, done_at=at)
    insert_rows(claim_event(actor, claim, "review.escalated", claim.review.case_id, {"status": "done"}, reason))
    return_case(actor=actor, case=claim.review.case, at=at)


def _give_up_gold(actor: Actor, claim: Claim, at: datetime, reason: str) -> None:
    """A gold case seems to go higher, where a case could; it ends here. Raises Conflict `no_higher_tier`."""
    case = claim.review.case
    choice = higher_queue(claim.review)
    ReviewTask.objects.filter(pk=claim.review_id).update(status=ReviewTask.Status.CANCELLED, done_at=at)
    Case.objects.filter(pk=case.pk).update(queue_id=choice.id, status=Case.Status.CANCELLED)
    insert_rows(claim_event(actor, claim, "review.escalated", case.pk, {"status": "cancelled"}, reason))


def move_review_up(*, actor: Actor, review: ReviewTask, at: datetime, reason: str) -> uuid.UUID:
    """Move an unclaimed review to the next tier's queue with that tier's SLA; answers with that queue's id.

    Raises Conflict `no_higher_tier`.
    """
    choice = higher_queue(review)
    due = at + timedelta(seconds=choice.sla_s)
    due = min(due, review.case.required_by) if review.case.required_by else due
    due = max(due, at + timedelta(minutes=1))
    ReviewTask.objects.filter(pk=review.pk).update(
        status=ReviewTask.Status.WAITING,
        assigned_to=None,
        snoozed_until=None,
        queue_id=choice.id,
        due_at=due,
        urgent_at=due - (due - at) * choice.near_due_share,
        sla_expired_at=None,
    )
    note_waiting(choice.id, review)
    # an appeal goes up alone, since its case stays where it was decided; a panel stays where it met
    if review.kind != ReviewTask.Kind.APPEAL and not review.seat:
        Case.objects.filter(pk=review.case_id).update(queue_id=choice.id)
    stays = bool(review.seat) and held_elsewhere(review)
    moved = stays or move_case(review.case_id, "in_review", "pending", actor=actor, at=at)
    case = Case.objects.get(pk=review.case_id)
    change = Change({"queue": review.queue.slug}, {"queue": choice.slug, "due_at": rfc3339(due)}, reason)
    payload = {"id": str(case.pk), "external_id": case.external_id, "status": case.status, "tier": choice.tier_slug}
    insert_rows(
        build_event(
            actor=actor, action="review.escalated", subject=Subject("review", review.pk, case.pk), change=change, at=at
        ),
        build_message(actor=actor, type="case.escalated", payload=payload, case_id=case.pk),
        *([] if moved else [case_history(case, actor=actor, at=at, reason=f"escalated to {choice.slug}")]),
    )
    ring("delivery.relay_outbox")
    return choice.id
