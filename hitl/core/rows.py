"""Few statements: insert many rows of many models in one round trip, for the paths that must be fast.

The ORM's `bulk_create` compiles each statement anew and needs one round trip per model (28 % of a submit). Here the
column list is made once per model and psycopg's pipeline sends all statements together. No signals, no defaults from
the database: every object must be complete.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, groupby
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

import msgspec
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections, transaction
from django.db.models import (
    BooleanField,
    CharField,
    DateTimeField,
    Field,
    FloatField,
    ForeignKey,
    IntegerField,
    JSONField,
    Model,
    QuerySet,
    TextField,
    UUIDField,
)
from django.db.models.base import ModelState
from psycopg import Cursor, RawCursor
from psycopg.types.json import Jsonb

Row = TypeVar("Row", bound=Model)
Statement = tuple[str, Sequence[Any] | Mapping[str, Any]]
Rows = list[tuple[Any, ...]]

# What these hold goes to PostgreSQL as it is; asking each field what to send would cost as much as sending it.
_AS_IT_IS = (UUIDField, CharField, TextField, DateTimeField, BooleanField, IntegerField, FloatField, ForeignKey)


class Unexpected(Exception):
    """A statement of a pipeline did not find what it expects (`expecting`); nothing of the pipeline was written."""


def new_row(model: type[Row], **values: Any) -> Row:
    """An unsaved instance as `model(**values)` gives it, at a fifth of the cost.

    Names are columns' (`case_id`, not `case`) and not checked; no signals.
    """
    constants, made = _defaults(model)
    row = model.__new__(model)
    state = row.__dict__
    state["_state"] = ModelState()
    state.update(constants)
    state.update(values)
    for name, default in made:
        if name not in values:
            state[name] = default()
    return row


@lru_cache(maxsize=64)
def _defaults(model: type[Model]) -> tuple[dict[str, Any], tuple[tuple[str, Any], ...]]:
    """Default values by column, and those that are made anew for each row."""
    fields = model._meta.concrete_fields
    made = {f.attname: f.default for f in fields if f.has_default() and callable(f.default)}
    return {f.attname: f.get_default() for f in fields if f.attname not in made}, tuple(made.items())


@dataclass(frozen=True, slots=True)
class _Insert:
    head: str
    copy: str
    marks: str
    names: tuple[str, ...]
    read: Callable[[dict[str, Any]], tuple[Any, ...]]
    json: tuple[int, ...]
    adapted: tuple[tuple[int, Field[Any, Any]], ...]

    def values(self, obj: Model) -> list[Any]:
        values = list(self.read(obj.__dict__))
        for place in self.json:
            if values[place] is not None:
                values[place] = Jsonb(values[place], dumps=msgspec.json.encode)
        for place, field in self.adapted:
            values[place] = field.get_db_prep_save(values[place], connection)
        return values


@lru_cache(maxsize=64)
def _insert(model: type[Model]) -> _Insert:
    fields = [f for f in model._meta.concrete_fields if not (f.primary_key and f.db_returning)]
    columns = ", ".join(f'"{f.column}"' for f in fields)
    return _Insert(
        head=f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ',
        copy=f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN',
        marks="(" + ", ".join(["%s"] * len(fields)) + ")",
        names=tuple(f.attname for f in fields),
        read=itemgetter(*(f.attname for f in fields)),
        json=tuple(n for n, f in enumerate(fields) if isinstance(f, JSONField)),
        adapted=tuple((n, f) for n, f in enumerate(fields) if not isinstance(f, (*_AS_IT_IS, JSONField))),
    )


def insert_rows(*objects: Model) -> None:
    """Insert `objects` by one statement (`insert_statement`). Raises IntegrityError as the ORM would."""
    run_pipelined(insert_statement(*objects))


def insert_statement(*objects: Model) -> Statement:
    """One statement that inserts `objects`, at most 65,535 values; put equal models side by side."""
    return as_one(*inserts(*objects))


def inserts(*objects: Model) -> list[Statement]:
    """One statement for each run of a model, for `as_one` with others."""
    parts: list[Statement] = []
    for model, run in groupby(objects, type):
        insert = _insert(model)
        rows = [insert.values(row) for row in run]
        parts.append((insert.head + ", ".join([insert.marks] * len(rows)), [v for row in rows for v in row]))
    return parts


def insert_from(row: Model, source: str, **columns: str) -> Statement:
    """Insert `row` once for each row of `source` (FROM …), these columns as SQL makes them; `%s`: of the row's."""
    insert = _insert(type(row))
    values = [v for name, v in zip(insert.names, insert.values(row), strict=True) if "%s" in columns.get(name, "%s")]
    return _insert_from(type(row), source, tuple(columns.items())), values


