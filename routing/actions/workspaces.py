"""Workspaces and their members, for the operator's command; people use the page People."""

from django.db import transaction

from audit.actions.entities import save_recorded
from audit.actions.events import Change, Subject, record_event
from hitl.accounts.actions.people import change_role
from hitl.accounts.models import Membership, User, Workspace
from hitl.core.actors import Actor, system_actor
from hitl.core.permissions import Permission, Role

OPERATOR = "apply_config"


@transaction.atomic
def create_workspace(*, slug: str, title: str) -> Workspace:
    """A new, empty workspace. Raises Refused where the slug is taken or not one."""
    workspace = Workspace(slug=slug, title=title)
    save_recorded(actor=system_actor(workspace.pk, OPERATOR), obj=workspace)
    return workspace


@transaction.atomic
def retitle_workspace(*, actor: Actor, title: str) -> bool:
    """Another title for the actor's workspace; whether that changed anything."""
    actor.require(Permission.CONFIGURE)
    workspace = Workspace.objects.select_for_update().get(pk=actor.workspace_id)
    workspace.title = title
    return save_recorded(actor=actor, obj=workspace)


@transaction.atomic
def set_member(*, actor: Actor, user: User, role: Role) -> str | None:
    """Make `user` an active member with `role`. The role before, or null when they were none.

    Raises Forbidden, Conflict (`last_supervisor`).
    """
    actor.require(Permission.MANAGE_PEOPLE)
    Workspace.objects.select_for_update().get(pk=actor.workspace_id)
    member = Membership.objects.filter(workspace_id=actor.workspace_id, user=user).first()
    if member is not None and member.active:
        before: str = member.role
        change_role(actor=actor, membership=member, role=role)
        return before
    member = member or Membership(workspace_id=actor.workspace_id, user=user)
    member.role, member.active = role.value, True
    member.save()
    record_event(
        actor=actor,
        action="person.joined",
        subject=Subject("membership", member.pk),
        change=Change(after={"username": user.username, "role": role.value}),
    )
    return None
