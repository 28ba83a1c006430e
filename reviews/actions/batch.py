"""Submit many cases at once: checked one by one, written together."""

import time
from collections.abc import Sequence

import msgspec
from django.db import IntegrityError, transaction
from django.db.models import Model

from hitl.core.actors import Actor
from hitl.core.errors import DomainError
from hitl.core.rows import copy_rows, run_pipelined
from reviews.actions.intake import Lookups, Prepared, Submission, prepare, ring_for, submit_case

_CHUNK = 250
Result = tuple[int, bytes | DomainError]


def submit_batch(*, actor: Actor, items: Sequence[Submission | DomainError]) -> list[Result]:
    """Submit many; one bad item never rejects the others. Answers in order: (status, case JSON or the refusal).

    Rows are written some hundred cases at a time, one COPY per table.
    """
    results: list[Result] = []
    for start in range(0, len(items), _CHUNK):
        results += _submit_chunk(actor, items[start : start + _CHUNK])
    return results


def _submit_chunk(actor: Actor, items: Sequence[Submission | DomainError]) -> list[Result]:
    results: dict[int, Result] = {}
    fresh: dict[int, Prepared] = {}
    named: dict[int, Submission] = {}  # items whose external id is already known or comes twice: one by one
    seen: set[tuple[str, str | None]] = set()
    lookups = Lookups(actor)
    known = _known_names(actor, [i.body.external_id for i in items if isinstance(i, Submission) and i.body.external_id])
    for place, item in enumerate(items):
        if isinstance(item, DomainError):
            results[place] = (item.status, item)
            continue
        name = (item.body.task_type, item.body.external_id)
        if item.body.external_id and (name in seen or item.body.external_id in known):
            named[place] = item
            continue
        seen.add(name)
        try:
            fresh[place] = prepare(actor=actor, submission=item, started=time.perf_counter(), lookups=lookups)
        except DomainError as error:
            results[place] = (error.status, error)
    if _insert_together(list(fresh.values())):
        results |= {place: (201, msgspec.json.encode(prepared.out)) for place, prepared in fresh.items()}
    else:
        named |= {place: item for place, item in enumerate(items) if place in fresh and isinstance(item, Submission)}
    for place, item in sorted(named.items()):
        results[place] = _submit_alone(actor, item)
    return [results[place] for place in range(len(items))]


def _known_names(actor: Actor, names: list[str]) -> set[str]:
    if not names:
        return set()
    (rows,) = run_pipelined((_KNOWN, [actor.workspace_id, actor.id, names]))
    return {name for (name,) in rows}


_KNOWN = "SELECT external_id FROM reviews_case WHERE workspace_id = %s AND owner_id = %s AND external_id = ANY(%s)"


def _submit_alone(actor: Actor, item: Submission) -> Result:
    try:
        answer = submit_case(actor=actor, submission=item)
    except DomainError as error:
        return error.status, error
    return answer.status, answer.body


def _insert_together(prepared: Sequence[Prepared]) -> bool:
    """All rows of one model in one statement, parents first. False when another request took an external id."""
    by_model: dict[type[Model], list[Model]] = {}
    for item in prepared:
        for row in item.rows:
            by_model.setdefault(type(row), []).append(row)
    try:
        with transaction.atomic():
            copy_rows(*(row for rows in by_model.values() for row in rows))
            ring_for(prepared)
    except IntegrityError:
        return False
    return True
