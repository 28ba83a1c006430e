"""/partners: clients, their keys and webhooks."""

import uuid
from dataclasses import dataclass
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from hitl.accounts.actions.clients import create_client, deactivate_client
from hitl.accounts.actions.grants import grantable_scopes
from hitl.accounts.actions.keys import create_client_key, revoke_key, rotate_key
from hitl.accounts.models import ApiKey, Client
from hitl.accounts.views.base import Page, attempt, show_secret
from hitl.core.errors import NotFound
from hitl.core.permissions import Permission
from hitl.delivery.access import delivery_for, endpoint_for
from hitl.delivery.actions.endpoints import register_endpoint, replay_delivery, revoke_endpoint, send_test
from hitl.delivery.forms import ClientForm, ClientKeyForm, WebhookForm
from hitl.delivery.models import WebhookDelivery, WebhookEndpoint
from hitl.delivery.selectors import clients_of, endpoints_of, recent_deliveries, task_type_choices


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """An endpoint and what was last sent to it."""

    endpoint: WebhookEndpoint
    deliveries: list[WebhookDelivery]


class PartnerPage(Page):
    permission = Permission.MANAGE_CLIENTS

    def client_or_404(self, client_id: uuid.UUID) -> Client:
        """The client, if it is this workspace's."""
        found = clients_of(self.actor.workspace_id).filter(pk=client_id).first()
        if found is None:
            raise NotFound()
        return found

    def webhooks(self, client: Client | None) -> list[WebhookRow]:
        """The endpoints of a client, or the workspace's own."""
        rows = endpoints_of(self.actor).filter(client=client).order_by("-id")
        return [WebhookRow(endpoint, recent_deliveries(endpoint)) for endpoint in rows]

    def list_page(
        self, request: HttpRequest, *, form: ClientForm | None = None, webhook_form: WebhookForm | None = None
    ) -> HttpResponse:
        """All clients, and the workspace's own webhooks."""
        context = {
            "clients": clients_of(self.actor.workspace_id),
            "form": form or ClientForm(),
            "webhook_form": webhook_form or WebhookForm(),
            "webhooks": self.webhooks(None),
            "webhook_action": reverse("workspace-webhooks"),
        }
        return render(request, "delivery/partners.html", context)

    def client_page(
        self,
        request: HttpRequest,
        client: Client,
        *,
        key_form: ClientKeyForm | None = None,
        webhook_form: WebhookForm | None = None,
    ) -> HttpResponse:
        """One client with everything it owns."""
        context = {
            "client": client,
            "keys": [key for key in client.keys.all() if key.revoked_at is None],
            "key_form": key_form or self.key_form(),
            "webhook_form": webhook_form or WebhookForm(),
            "webhooks": self.webhooks(client),
            "webhook_action": reverse("client-webhooks", args=[client.pk]),
            "base_url": request.build_absolute_uri("/api/v1"),
        }
        return render(request, "delivery/partner.html", context)

    def key_form(self, data: object = None) -> ClientKeyForm:
        """The form for a key with what this person may give."""
        return ClientKeyForm(
            data,
            scopes=grantable_scopes(self.actor),
            task_types=task_type_choices(self.actor.workspace_id),
        )

    def add_webhook(self, request: HttpRequest, form: WebhookForm, client: Client | None) -> HttpResponse:
        """Register; the secret is the answer, a refusal leads back."""
        back = reverse("partner", args=[client.pk]) if client else reverse("partners")
        register = partial(
            register_endpoint,
            actor=self.actor,
            url=form.cleaned_data["url"],
            event_types=form.cleaned_data["event_types"],
            client_id=client.pk if client else None,
        )
        endpoint = attempt(request, register)
        if endpoint is None:
            return redirect(back)
        note = _("Receivers verify each message with it, by Standard Webhooks 1.0.")
        return show_secret(request, title=_("The webhook's secret"), secret=endpoint.secret, note=note, back=back)


