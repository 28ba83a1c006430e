"""History rows for writes that bypass `save()`: django-simple-history does not see `update()` and bulk inserts."""

import uuid
from datetime import datetime
from functools import lru_cache
from typing import Any

from hitl.core.actors import Actor
from hitl.core.rows import Statement, new_row
from reviews.models import Case


@lru_cache(maxsize=1)
def _model() -> Any:
    """Kept: simple-history makes a manager class every time one asks for it."""
    return Case.history.model


def case_history(case: Case, *, actor: Actor, at: datetime, created: bool = False, reason: str = "") -> Any:
    """An unsaved historical row of `case` as it is now."""
    model = _model()
    return new_row(
        model,
        **{name: getattr(case, name) for name in _tracked()},
        history_date=at,
        history_type="+" if created else "~",
        history_user_id=actor.user_id,
        history_change_reason=reason or None,
    )


@lru_cache(maxsize=1)
def _tracked() -> tuple[str, ...]:
    return tuple(f.attname for f in _model().tracked_fields)


def move_statement(
    case_id: uuid.UUID, before: str, after: str, *, actor: Actor, at: datetime, reason: str = ""
) -> Statement:
    """Compare-and-swap of a case's status together with its history row; one row returned where it moved."""
    values = [after, case_id, before, at, actor.user_id, reason or f"{before} → {after}"]
    return _move_sql(), values


@lru_cache(maxsize=1)
def _move_sql() -> str:
    moved = "UPDATE reviews_case SET status = %s WHERE id = %s AND status = %s RETURNING *"
    return f"WITH moved AS ({moved}) {history_of_moved('%s')} RETURNING 1"


@lru_cache(maxsize=8)
def history_of_moved(at: str) -> str:
    """SQL: the history rows of the cases in `moved`; `at` as SQL. Values: the actor's user id, the reason."""
    model = _model()
    columns = ", ".join(f'"{f.column}"' for f in model.tracked_fields)
    return f"""INSERT INTO {model._meta.db_table}
  ({columns}, history_date, history_type, history_user_id, history_change_reason)
SELECT {columns}, {at}, '~', %s, %s FROM moved"""
