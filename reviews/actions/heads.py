"""Where the waiting reviews of a queue begin, remembered for a moment while dead index entries pile up before them.

A transaction that stays open anywhere (a dump, a forgotten session) keeps the index entry of every review claimed
since, and each claim steps over all of them: 0.4 ms per thousand. A process whose claim was slow therefore remembers
the first waiting review of each queue, for fifty times as long as it had to look and at most two seconds, and starts
there.
Reviews this process adds or gives back move the mark; one that another process adds before it waits for those seconds.
None is lost: a claim that finds nothing looks again from the beginning.
"""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hitl.core.rows import run_pipelined
from reviews.models import ReviewTask

_SLOW_S = 0.005
_REST = 50
_LONGEST_S = 2.0
_FIRST = (float("-inf"), uuid.UUID(int=0))
_HEADS = """
SELECT q.id, h.order_key, h.id FROM unnest(%s::uuid[]) AS q(id) CROSS JOIN LATERAL (
  SELECT r.order_key, r.id FROM reviews_reviewtask r WHERE r.queue_id = q.id AND r.status = 'waiting'
  ORDER BY r.order_key, r.id LIMIT 1
) h
"""


@dataclass(frozen=True, slots=True)
class _Head:
    """Nothing waits before `place` (order key, id); believed until `until` (monotonic)."""

    place: tuple[float, uuid.UUID]
    until: float


_heads: dict[uuid.UUID, _Head] = {}


def known_heads(queue_ids: Sequence[uuid.UUID]) -> list[tuple[float, uuid.UUID]]:
    """Where to start in each queue."""
    at = time.monotonic()
    found = (_heads.get(queue_id) for queue_id in queue_ids)
    return [head.place if head and at < head.until else _FIRST for head in found]


def learn_heads(queue_ids: Sequence[uuid.UUID], took_s: float) -> None:
    """After a claim that took so long: remember where the queues begin now."""
    if took_s < _SLOW_S:
        return
    until = time.monotonic() + min(_LONGEST_S, _REST * took_s)
    (rows,) = run_pipelined((_HEADS, [list(queue_ids)]))
    for queue_id, order_key, review_id in rows:
        _heads[queue_id] = _Head((order_key, review_id), until)


def forget_heads(queue_ids: Sequence[uuid.UUID]) -> bool:
    """Start from the beginning again; true when something had been remembered."""
    forgotten = [_heads.pop(queue_id, None) for queue_id in queue_ids]
    return any(forgotten)


def note_waiting(queue_id: uuid.UUID, review: ReviewTask) -> None:
    """This process adds the review to a queue or gives it back: nobody here may start behind it."""
    head = _heads.get(queue_id)
    place = (review.order_key, review.pk)
    if head is not None and place < head.place:
        _heads[queue_id] = replace(head, place=place)
