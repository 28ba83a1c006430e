"""Roll whole hours up into counts, so that a forecast reads hundreds of rows and not every review of four weeks."""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Max

from feedback.models import PersonHour, QueueHour
from feedback.queue_loads import HOUR, first_id
from hitl.core.clock import now

KEPT = timedelta(days=28)
_SETTLED = timedelta(minutes=5)  # a row may commit a little after the hour in which its key was made
_FROM_REVIEWS = """
INSERT INTO feedback_queuehour (id, workspace_id, queue_id, hour, arrived)
SELECT gen_random_uuid(), t.workspace_id, t.queue_id, date_trunc('hour', t.created_at, 'UTC'), count(*)
FROM reviews_reviewtask t WHERE t.id >= %(low)s AND t.id < %(high)s
  AND t.created_at >= %(start)s AND t.created_at < %(until)s
GROUP BY t.workspace_id, t.queue_id, date_trunc('hour', t.created_at, 'UTC')
ON CONFLICT (queue_id, hour) DO UPDATE SET arrived = EXCLUDED.arrived
"""
_FROM_JUDGEMENTS = """
INSERT INTO feedback_personhour (id, workspace_id, user_id, hour, judged)
SELECT gen_random_uuid(), j.workspace_id, j.user_id, date_trunc('hour', j.created_at, 'UTC'), count(*)
FROM reviews_judgement j WHERE j.id >= %(low)s AND j.id < %(high)s
  AND j.created_at >= %(start)s AND j.created_at < %(until)s
  AND j.stage = 'final'
GROUP BY j.workspace_id, j.user_id, date_trunc('hour', j.created_at, 'UTC')
ON CONFLICT (workspace_id, user_id, hour) DO UPDATE SET judged = EXCLUDED.judged
"""


@transaction.atomic
def roll_up_hours(at: datetime | None = None) -> int:
    """Count the whole hours since the last one counted, at most four weeks; forget older ones. Idempotent.

    Returns how many hours were looked at; most calls look at none.
    """
    at = at or now()
    until = (at - _SETTLED).replace(minute=0, second=0, microsecond=0)
    last = max((m for m in (_latest(QueueHour), _latest(PersonHour)) if m is not None), default=None)
    start = max(last + HOUR, until - KEPT) if last else until - KEPT
    if start >= until:
        return 0
    # Keys hold the time of day to a moment: they find the rows by index, the column says which hour exactly.
    keys = {"low": first_id(start - HOUR), "high": first_id(until + HOUR)}
    span = keys | {"start": start, "until": until}
    with connection.cursor() as cursor:
        cursor.execute(_FROM_REVIEWS, span)
        cursor.execute(_FROM_JUDGEMENTS, span)
    for model in (QueueHour, PersonHour):
        model.objects.filter(hour__lt=until - KEPT).delete()
    return round((until - start) / HOUR)


def _latest(model: type[QueueHour] | type[PersonHour]) -> datetime | None:
    found: datetime | None = model.objects.aggregate(at=Max("hour"))["at"]
    return found
