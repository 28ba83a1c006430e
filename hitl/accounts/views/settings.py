"""/settings: one's own preferences and keys; and the stop button, for those who may press it."""

import uuid
from functools import partial
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from hitl.accounts.actions.keys import create_own_key, revoke_key
from hitl.accounts.actions.preferences import change_preferences
from hitl.accounts.actions.workspace import set_machine_stopped
from hitl.accounts.forms import KeyForm, PreferencesForm, StopForm
from hitl.accounts.models import ApiKey, User, Workspace
from hitl.accounts.views.base import Page, attempt, show_secret
from hitl.core.errors import NotFound
from hitl.core.permissions import Permission


class Settings(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Change preferences."""
        form = PreferencesForm(request.POST)
        if not form.is_valid():
            return self.page(request, preferences=form)
        given = form.cleaned_data
        change_preferences(
            actor=self.actor,
            theme=User.Theme(given["theme"]),
            language=given["language"],
            keys_enabled=given["keys_enabled"],
        )
        with translation.override(given["language"] or translation.get_language_from_request(request)):
            messages.success(request, _("Saved."))
        return redirect("settings")

    def page(
        self,
        request: HttpRequest,
        *,
        preferences: PreferencesForm | None = None,
        key_form: KeyForm | None = None,
        stop_form: StopForm | None = None,
    ) -> HttpResponse:
        """The whole page, with whichever form was sent and is wrong."""
        user = cast(User, request.user)
        stop = self.actor.may(Permission.STOP_MACHINE)
        context = {
            "preferences": preferences or PreferencesForm(initial=preferences_of(user)),
            "key_form": key_form or KeyForm(scopes=self.actor.scopes),
            "may_configure": self.actor.may(Permission.CONFIGURE),
            "stop_form": (stop_form or StopForm()) if stop else None,
            "keys": own_keys(user, self.actor.workspace_id),
            "workspace": Workspace.objects.get(pk=self.actor.workspace_id),
        }
        return render(request, "accounts/settings.html", context)


class OwnKeys(Settings):
    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("settings")

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make a key; its secret is shown on the answer, once."""
        form = KeyForm(request.POST, scopes=self.actor.scopes)
        if not form.is_valid():
            return self.page(request, key_form=form)
        made = create_own_key(actor=self.actor, scopes=form.chosen_scopes(), name=form.cleaned_data["name"])
        note = _("It acts as you, with the scopes you chose.")
        return show_secret(
            request, title=_("Your new API key"), secret=made.secret, note=note, back=reverse("settings")
        )


class RevokeOwnKey(Page):
    def post(self, request: HttpRequest, key_id: uuid.UUID) -> HttpResponse:
        key = ApiKey.objects.filter(
            pk=key_id, workspace_id=self.actor.workspace_id, user=cast(User, request.user)
        ).first()
        if key is None:
            raise NotFound()
        attempt(request, partial(revoke_key, actor=self.actor, key=key), _("The key no longer works."))
        return redirect("settings")


class StopButton(Settings):
    permission = Permission.STOP_MACHINE

    def get(self, request: HttpRequest) -> HttpResponse:
        return redirect("settings")

    def post(self, request: HttpRequest) -> HttpResponse:
        """`stop` in the form stops the machine, its absence lets it decide again."""
        form = StopForm(request.POST)
        if not form.is_valid():
            return self.page(request, stop_form=form)
        stopped = "stop" in request.POST
        press = partial(set_machine_stopped, actor=self.actor, stopped=stopped, reason=form.cleaned_data["reason"])
        done = _("The machine is stopped: people decide every case.") if stopped else _("The machine may decide again.")
        attempt(request, press, done)
        return redirect("settings")


def preferences_of(user: User) -> dict[str, Any]:
    """What the person's form shows."""
    return {"theme": user.theme, "language": user.language, "keys_enabled": user.keys_enabled}


def own_keys(user: User, workspace_id: uuid.UUID) -> list[ApiKey]:
    """The person's keys that were not revoked, newest first."""
    rows = ApiKey.objects.filter(user=user, workspace_id=workspace_id, revoked_at__isnull=True)
    return list(rows.order_by("-id"))
