"""API keys: the secret is shown once, when the key is made."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from audit.actions.events import Change, Subject, record_event
from hitl.accounts.actions.grants import require_scopes
from hitl.accounts.models import ApiKey, Client
from hitl.core.actors import Actor, ActorKind
from hitl.core.clock import now
from hitl.core.errors import Conflict, Forbidden, NotFound
from hitl.core.permissions import Permission, Scope

OVERLAP = timedelta(hours=24)  # how long a rotated key lives beside its successor


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key and its whole secret, which is stored nowhere."""

    key: ApiKey
    secret: str


@transaction.atomic
def create_client_key(
    *,
    actor: Actor,
    client: Client,
    scopes: Collection[Scope],
    name: str = "",
    task_type_ids: Collection[uuid.UUID] | None = None,
) -> NewKey:
    """A key for a client. Null `task_type_ids`: every task type; ids of elsewhere only narrow.

    Raises Forbidden (`scope_not_grantable`), NotFound, Conflict (`client_inactive`).
    """
    actor.require(Permission.MANAGE_CLIENTS)
    require_scopes(actor, scopes)
    row = Client.objects.select_for_update().filter(pk=client.pk, workspace_id=actor.workspace_id).first()
    if row is None:
        raise NotFound()
    if not row.active:
        raise Conflict("This client is no longer active.", code="client_inactive")
    limited = None if task_type_ids is None else sorted(set(task_type_ids))
    return _issue(actor, "key.created", ApiKey(client=row, name=name, scopes=_plain(scopes), task_type_ids=limited))


@transaction.atomic
def create_own_key(*, actor: Actor, scopes: Collection[Scope], name: str = "") -> NewKey:
    """A key that acts as the person who makes it, with these of their own scopes. Raises Forbidden."""
    if actor.kind is not ActorKind.USER or actor.key_id is not None:
        raise Forbidden("Sign in to make a key of your own; a key cannot make keys.")
    above = sorted(set(scopes) - actor.scopes)
    if above:
        raise Forbidden(f"Your role does not include: {', '.join(above)}.", code="scope_not_grantable")
    return _issue(actor, "key.created", ApiKey(user_id=actor.user_id, name=name, scopes=_plain(scopes)))


@transaction.atomic
def rotate_key(*, actor: Actor, key: ApiKey) -> NewKey:
    """A successor with the same scopes and limits; the old key lives on for a day, then ends by itself.

    Raises Forbidden (the new secret may not carry more than the actor may give), NotFound, Conflict (`key_ended`,
    `already_rotating`).
    """
    old = _lock(actor, key)
    if old.client_id is not None:
        require_scopes(actor, [Scope(s) for s in old.scopes])
    ends = now() + OVERLAP
    if old.revoked_at or (old.expires_at and old.expires_at <= now()):
        raise Conflict("This key has ended; create a new one.", code="key_ended")
    if old.expires_at and old.expires_at <= ends:
        raise Conflict("This key is being replaced already; rotate its successor.", code="already_rotating")
    fresh = _issue(
        actor,
        "key.rotated",
        ApiKey(
            client_id=old.client_id,
            user_id=old.user_id,
            name=old.name,
            scopes=old.scopes,
            task_type_ids=old.task_type_ids,
            requests_per_minute=old.requests_per_minute,
            expires_at=old.expires_at,
        ),
        replaces=old,
    )
    old.expires_at = ends
    old.save(update_fields=["expires_at"])
    return fresh


@transaction.atomic
def revoke_key(*, actor: Actor, key: ApiKey) -> None:
    """End a key at once. Twice changes nothing. Raises Forbidden, NotFound."""
    row = _lock(actor, key)
    if row.revoked_at is None:
        _revoke(actor, [row])


def revoke_all_keys(
    *, actor: Actor, workspace_id: uuid.UUID, client_id: uuid.UUID | None = None, user_id: uuid.UUID | None = None
) -> None:
    """End every key of one owner; part of ending the owner, inside that transaction and its permission."""
    owner = Q(client_id=client_id) if client_id else Q(user_id=user_id, client__isnull=True)
    _revoke(actor, ApiKey.objects.select_for_update().filter(owner, workspace_id=workspace_id, revoked_at__isnull=True))


def _revoke(actor: Actor, rows: Iterable[ApiKey]) -> None:
    for row in rows:
        row.revoked_at = now()
        row.save(update_fields=["revoked_at"])
        record_event(
            actor=actor, action="key.revoked", subject=Subject("apikey", row.pk), change=Change(after=_facts(row))
        )


def _lock(actor: Actor, key: ApiKey) -> ApiKey:
    """The key under its row lock, if it is the actor's own or a client's that they manage."""
    row = ApiKey.objects.select_for_update(of=("self",)).filter(pk=key.pk, workspace_id=actor.workspace_id).first()
    if row is None or (row.user_id is not None and row.user_id != actor.user_id):
        raise NotFound()
    if row.client_id is not None:
        actor.require(Permission.MANAGE_CLIENTS)
    return row


def _issue(actor: Actor, action: str, key: ApiKey, *, replaces: ApiKey | None = None) -> NewKey:
    whole, key.prefix, key.secret_hash = ApiKey.new_secret()
    key.workspace_id = actor.workspace_id
    key.save(force_insert=True)
    after = _facts(key) | ({"replaces": str(replaces)} if replaces else {})
    record_event(actor=actor, action=action, subject=Subject("apikey", key.pk), change=Change(after=after))
    return NewKey(key, whole)


def _facts(key: ApiKey) -> dict[str, object]:
    """What evidence shows of a key: everything but the secret."""
    return {
        "key": str(key),
        "name": key.name,
        "scopes": list(key.scopes),
        "client": str(key.client_id) if key.client_id else None,
        "user": str(key.user_id) if key.user_id else None,
        "task_type_ids": None if key.task_type_ids is None else [str(i) for i in key.task_type_ids],
    }


def _plain(scopes: Collection[Scope]) -> list[str]:
    return sorted({s.value for s in scopes})
