"""Save or delete a configured thing (policy, tier, queue …) with its history and its event.

Alike from admin, YAML and API.
"""

import hashlib
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import ProtectedError

from audit.actions.events import Change, Subject, record_event
from hitl.core.actors import Actor
from hitl.core.errors import Conflict, FieldProblem, Refused


def describe(obj: models.Model) -> dict[str, Any]:
    """Every stored field of `obj` as plain JSON; of secrets (`unrecorded_fields`) only that they differ."""
    values: dict[str, Any] = {}
    hidden = getattr(obj, "unrecorded_fields", ())
    for f in obj._meta.concrete_fields:
        value = f.value_from_object(obj)
        if f.name in hidden and value:
            value = f"sha256:{hashlib.sha256(f'{obj.pk}:{value}'.encode()).hexdigest()[:8]}"
        values[f.name] = value if isinstance(value, int | float | bool | list | dict | None) else str(value)
    return values


@transaction.atomic
def save_recorded(
    *, actor: Actor, obj: models.Model, reason: str = "", many: dict[str, list[Any]] | None = None
) -> bool:
    """Validate and save `obj`; returns whether anything changed (an unchanged object writes nothing).

    `many` sets many-to-many fields. History is django-simple-history's; the event carries the difference.
    Raises Refused with a pointer per field.
    """
    name = obj._meta.model_name or ""
    created = obj._state.adding
    before = {} if created else describe(type(obj)._default_manager.get(pk=obj.pk)) | _links(obj, many)
    try:
        obj.full_clean()
    except ValidationError as error:
        raise Refused("The values were not accepted.", code="invalid_values", errors=_problems(error)) from None
    after = describe(obj) | {k: sorted(str(v.pk) for v in values) for k, values in (many or {}).items()}
    changed = {k: v for k, v in after.items() if created or before.get(k) != v}
    if not changed:
        return False
    obj._change_reason = reason  # type: ignore[attr-defined]  # read by django-simple-history
    obj.save()
    for field, values in (many or {}).items():
        getattr(obj, field).set(values)
    record_event(
        actor=actor,
        action=f"{name}.{'created' if created else 'changed'}",
        subject=Subject(name, obj.pk),
        change=Change(None if created else {k: before.get(k) for k in changed}, changed, reason),
    )
    return True


@transaction.atomic
def delete_recorded(*, actor: Actor, obj: models.Model, reason: str = "") -> None:
    """Delete `obj` unless something still needs it (Conflict `in_use`)."""
    name, key, before = obj._meta.model_name or "", obj.pk, describe(obj)
    try:
        obj.delete()
    except ProtectedError as error:
        raise Conflict(f"Still in use by {len(error.protected_objects)} other rows.", code="in_use") from None
    record_event(actor=actor, action=f"{name}.deleted", subject=Subject(name, key), change=Change(before, None, reason))


def _links(obj: models.Model, many: dict[str, list[Any]] | None) -> dict[str, list[str]]:
    return {k: sorted(str(v.pk) for v in getattr(obj, k).all()) for k in many or {}}


def _problems(error: ValidationError) -> list[FieldProblem]:
    if not hasattr(error, "error_dict"):
        return [FieldProblem("", m, "invalid_value") for m in error.messages]
    return [
        FieldProblem("" if name == "__all__" else f"/{name}", message, "invalid_value")
        for name, messages in error.message_dict.items()
        for message in messages
    ]
