"""/people: who belongs to the workspace, and as what."""

import uuid
from functools import partial

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from hitl.accounts.actions.grants import grantable_roles
from hitl.accounts.actions.people import change_role, deactivate_person, invite_person, send_reset
from hitl.accounts.forms import InviteForm, RoleForm
from hitl.accounts.models import Membership
from hitl.accounts.views.base import Page, attempt
from hitl.core.errors import FieldProblem, InvalidInput, NotFound
from hitl.core.permissions import Permission, Role

_PER_PAGE = 100


class People(Page):
    permission = Permission.MANAGE_PEOPLE

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, InviteForm(roles=grantable_roles(self.actor)))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Invite."""
        form = InviteForm(request.POST, roles=grantable_roles(self.actor))
        if not form.is_valid():
            return self._page(request, form)
        given = form.cleaned_data
        invite = partial(
            invite_person,
            actor=self.actor,
            email=given["email"],
            name=given["name"],
            role=Role(given["role"]),
            base_url=request.build_absolute_uri("/"),
        )
        attempt(request, invite, _("Invited. The link to set a password is on its way to %s.") % given["email"])
        return redirect("people")

    def _page(self, request: HttpRequest, form: InviteForm) -> HttpResponse:
        rows = Membership.objects.filter(workspace_id=self.actor.workspace_id).select_related("user")
        page = Paginator(rows.order_by("-active", "user__username"), _PER_PAGE).get_page(request.GET.get("page"))
        context = {
            "form": form,
            "page": page,
            "next_url": f"?page={page.next_page_number()}" if page.has_next() else None,
            "roles": grantable_roles(self.actor),
        }
        return render(request, "accounts/people.html", context)


class _OnePerson(Page):
    """A button on a row of the list."""

    permission = Permission.MANAGE_PEOPLE

    def post(self, request: HttpRequest, membership_id: uuid.UUID) -> HttpResponse:
        rows = Membership.objects.filter(workspace_id=self.actor.workspace_id, pk=membership_id)
        membership = rows.select_related("user").first()
        if membership is None:
            raise NotFound()
        self.carry_out(request, membership)
        return redirect("people")

    def carry_out(self, request: HttpRequest, membership: Membership) -> None:
        raise NotImplementedError


class ChangeRole(_OnePerson):
    def carry_out(self, request: HttpRequest, membership: Membership) -> None:
        form = RoleForm(request.POST)
        if not form.is_valid():
            raise InvalidInput(errors=[FieldProblem("/role", "Choose one of the roles.", "invalid_choice")])
        role = Role(form.cleaned_data["role"])
        change = partial(change_role, actor=self.actor, membership=membership, role=role)
        attempt(request, change, _("%(who)s is now %(role)s.") % {"who": membership.user, "role": role.value})


class Deactivate(_OnePerson):
    def carry_out(self, request: HttpRequest, membership: Membership) -> None:
        end = partial(deactivate_person, actor=self.actor, membership=membership)
        attempt(request, end, _("%s is no longer active here; their keys are revoked.") % membership.user)


class SendReset(_OnePerson):
    def carry_out(self, request: HttpRequest, membership: Membership) -> None:
        base_url = request.build_absolute_uri("/")
        send = partial(send_reset, actor=self.actor, membership=membership, base_url=base_url)
        attempt(request, send, _("The link is on its way to %s.") % membership.user.email)
