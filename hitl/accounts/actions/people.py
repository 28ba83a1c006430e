"""Who belongs to a workspace, and as what."""

import re

from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from hitl.accounts.actions.grants import require_role
from hitl.accounts.actions.keys import revoke_all_keys
from hitl.accounts.actions.mail import send_password_link
from hitl.accounts.models import Membership, User, Workspace
from hitl.core.actors import Actor
from hitl.core.errors import Conflict, Forbidden, NotFound
from hitl.core.permissions import Permission, Role


def invite_person(*, actor: Actor, email: str, role: Role, base_url: str, name: str = "") -> Membership:
    """Add the person with this address and mail them a link to set a password.

    An account that exists (another workspace's) is joined, a former member is taken back. Raises Forbidden, Conflict
    (`already_member`), Unavailable (`mail_away`: the person is added all the same).
    """
    actor.require(Permission.MANAGE_PEOPLE)
    require_role(actor, role)
    membership = _join(actor, email.strip(), name.strip(), role)
    _send_link(membership, base_url, invited=True)
    return membership


@transaction.atomic
def change_role(*, actor: Actor, membership: Membership, role: Role) -> None:
    """Give another role. Raises Forbidden, Conflict (`last_supervisor`); the same role changes nothing."""
    row = _lock(actor, membership)
    require_role(actor, role)
    before = row.role
    if before == role:
        return
    if before == Role.SUPERVISOR:
        _keep_a_supervisor(row)
    row.role = role
    row.save(update_fields=["role"])
    _record(actor, "person.role_changed", row, {"role": before}, {"role": role.value})


@transaction.atomic
def deactivate_person(*, actor: Actor, membership: Membership) -> None:
    """End the membership and revoke the person's keys here. Twice changes nothing. Raises as `change_role`."""
    row = _lock(actor, membership)
    if not row.active:
        return
    if row.role == Role.SUPERVISOR:
        _keep_a_supervisor(row)
    row.active = False
    row.save(update_fields=["active"])
    revoke_all_keys(actor=actor, workspace_id=row.workspace_id, user_id=row.user_id)
    _record(actor, "person.deactivated", row, {"active": True}, {"active": False})


def send_reset(*, actor: Actor, membership: Membership, base_url: str) -> None:
    """Mail the person a link to set a new password. Raises Conflict (`inactive`), Unavailable (`mail_away`)."""
    with transaction.atomic():
        actor.require(Permission.MANAGE_PEOPLE)
        row = _of_workspace(actor, membership)
        if not row.active:
            raise Conflict("This person is no longer active here; invite them again.", code="inactive")
        _record(actor, "person.reset_sent", row, None, None)
    _send_link(row, base_url, invited=False)


@transaction.atomic
def _join(actor: Actor, email: str, name: str, role: Role) -> Membership:
    # One invitation at a time per workspace: two at once must not make two accounts for one address.
    Workspace.objects.select_for_update().get(pk=actor.workspace_id)
    user = User.objects.filter(email__iexact=email, is_active=True, simulated=False).order_by("id").first()
    if user is None:
        first, _, last = name.partition(" ")
        user = User(username=_free_username(email), email=email, first_name=first[:150], last_name=last[:150])
        user.set_unusable_password()
        user.save()
    row, created = Membership.objects.get_or_create(
        workspace_id=actor.workspace_id, user=user, defaults={"role": role.value}
    )
    if not created:
        if row.active:
            raise Conflict("A person with this address is a member already.", code="already_member")
        require_role(actor, Role(row.role))
        row.role, row.active = role.value, True
        row.save(update_fields=["role", "active"])
    _record(actor, "person.invited", row, None, {"username": user.username, "email": email, "role": role.value})
    return row


def _free_username(email: str) -> str:
    """The local part of the address, with the first free number where it is taken."""
    base = re.sub(r"[^\w.+-]", "", email.partition("@")[0].lower())[:100] or "person"
    taken = set(User.objects.filter(username__istartswith=base).values_list("username", flat=True))
    lowered = {name.lower() for name in taken}
    number = 1
    while (name := base if number == 1 else f"{base}{number}") in lowered:
        number += 1
    return name


def _lock(actor: Actor, membership: Membership) -> Membership:
    """The membership under its row lock, if this actor may change it: nobody their own, supervisors' by supervisors."""
    actor.require(Permission.MANAGE_PEOPLE)
    row = _of_workspace(actor, membership, lock=True)
    require_role(actor, Role(row.role))
    if row.user_id == actor.user_id and not (row.role == Role.SUPERVISOR):
        raise Forbidden("Somebody else must change your own role.", code="own_role")
    return row


def _of_workspace(actor: Actor, membership: Membership, *, lock: bool = False) -> Membership:
    rows = Membership.objects.filter(workspace_id=actor.workspace_id, pk=membership.pk)
    if lock:
        # Supervisors are locked together and in one order, so that two of them cannot remove each other at once.
        same = Membership.objects.filter(workspace_id=actor.workspace_id, role=Role.SUPERVISOR, active=True)
        list((rows | same).select_for_update().order_by("id"))
    row = rows.select_related("user", "workspace").first()
    if row is None:
        raise NotFound()
    return row


def _keep_a_supervisor(leaving: Membership) -> None:
    others = Membership.objects.filter(
        workspace_id=leaving.workspace_id, role=Role.SUPERVISOR, active=True, user__is_active=True
    ).exclude(pk=leaving.pk)
    if not others.exists():
        raise Conflict("The last active supervisor must stay. Make somebody else one first.", code="last_supervisor")


def _send_link(membership: Membership, base_url: str, *, invited: bool) -> None:
    send_password_link(user=membership.user, workspace=membership.workspace, base_url=base_url, invited=invited)


def _record(
    actor: Actor, action: str, row: Membership, before: dict[str, object] | None, after: dict[str, object] | None
) -> None:
    record_event(actor=actor, action=action, subject=Subject("person", row.user_id), change=Change(before, after))