@lru_cache(maxsize=64)
def _insert_from(model: type[Model], source: str, columns: tuple[tuple[str, str], ...]) -> str:
    made, insert = dict(columns), _insert(model)
    picked = ", ".join(made.get(name, "%s") for name in insert.names)
    return f"{insert.head.removesuffix(' VALUES ')} SELECT {picked} FROM {source}"


def as_one(*changes: Statement) -> Statement:
    """One statement that does all `changes`, each an INSERT or UPDATE without a WITH of its own.

    All see what was before any of them, and no row may be changed by two. The last may be `expecting`: then it comes
    first, and the others only when it is met.
    """
    *before, (last, _) = changes
    parts = ", ".join(f"change_{n} AS ({text})" for n, (text, _) in enumerate(before))
    values = [value for _, values in changes for value in values]
    if parts:
        last = f"WITH {parts}, {last[5:]}" if last.startswith("WITH ") else f"WITH {parts} {last}"
    return last, values


def expecting(change: Statement, otherwise: str) -> Statement:
    """`change`, which ends in RETURNING or is a SELECT, must find a row: else `Unexpected(otherwise)`, and all ends."""
    text, values = change
    found = f"WITH found AS ({text}) SELECT hitl_expect(EXISTS (SELECT FROM found), %s)"
    return found, [*values, otherwise]


def copy_rows(*objects: Model) -> None:
    """Insert many objects in the order given by COPY, a third of the cost of INSERT; one round trip per run of a model.

    Must be called inside a transaction. Raises IntegrityError as the ORM would.
    """
    connection.ensure_connection()
    for model, run in groupby(objects, type):
        insert = _insert(model)
        cursor = Cursor(connection.connection)
        with connection.wrap_database_errors, cursor.copy(insert.copy) as copy:
            for row in run:
                copy.write_row(insert.values(row))


def run_as_one(*statements: Statement) -> list[Rows]:
    """`run_pipelined`, all or nothing, without BEGIN and COMMIT: PostgreSQL makes one transaction of a pipeline.

    Raises Unexpected where a statement is `expecting` in vain.
    """
    try:
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            return run_pipelined(*statements)
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) == "HT001":
            raise Unexpected(error.__cause__.diag.message_primary) from None  # type: ignore[union-attr]
        raise


def run_pipelined(*statements: Statement) -> list[Rows]:
    """Run `statements` in order in one round trip; answers the rows of each, none where it returns none.

    Each sees what the ones before it did. The first error is raised as Django's exception of its kind. Values travel
    apart from the SQL, so PostgreSQL keeps the plans of statements it has seen (OPTIONS["prepare_threshold"]).
    """
    database: Any = connections[DEFAULT_DB_ALIAS]
    database.ensure_connection()
    raw = database.connection
    cursors = [RawCursor(raw) if isinstance(values, Sequence) else Cursor(raw) for _, values in statements]
    together = raw.pipeline() if len(statements) > 1 else nullcontext()
    with database.wrap_database_errors, together:
        for cursor, (text, values) in zip(cursors, statements, strict=True):
            wrapped = database._prepare_cursor(cursor)  # so that Django counts and logs it
            wrapped.execute(_numbered(text) if isinstance(values, Sequence) else text, values)
    return [cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else [] for cursor in cursors]


