"""The demo's workspace and people. Real people are invited by mail; these get a password at once."""

import secrets

from django.db import transaction

from audit.actions.events import Subject, record_event
from hitl.accounts.actions.clients import create_client
from hitl.accounts.actions.keys import create_client_key, create_own_key, revoke_all_keys
from hitl.accounts.models import Client, Membership, User, Workspace
from hitl.accounts.selectors import actor_of_user
from hitl.core.actors import Actor
from hitl.core.errors import Conflict
from hitl.core.permissions import Role, Scope
from routing.actions.workspaces import create_workspace, set_member


def ensure_workspace(*, slug: str, title: str) -> Workspace:
    """The workspace of this name, made where there is none."""
    return Workspace.objects.filter(slug=slug).first() or create_workspace(slug=slug, title=title)


@transaction.atomic
def ensure_person(
    *, actor: Actor, username: str, name: str, role: Role, note: str = "", simulated: bool = False
) -> User:
    """The member of this name, made where there is none, without a password. `note` is shown after the name.

    Raises Conflict (`name_taken`) where somebody of another workspace has this user name.
    """
    user = User.objects.filter(username=username).first()
    if user is None:
        user = User(username=username, first_name=name, last_name=note, simulated=simulated)
        user.set_unusable_password()
        user.save(force_insert=True)
        set_member(actor=actor, user=user, role=role)
    elif not Membership.objects.filter(workspace_id=actor.workspace_id, user=user).exists():
        raise Conflict(f"There is another {username} in this installation; the demo needs the name.", code="name_taken")
    return user


@transaction.atomic
def renew_password(*, actor: Actor, user: User) -> str:
    """Give a new random password and return it; it is stored hashed only."""
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.save(update_fields=["password"])
    record_event(actor=actor, action="person.password_set", subject=Subject("person", user.pk))
    return password


@transaction.atomic
def renew_own_key(*, actor: Actor, user: User) -> str:
    """End the person's keys in this workspace and make one with everything their role includes; returns the secret."""
    revoke_own_keys(actor=actor, user=user)
    person = actor_of_user(user, actor.workspace_id)
    assert person is not None
    return create_own_key(actor=person, scopes=person.scopes, name="demo").secret


@transaction.atomic
def revoke_own_keys(*, actor: Actor, user: User) -> None:
    """End every key of the person in this workspace."""
    revoke_all_keys(actor=actor, workspace_id=actor.workspace_id, user_id=user.pk)


@transaction.atomic
def renew_client_key(*, actor: Actor, name: str) -> str:
    """End the client's keys and make one with all scopes, and the client where there is none; returns the secret."""
    client = Client.objects.filter(workspace_id=actor.workspace_id, name=name).first()
    if client is None:
        client = create_client(actor=actor, name=name)
    revoke_all_keys(actor=actor, workspace_id=actor.workspace_id, client_id=client.pk)
    return create_client_key(actor=actor, client=client, scopes=list(Scope), name="demo").secret
