"""The same request again returns the first answer; the same in flight is refused at once."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
from django.db import connection

from hitl.accounts.models import IdempotencyKey
from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.errors import Conflict, FieldProblem, Refused
from hitl.core.rows import Statement, new_row, only
from reviews.models import Case
from reviews.payloads import case_outs
from reviews.selectors import existing_case


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
    """The `Idempotency-Key` of a request: who, which key, which content."""

    workspace_id: uuid.UUID
    owner_id: uuid.UUID
    key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client gets; `replayed` when it is the first answer again; `waits_for`: the undecided inline case."""

    status: int
    body: bytes
    replayed: bool = False
    waits_for: uuid.UUID | None = None


def first_answer(claim: IdempotencyClaim) -> Answer | None:
    row = only(IdempotencyKey.objects.filter(workspace_id=claim.workspace_id, owner_id=claim.owner_id, key=claim.key))
    if row is None:
        return None
    if bytes(row.request_hash) != claim.request_hash:
        raise Refused("This Idempotency-Key was used for another body.", code="idempotency_mismatch")
    return Answer(200 if row.status == 201 else row.status, bytes(row.body), replayed=True)


def remembered(actor: Actor, claim: IdempotencyClaim, status: int, body: bytes) -> IdempotencyKey:
    return new_row(
        IdempotencyKey,
        workspace_id=actor.workspace_id,
        owner_id=claim.owner_id,
        key=claim.key,
        request_hash=claim.request_hash,
        status=status,
        body=body,
        created_at=now(),
    )


_TAKEN = (
    "SELECT 1 FROM reviews_case WHERE workspace_id = %s AND owner_id = %s AND task_type_id = %s AND external_id = %s"
)
_NEW_NAME = f"""
SELECT hitl_expect(bool_and(pg_try_advisory_xact_lock(hashtextextended(name, 0))), 'in flight'),
       hitl_expect(NOT EXISTS ({_TAKEN}), 'taken')
FROM unnest(%s::text[]) AS name
"""


def new_name_statements(claim: IdempotencyClaim | None, case: Case) -> list[Statement]:
    """Refuse at once what is already in flight (an INSERT would wait for the other transaction) or known.

    Part of the inserting statement, and asked before anything is inserted. What was committed while this asked, the
    constraints refuse.
    """
    names = [f"key:{claim.owner_id}:{claim.key}"] if claim else []
    if case.external_id is not None:
        names.append(f"ext:{case.owner_id}:{case.task_type_id}:{case.external_id}")
    external_id = [case.workspace_id, case.owner_id, case.task_type_id, case.external_id]
    return [(_NEW_NAME, [*external_id, names])] if names else []


def answer_to_refused(error: Exception, claim: IdempotencyClaim | None, case: Case) -> Answer:
    """What a submission gets whose name was not new. Raises Conflict `duplicate_in_flight`, Refused, or `error`."""
    if str(error) == "in flight":
        raise in_flight() from None
    answer = (claim and first_answer(claim)) or known_answer(case)
    if answer is None:
        raise error
    return answer


def in_flight() -> Conflict:
    return Conflict("The same request is being worked on; ask again.", code="duplicate_in_flight", retry_after_s=1)


def known_answer(case: Case) -> Answer | None:
    """The current form of the case with this external id; refused when the content differs."""
    if case.external_id is None:
        return None
    found = existing_case(
        workspace_id=case.workspace_id,
        owner_id=case.owner_id,
        task_type_id=case.task_type_id,
        external_id=case.external_id,
    )
    if found is None:
        return None
    if bytes(found.content_hash) != bytes(case.content_hash):
        raise Refused(
            f"The external id “{case.external_id}” names a case with other content.",
            code="idempotency_mismatch",
            errors=[FieldProblem("/external_id", "Use another id, or send the same content.", "idempotency_mismatch")],
        )
    return Answer(200, msgspec.json.encode(case_outs([found], with_trace=True)[0]), replayed=True)


def remember_instead(claim: IdempotencyClaim, body: bytes) -> None:
    """What an inline caller was told after waiting becomes the first answer to its key."""
    rows = IdempotencyKey.objects.filter(workspace_id=claim.workspace_id, owner_id=claim.owner_id, key=claim.key)
    rows.update(body=body)


def remember_batch(*, actor: Actor, claim: IdempotencyClaim, body: bytes) -> None:
    """Keep a batch's whole answer for its Idempotency-Key."""
    remembered(actor, claim, 207, body).save(force_insert=True)


def batch_answer(claim: IdempotencyClaim) -> Answer | None:
    """The first answer to a batch with this key, if any. Raises Refused `idempotency_mismatch`."""
    return first_answer(claim)


@contextmanager
def batch_in_flight(claim: IdempotencyClaim | None) -> Iterator[None]:
    """Hold a batch's Idempotency-Key over its many transactions. Raises Conflict `duplicate_in_flight`."""
    if claim is None:
        yield
        return
    name = f"key:{claim.owner_id}:{claim.key}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        if not cursor.fetchone()[0]:
            raise in_flight()
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
