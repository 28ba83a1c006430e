"""Partners' named integrations."""

from django.db import IntegrityError, transaction

from audit.actions.events import Change, Subject, record_event
from hitl.accounts.actions.keys import revoke_all_keys
from hitl.accounts.models import Client
from hitl.core.actors import Actor
from hitl.core.errors import Conflict, NotFound
from hitl.core.permissions import Permission


@transaction.atomic
def create_client(*, actor: Actor, name: str) -> Client:
    """A new client without keys. Raises Forbidden, Conflict (`name_taken`)."""
    actor.require(Permission.MANAGE_CLIENTS)
    try:
        with transaction.atomic():
            client = Client.objects.create(workspace_id=actor.workspace_id, name=name.strip())
    except IntegrityError as error:
        if "client_name_unique" not in str(error):
            raise
        raise Conflict("There is a client with this name already.", code="name_taken") from None
    record_event(
        actor=actor, action="client.created", subject=Subject("client", client.pk), change=Change(after={"name": name})
    )
    return client


@transaction.atomic
def deactivate_client(*, actor: Actor, client: Client) -> None:
    """Refuse the client from now on: its keys are revoked, its webhooks rest. Its cases stay. Twice changes nothing."""
    actor.require(Permission.MANAGE_CLIENTS)
    changed = Client.objects.filter(pk=client.pk, workspace_id=actor.workspace_id, active=True).update(active=False)
    if not changed:
        if Client.objects.filter(pk=client.pk, workspace_id=actor.workspace_id).exists():
            return
        raise NotFound()
    revoke_all_keys(actor=actor, workspace_id=actor.workspace_id, client_id=client.pk)
    record_event(
        actor=actor,
        action="client.deactivated",
        subject=Subject("client", client.pk),
        change=Change({"active": True}, {"active": False}),
    )
