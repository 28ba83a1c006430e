"""Keep what the holder of a claim did on the page. Off the path of judging: a judgement never waits for this."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction

from audit.actions.events import Change, Subject, record_event
from hitl.core.actors import Actor
from hitl.core.clock import db_now
from hitl.core.errors import Conflict, NotFound
from reviews.access import held_by_actor
from reviews.interactions import InteractionsIn
from reviews.models import Claim, GuidelineVersion, Interactions

MOST_EVENTS = 500  # per claim
AFTERWARDS = timedelta(minutes=10)  # how long after the end of a claim its page may still report


def record_interactions(*, actor: Actor, claim_id: uuid.UUID, batch: InteractionsIn) -> int:
    """Add a batch to the claim's course, in the order of its times; answers how many were kept.

    Times are placed on the server's clock: a batch says what the page's clock read when it was sent.
    Raises NotFound for anybody else's claim, Conflict `claim_closed` ten minutes after its end.
    """
    claim = (
        Claim.objects.filter(pk=claim_id, user_id=actor.person_id, workspace_id=actor.workspace_id)
        .select_related("review")
        .first()
    )
    if claim is None:
        raise NotFound()
    at = db_now()
    if claim.closed_at is not None and claim.closed_at + AFTERWARDS < at:
        raise Conflict("This claim ended more than ten minutes ago.", code="claim_closed")
    try:
        return _append(actor, claim, batch, at)
    except IntegrityError:  # the first two batches came at once
        return _append(actor, claim, batch, at)


@transaction.atomic
def _append(actor: Actor, claim: Claim, batch: InteractionsIn, at: Any) -> int:
    shown = at - timedelta(milliseconds=batch.ms)
    row = Interactions.objects.select_for_update().filter(pk=claim.pk).first()
    if row is None:
        row = Interactions(
            claim=claim,
            workspace_id=claim.workspace_id,
            case_id=claim.review.case_id,
            guideline_version=_guideline_of(actor, claim),
            started_at=shown,
            events=[],
        )
        row.save(force_insert=True)
        subject = Subject("review", claim.review_id, claim.review.case_id)
        change = Change(after={"claim": str(claim.pk)})
        record_event(actor=actor, action="interactions.recorded", subject=subject, change=change)
    offset = round((shown - row.started_at).total_seconds() * 1000)  # the page may have been loaded again
    room = max(0, MOST_EVENTS - len(row.events))
    kept = [
        {"kind": e.kind, "ms": max(0, offset + e.ms)} | ({"about": e.about} if e.about else {})
        for e in batch.events[:room]
    ]
    if kept:
        events = sorted([*row.events, *kept], key=lambda event: event["ms"])  # a later batch may arrive first
        Interactions.objects.filter(pk=row.pk).update(events=events)
    return len(kept)


def _guideline_of(actor: Actor, claim: Claim) -> int | None:
    """The number of the guideline in force in the queue when the case was claimed."""
    version = held_by_actor(actor, claim.pk).guideline_id
    return GuidelineVersion.objects.filter(pk=version).values_list("number", flat=True).first() if version else None
