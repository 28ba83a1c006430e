"""Set the arms of a queue's visibility experiment. Each setting is a version of its own (mission D2)."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from audit.actions.events import Change, Subject, build_event
from hitl.core.actors import Actor
from hitl.core.clock import db_now, rfc3339
from hitl.core.errors import FieldProblem, NotFound, Refused
from hitl.core.permissions import Permission
from hitl.core.rows import insert_rows
from reviews.models import Queue, VisibilityPolicy

IN_FORCE_AFTER = timedelta(seconds=2)
"""In force a moment after everybody sees it: a claim made in between would be in one arm first, then in another."""
_FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)
# Reviews claimed under a sealing policy may come back that much later and are still in their arm.
_SEALED_AFTERWARDS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Shares:
    """Of the three arms; they add up to 1."""

    before: float
    after: float
    never: float

    def as_json(self) -> dict[str, float]:
        return {"before": self.before, "after": self.after, "never": self.never}


@transaction.atomic
def set_visibility_policy(
    *,
    actor: Actor,
    queue: Queue,
    shares: Shares,
    seed: str = "",
    reason: str = "",
    in_force_after: timedelta = IN_FORCE_AFTER,
) -> VisibilityPolicy | None:
    """A new version of the arms, for reviews first claimed from `in_force_after` on; null where nothing changes.

    `seed` empty: the former one is kept, so that few cases change their arm; a first policy takes the queue's slug.
    Raises Forbidden, NotFound, Refused `shares_do_not_add_up`, `before_in_judge_first`, `out_of_range`.
    """
    actor.require(Permission.CONFIGURE)
    locked = Queue.objects.select_for_update(of=("self",)).filter(pk=queue.pk, workspace_id=actor.workspace_id).first()
    if locked is None:
        raise NotFound()
    _check(locked, shares, seed)
    last = VisibilityPolicy.objects.filter(queue=locked).order_by("-number").first()
    seed = seed or (last.seed if last else locked.slug[:40])
    if last is not None and (_shares_of(last), last.seed) == (shares, seed):
        return None
    at = db_now()
    return _write(actor, locked, last, _row(actor, locked, last, shares, seed, reason, at, at + in_force_after))


def _row(
    actor: Actor,
    queue: Queue,
    last: VisibilityPolicy | None,
    shares: Shares,
    seed: str,
    reason: str,
    at: datetime,
    from_at: datetime,
) -> VisibilityPolicy:
    return VisibilityPolicy(
        workspace_id=queue.workspace_id,
        queue=queue,
        number=last.number + 1 if last else 1,
        before_share=shares.before,
        after_share=shares.after,
        never_share=shares.never,
        seed=seed,
        reason=reason[:2000],
        created_by_id=actor.user_id,
        from_at=from_at,
        created_at=at,
    )


def _write(actor: Actor, queue: Queue, last: VisibilityPolicy | None, row: VisibilityPolicy) -> VisibilityPolicy:
    queue.visibility_version = row.number
    if row.seals:
        queue.sealed_until = _FOR_EVER
    elif last is not None and last.seals:
        queue.sealed_until = row.created_at + _SEALED_AFTERWARDS
    event = build_event(
        actor=actor,
        action="queue.visibility_set",
        subject=Subject("queue", queue.pk),
        change=Change(None if last is None else _told(last), _told(row), row.reason),
        at=row.created_at,
    )
    insert_rows(row, event)
    queue._change_reason = f"visibility, version {row.number}"  # type: ignore[attr-defined]  # django-simple-history
    queue.save(update_fields=["visibility_version", "sealed_until"])
    return row


def _told(row: VisibilityPolicy) -> dict[str, Any]:
    return _shares_of(row).as_json() | {"seed": row.seed, "version": row.number, "from_at": rfc3339(row.from_at)}


def _shares_of(row: VisibilityPolicy) -> Shares:
    return Shares(row.before_share, row.after_share, row.never_share)


def _check(queue: Queue, shares: Shares, seed: str) -> None:
    for name, share in shares.as_json().items():
        if not (math.isfinite(share) and 0.0 <= share <= 1.0):
            raise _refused("out_of_range", name, "Give a share from 0 to 1.")
    if abs(shares.before + shares.after + shares.never - 1.0) > 1e-6:
        detail = "The three shares must add up to 1; what is missing or too much is yours to place."
        raise _refused("shares_do_not_add_up", "after", detail)
    if queue.judge_first and shares.before > 0.0:
        detail = (
            "This queue is judge-first: the machine's answer is never shown before the first judgement. "
            "Set “before” to 0, or turn judge-first off for the queue."
        )
        raise _refused("before_in_judge_first", "before", detail)
    if len(seed) > 40 or "\x00" in seed:
        raise _refused("out_of_range", "seed", "At most 40 characters.")


def _refused(code: str, field: str, detail: str) -> Refused:
    return Refused(detail, code=code, errors=[FieldProblem(f"/{field}", detail, code)])
