"""Ask the models that cases wait for: claim in one statement, ask outside any transaction, go on in another.

At least once: a worker that dies between the answer and its record leaves the row to be asked again after its lease.
A case whose time is over goes to a person, whatever the model would have said.
"""

import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from hitl.core.clock import db_now
from hitl.core.errors import DomainError
from hitl.delivery.retries import asked_for
from reviews.actions.ask_answers import go_on
from reviews.models import Case, CaseContent, PendingAsk
from routing.asks import adapter_request
from routing.engine.features import Features
from routing.model_client import Reply, ask_model
from routing.models import ModelEndpoint
from routing.selectors import in_force

log = logging.getLogger(__name__)

LEASE_S = 90  # longer than any endpoint's time-out
BATCH = 16
FIRST_RETRY_S = 1.0
_LATE = Reply("error", "no answer before the deadline")

_CLAIM = """
UPDATE reviews_pendingask p
SET next_attempt_at = statement_timestamp() + make_interval(secs => %s), attempts = attempts + 1
FROM (
  SELECT case_id FROM reviews_pendingask
  WHERE next_attempt_at <= statement_timestamp() AND due_at > statement_timestamp()
  ORDER BY next_attempt_at LIMIT %s FOR UPDATE SKIP LOCKED
) due
WHERE p.case_id = due.case_id RETURNING p.case_id
"""


@dataclass(frozen=True, slots=True)
class _Question:
    """A claimed row with what asking it needs, read beforehand: the threads that ask use no database."""

    row: PendingAsk
    endpoint: ModelEndpoint | None
    request: Any


def ask_models(*, budget_s: float = 30.0) -> int:
    """Ask what is due until nothing is or `budget_s` is used; returns how many answers or time-outs were recorded."""
    until = time.monotonic() + budget_s
    done = _give_up()
    while time.monotonic() < until and (questions := _claim()):
        with ThreadPoolExecutor(BATCH, thread_name_prefix="ask") as pool:
            asked = {pool.submit(_ask, question): question for question in questions}
            for future in as_completed(asked):
                done += _record(asked[future].row, future.result())
        done += _give_up()
    return done


def _ask(question: _Question) -> Reply:
    row = question.row
    return ask_model(question.endpoint, kind=row.kind, spec=row.spec, request=question.request)


def _claim() -> list[_Question]:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [LEASE_S, BATCH])
        keys: list[uuid.UUID] = [key for (key,) in cursor.fetchall()]
    rows = list(PendingAsk.objects.filter(pk__in=keys).select_related("case__task_type", "case__content"))
    endpoints = _endpoints(rows)
    return [_question(row, endpoints.get((row.workspace_id, row.endpoint))) for row in rows]


def _endpoints(rows: Sequence[PendingAsk]) -> Mapping[tuple[uuid.UUID, str], ModelEndpoint]:
    found = ModelEndpoint.objects.filter(
        workspace_id__in={row.workspace_id for row in rows}, slug__in={row.endpoint for row in rows}
    )
    return {(endpoint.workspace_id, endpoint.slug): endpoint for endpoint in found}


def _question(row: PendingAsk, endpoint: ModelEndpoint | None) -> _Question:
    if row.kind == "judge" or endpoint is None:
        return _Question(row, endpoint, row.request)
    force = in_force(row.workspace_id, row.case.task_type.slug)
    assert force is not None
    features = Features.from_json(row.features | {"input": row.case.content.input})
    return _Question(row, endpoint, adapter_request(endpoint, features, force.snapshot))


def _give_up() -> int:
    """Cases whose time is over: to a person, a hundred at a time."""
    late = PendingAsk.objects.filter(due_at__lte=db_now()).order_by("due_at")[:100]
    return sum(_record(row, _LATE) for row in late)


def _record(row: PendingAsk, reply: Reply) -> int:
    """Go on with the case in a transaction of its own; 0 where another worker was faster, or nothing could be done."""
    try:
        with transaction.atomic():
            return _recorded(row, reply)
    except DomainError as error:  # no queue takes the case any more: it stays, and is tried again
        log.error("case %s cannot go on: %s", row.pk, error.detail)
        return 0


def _recorded(row: PendingAsk, reply: Reply) -> int:
    fence = PendingAsk.objects.select_for_update().filter(pk=row.pk, kind=row.kind, name=row.name)
    held = fence.filter(attempts=row.attempts).first()
    if held is None:
        return 0
    case = Case.objects.select_for_update(of=("self",)).select_related("task_type").get(pk=held.pk)
    if case.status not in (Case.Status.PENDING, Case.Status.SHADOW):  # cancelled meanwhile
        held.delete()
        return 0
    held.spent = _sum(held.spent, reply.cost)
    if reply.again and held.attempts <= held.spec["retries"] and _retry(held, reply):
        return 1
    go_on(case=case, content=CaseContent.objects.get(pk=case.pk), ask=held, reply=reply)
    return 1


def _retry(held: PendingAsk, reply: Reply) -> bool:
    """Try again later, as the other side asks, if that is still in time."""
    at = db_now()
    backoff = timedelta(seconds=FIRST_RETRY_S * 2 ** (held.attempts - 1))
    held.next_attempt_at = at + max(backoff, asked_for(reply.retry_after, at))
    if held.next_attempt_at >= held.due_at:
        return False
    held.save(update_fields=["next_attempt_at", "spent"])
    return True


def _sum(before: float | None, cost: float | None) -> float | None:
    return before if cost is None else (before or 0.0) + cost
