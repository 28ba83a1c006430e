"""Change what is configured: every door (admin, YAML, REST) comes through here, with history, event and author."""

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import Permission as ModelPermission
from django.db import models, transaction
from guardian.shortcuts import assign_perm, get_user_perms, remove_perm

from audit.actions.entities import delete_recorded, save_recorded
from audit.actions.events import Change, Subject, record_event
from hitl.accounts.models import Membership, User
from hitl.core.actors import Actor
from hitl.core.errors import FieldProblem, NotFound, Refused
from hitl.core.permissions import Permission
from routing.access import require_configure
from routing.models import Policy, TaskType


def save_configured(
    *, actor: Actor, obj: models.Model, reason: str = "", many: dict[str, list[Any]] | None = None
) -> bool:
    """Validate and save a task type, tier, queue, policy or reviewer; returns whether anything changed.

    Raises Forbidden, NotFound (another workspace's), Refused with a pointer per field.
    """
    require_configure(actor)
    _own(actor, obj, many)
    sign(obj, actor)
    return save_recorded(actor=actor, obj=obj, reason=reason, many=many)


def delete_configured(*, actor: Actor, obj: models.Model, reason: str = "") -> None:
    """Delete it unless something needs it. Raises Forbidden, NotFound, Conflict (`in_use`)."""
    require_configure(actor)
    _own(actor, obj)
    sign(obj, actor)
    delete_recorded(actor=actor, obj=obj, reason=reason)


@transaction.atomic
def create_task_type(*, actor: Actor, task_type: TaskType) -> TaskType:
    """A new task type and, by the same name, the policy its versions will belong to."""
    save_configured(actor=actor, obj=task_type)
    policy = Policy(
        workspace_id=task_type.workspace_id, task_type=task_type, slug=task_type.slug, title=task_type.title
    )
    save_configured(actor=actor, obj=policy)
    return task_type


@transaction.atomic
def set_grants(*, actor: Actor, obj: models.Model, user: User, codenames: Collection[str], reason: str = "") -> bool:
    """Make `codenames` exactly what `user` holds on this row (guardian); whether anything changed.

    Raises Forbidden, NotFound (row or person of another workspace), Refused (`unknown_permission`).
    """
    actor.require(Permission.CONFIGURE)
    _own(actor, obj)
    if not Membership.objects.filter(workspace_id=actor.workspace_id, user=user, active=True).exists():
        raise NotFound()
    known = set(grantable(obj))
    if unknown := sorted(set(codenames) - known):
        problem = FieldProblem("/permissions", f"There is no permission {unknown[0]!r} here.", "unknown_permission")
        raise Refused(code="unknown_permission", errors=[problem])
    type(obj)._default_manager.select_for_update().get(pk=obj.pk)
    before, after = set(get_user_perms(user, obj)), set(codenames)
    if before == after:
        return False
    for name in sorted(after - before):
        assign_perm(name, user, obj)
    for name in sorted(before - after):
        remove_perm(name, user, obj)
    record_event(
        actor=actor,
        action="permissions.changed",
        subject=Subject(obj._meta.model_name or "", obj.pk),
        change=Change(
            {"user": user.username, "permissions": sorted(before)},
            {"user": user.username, "permissions": sorted(after)},
            reason,
        ),
    )
    return True


def grantable(obj: models.Model) -> dict[str, str]:
    """Codename → name of the permissions that mean something on one row: to see it and, on queues, to claim from it."""
    meta = obj._meta
    rows = ModelPermission.objects.filter(
        content_type__app_label=meta.app_label, content_type__model=meta.model_name
    ).order_by("codename")
    meaningful = {f"view_{meta.model_name}", *(codename for codename, _ in meta.permissions)}
    return {p.codename: p.name for p in rows if p.codename in meaningful}


def sign(obj: models.Model, actor: Actor) -> None:
    """Name the author for django-simple-history, which knows only browser sessions."""
    obj._history_user = User(pk=actor.user_id) if actor.user_id else None  # type: ignore[attr-defined]


def _own(actor: Actor, obj: models.Model, many: dict[str, list[Any]] | None = None) -> None:
    """The row and everything it names belong to the actor's workspace."""
    named = [obj, *(row for rows in (many or {}).values() for row in rows)]
    for field in obj._meta.concrete_fields:
        if field.is_relation and not isinstance(getattr(obj, field.attname), type(None)):
            named.append(getattr(obj, field.name))
    for row in named:
        if getattr(row, "workspace_id", actor.workspace_id) != actor.workspace_id:
            raise NotFound()