@lru_cache(maxsize=256)
def _numbered(text: str) -> str:
    """`%s` as PostgreSQL writes it. psycopg would look for them anew in every statement of more than 50 values."""
    numbers = count(1)
    first, *rest = text.split("%s")
    return first + "".join(f"${next(numbers)}{part}" for part in rest)


@dataclass(frozen=True, slots=True)
class Select:
    """A fixed query for whole rows of `models`, joined under these aliases; `rest` is FROM and what follows.

    The ORM makes the SQL of a seven-table join anew each time (3 ms); this makes it once.
    """

    models: tuple[tuple[str, type[Model]], ...]
    rest: str
    without: tuple[str, ...] = ()  # columns left out, read only if somebody asks for them after all

    def with_values(self, *values: Any) -> Statement:
        return _select_sql(self), values


@lru_cache(maxsize=64)
def _select_sql(select: Select) -> str:
    columns = (f'{alias}."{f.column}"' for alias, model in select.models for f in _fields(model, select.without))
    return f"SELECT {', '.join(columns)} {select.rest}"


def read_rows(select: Select, *values: Any) -> Rows:
    """The rows of a Select, each a tuple of instances in the order of its models; null where a join found none."""
    return instances(select, run_pipelined(select.with_values(*values))[0])


def instances(select: Select, rows: Rows) -> Rows:
    """What `run_pipelined` answered to a Select, as tuples of model instances."""
    return [tuple(_instances(select, row)) for row in rows]


def _instances(select: Select, row: Sequence[Any]) -> Iterator[Model | None]:
    for model, start, end, names, converters in _reading(select):
        if row[start] is None:  # a LEFT JOIN that found nothing
            yield None
            continue
        state: dict[str, Any] = dict(zip(names, row[start:end], strict=True))
        for name, convert in converters:
            state[name] = convert(state[name])
        # As Model.from_db does, without asking each field.
        found = model.__new__(model)
        state["_state"] = known = ModelState()
        known.adding, known.db = False, "default"
        found.__dict__.update(state)
        yield found


def link(row: Model, **related: Model) -> None:
    """Give `row` what was read with it, as `row.name = …` does but without asking whether it may."""
    row._state.fields_cache.update(related)


def _fields(model: type[Model], without: tuple[str, ...]) -> list[Field[Any, Any]]:
    return [f for f in model._meta.concrete_fields if f.column not in without]


class _Reading(NamedTuple):
    """Where in a row the columns of a model stand, what they are called, and which are converted how."""

    model: type[Model]
    start: int
    end: int
    names: list[str]
    converters: list[tuple[str, Callable[[Any], Any]]]


@lru_cache(maxsize=64)
def _reading(select: Select) -> tuple[_Reading, ...]:
    parts: list[_Reading] = []
    for _, model in select.models:
        fields, start = _fields(model, select.without), parts[-1].end if parts else 0
        converters = [(f.attname, _converter(f)) for f in fields if hasattr(f, "from_db_value")]
        parts.append(_Reading(model, start, start + len(fields), [f.attname for f in fields], converters))
    return tuple(parts)


def _converter(field: Any) -> Callable[[Any], Any]:
    if isinstance(field, JSONField):
        return lambda value: None if value is None else msgspec.json.decode(value)
    return lambda value: field.from_db_value(value, None, connection)


def only(rows: QuerySet[Row]) -> Row | None:
    """The one row of a query that a constraint makes unique; null when there is none.

    Not `first()`: that orders by id, and under stale statistics PostgreSQL then prefers an index in that order to the
    unique one and reads every row on its way (80 ms among 40,000).
    """
    return next(iter(rows.order_by()[:1]), None)