class Partners(PartnerPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self.list_page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Create a client."""
        form = ClientForm(request.POST)
        if not form.is_valid():
            return self.list_page(request, form=form)
        name = form.cleaned_data["name"]
        client = attempt(request, partial(create_client, actor=self.actor, name=name), _("Created. Now make a key."))
        return redirect("partner", client.pk) if client else redirect("partners")


class Partner(PartnerPage):
    def get(self, request: HttpRequest, client_id: uuid.UUID) -> HttpResponse:
        return self.client_page(request, self.client_or_404(client_id))


class DeactivateClient(PartnerPage):
    def post(self, request: HttpRequest, client_id: uuid.UUID) -> HttpResponse:
        client = self.client_or_404(client_id)
        end = partial(deactivate_client, actor=self.actor, client=client)
        attempt(request, end, _("%s is no longer active; its keys are revoked.") % client.name)
        return redirect("partner", client.pk)


class ClientKeys(PartnerPage):
    def post(self, request: HttpRequest, client_id: uuid.UUID) -> HttpResponse:
        """Make a key; its secret is the answer."""
        client = self.client_or_404(client_id)
        form = self.key_form(request.POST)
        if not form.is_valid():
            return self.client_page(request, client, key_form=form)
        make = partial(
            create_client_key,
            actor=self.actor,
            client=client,
            name=form.cleaned_data["name"],
            scopes=form.chosen_scopes(),
            task_type_ids=form.chosen_task_types(),
        )
        made = attempt(request, make)
        back = reverse("partner", args=[client.pk])
        if made is None:
            return redirect(back)
        note = _("It belongs to %s.") % client.name
        return show_secret(request, title=_("The new API key"), secret=made.secret, note=note, back=back)


class _OneKey(PartnerPage):
    def key_or_404(self, client_id: uuid.UUID, key_id: uuid.UUID) -> ApiKey:
        found = self.client_or_404(client_id).keys.filter(pk=key_id).first()
        if found is None:
            raise NotFound()
        return found


class RotateKey(_OneKey):
    def post(self, request: HttpRequest, client_id: uuid.UUID, key_id: uuid.UUID) -> HttpResponse:
        key = self.key_or_404(client_id, key_id)
        made = attempt(request, partial(rotate_key, actor=self.actor, key=key))
        back = reverse("partner", args=[client_id])
        if made is None:
            return redirect(back)
        note = _("The old key keeps working for 24 hours; revoke it sooner once nothing uses it.")
        return show_secret(request, title=_("The new API key"), secret=made.secret, note=note, back=back)


class RevokeKey(_OneKey):
    def post(self, request: HttpRequest, client_id: uuid.UUID, key_id: uuid.UUID) -> HttpResponse:
        key = self.key_or_404(client_id, key_id)
        attempt(request, partial(revoke_key, actor=self.actor, key=key), _("The key no longer works."))
        return redirect("partner", client_id)


class ClientWebhooks(PartnerPage):
    def post(self, request: HttpRequest, client_id: uuid.UUID) -> HttpResponse:
        client, form = self.client_or_404(client_id), WebhookForm(request.POST)
        if not form.is_valid():
            return self.client_page(request, client, webhook_form=form)
        return self.add_webhook(request, form, client)


class WorkspaceWebhooks(PartnerPage):
    def post(self, request: HttpRequest) -> HttpResponse:
        form = WebhookForm(request.POST)
        if not form.is_valid():
            return self.list_page(request, webhook_form=form)
        return self.add_webhook(request, form, None)


class TestWebhook(PartnerPage):
    def post(self, request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
        endpoint = endpoint_for(self.actor, webhook_id)
        test = partial(send_test, actor=self.actor, endpoint=endpoint)
        attempt(request, test, _("A test message is on its way; its result appears with the deliveries."))
        return back_to(endpoint)


class RevokeWebhook(PartnerPage):
    def post(self, request: HttpRequest, webhook_id: uuid.UUID) -> HttpResponse:
        endpoint = endpoint_for(self.actor, webhook_id)
        attempt(request, partial(revoke_endpoint, actor=self.actor, endpoint=endpoint), _("The webhook is revoked."))
        return back_to(endpoint)


class ReplayDelivery(PartnerPage):
    def post(self, request: HttpRequest, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> HttpResponse:
        delivery = delivery_for(self.actor, webhook_id, delivery_id)
        again = partial(replay_delivery, actor=self.actor, delivery=delivery)
        attempt(request, again, _("The message is sent again."))
        return back_to(delivery.endpoint)


def back_to(endpoint: WebhookEndpoint) -> HttpResponse:
    """The page where this endpoint is listed."""
    return redirect("partner", endpoint.client_id) if endpoint.client_id else redirect("partners")
