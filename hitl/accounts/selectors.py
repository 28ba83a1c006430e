"""From credentials to an Actor, in one query each."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from hitl.accounts.models import ApiKey, Membership, User
from hitl.core.actors import Actor, ActorKind
from hitl.core.clock import now
from hitl.core.permissions import ROLE_SCOPES, Role, Scope
from hitl.core.rows import run_pipelined

_KEY_SQL = """
SELECT k.id, k.workspace_id, array_to_string(k.scopes, ' '), k.task_type_ids, k.requests_per_minute, k.expires_at,
       k.revoked_at, c.id, c.name, c.active, u.id, u.username, u.is_active, m.role, m.active
FROM accounts_apikey k
LEFT JOIN accounts_client c ON c.id = k.client_id
LEFT JOIN accounts_user u ON u.id = k.user_id
LEFT JOIN accounts_membership m ON m.user_id = k.user_id AND m.workspace_id = k.workspace_id
WHERE k.prefix = %s AND k.secret_hash = %s
"""


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A live key's actor and its limit per minute."""

    actor: Actor
    requests_per_minute: int


def holder_of_key(whole: str) -> KeyHolder | None:
    """The actor behind an API key; null when unknown, revoked, expired, or its owner is no longer active."""
    parts = whole.split("_", 2)
    if len(parts) != 3 or parts[0] != "hitl" or "\x00" in whole:
        return None
    (rows,) = run_pipelined((_KEY_SQL, [parts[1], ApiKey.hash(whole)]))
    if not rows or not _alive(rows[0][5], rows[0][6]):
        return None
    row = rows[0]
    key_id, workspace_id, scope_names, task_types, limit, _, _, client_id, client_name, client_active = row[:10]
    user_id, username, user_active, role_name, member = row[10:]
    scopes = _scopes(scope_names)
    task_type_ids = None if task_types is None else frozenset(task_types)
    if client_id is not None:
        if not client_active:
            return None
        actor = Actor(ActorKind.CLIENT, workspace_id, client_name, None, client_id, key_id, None, scopes, task_type_ids)
        return KeyHolder(actor, limit)
    if not (user_active and member):
        return None
    role = Role(role_name)
    actor = Actor(
        ActorKind.USER, workspace_id, username, user_id, None, key_id, role, scopes & ROLE_SCOPES[role], task_type_ids
    )
    return KeyHolder(actor, limit)


@lru_cache(maxsize=256)
def _scopes(names: str) -> frozenset[Scope]:
    return frozenset(Scope(name) for name in names.split())


def _alive(expires_at: datetime | None, revoked_at: datetime | None) -> bool:
    return revoked_at is None and (expires_at is None or expires_at > now())


def actor_of_user(user: User, workspace_id: uuid.UUID | None = None) -> Actor | None:
    """The person's actor in the chosen workspace (else their first); null without an active membership."""
    memberships = Membership.objects.filter(user_id=user.pk, active=True).order_by("id")
    if workspace_id is not None:
        memberships = memberships.filter(workspace_id=workspace_id)
    found = memberships.first()
    if found is None or not user.is_active:
        return None
    role = Role(found.role)
    return Actor(
        kind=ActorKind.USER,
        workspace_id=found.workspace_id,
        label=user.get_username(),
        user_id=user.pk,
        role=role,
        scopes=ROLE_SCOPES[role],
    )
