"""The demo's people and the partner's key: made once, noted in `demo-credentials.json`, made anew when that is lost."""

from pathlib import Path

import msgspec

from hitl.accounts.models import User, Workspace
from hitl.accounts.selectors import holder_of_key
from hitl.core.actors import Actor
from hitl.core.permissions import Role
from hitl.demo.actions.people import ensure_person, renew_client_key, renew_own_key, renew_password
from hitl.demo.credentials import Credentials, UserCredentials, read_credentials, write_credentials
from hitl.demo.plan import CLIENT, PEOPLE, SIMULATED, Person
from reviews.models import Reviewer


def ensure_people(actor: Actor) -> None:
    """Everybody is a member of the workspace; nobody can sign in yet."""
    for person in PEOPLE:
        ensure_person(actor=actor, username=person.username, name=person.name, role=person.role)
    for sim in SIMULATED:
        note = f"(simulated, {sim.skill:.0%} right)"
        ensure_person(actor=actor, username=sim.username, name=sim.name, role=Role.REVIEWER, note=note, simulated=True)


def ensure_credentials(actor: Actor, workspace: Workspace, home: Path, base_url: str) -> Credentials:
    """The credentials on file while they still work, else new ones for everybody; tiers and queues as they are now."""
    found = valid_credentials(workspace, home)
    if found is None:
        users = {person.username: _renewed(actor, workspace, person) for person in PEOPLE}
        found = Credentials(base_url, workspace.slug, renew_client_key(actor=actor, name=CLIENT), users)
    users = {name: _placed(workspace, user) for name, user in found.users.items()}
    current = msgspec.structs.replace(found, base_url=base_url, users=users)
    write_credentials(home, current)
    return current


def valid_credentials(workspace: Workspace, home: Path) -> Credentials | None:
    """What is on file, unless it is another workspace's or a key of it has ended."""
    found = read_credentials(home)
    if found is None or found.workspace != workspace.slug or set(found.users) != {p.username for p in PEOPLE}:
        return None
    keys = [found.api_key, *(user.api_key for user in found.users.values())]
    holders = [holder_of_key(key) for key in keys]
    alive = all(holder is not None and holder.actor.workspace_id == workspace.pk for holder in holders)
    return found if alive else None


def note_address(credentials: Credentials, home: Path, base_url: str) -> None:
    """Write the credentials down again where hitl has moved to another address."""
    if credentials.base_url != base_url:
        write_credentials(home, msgspec.structs.replace(credentials, base_url=base_url))


def _renewed(actor: Actor, workspace: Workspace, person: Person) -> UserCredentials:
    user = User.objects.get(username=person.username, memberships__workspace=workspace)
    password, key = renew_password(actor=actor, user=user), renew_own_key(actor=actor, user=user)
    return UserCredentials(person.username, password, person.role.value, key, tier=None, queues=())


def _placed(workspace: Workspace, user: UserCredentials) -> UserCredentials:
    """The same with the person's tier and own queues."""
    profile = Reviewer.objects.filter(workspace=workspace, user__username=user.username).select_related("tier").first()
    if profile is None:
        return user
    queues = tuple(profile.queues.order_by("slug").values_list("slug", flat=True))
    return msgspec.structs.replace(user, tier=profile.tier.slug, queues=queues)
