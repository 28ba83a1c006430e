"""Page: every stop button in one place, for whoever may press them; reading policies is not needed."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from hitl.accounts.actions.workspace import set_machine_stopped
from hitl.accounts.models import Workspace
from hitl.accounts.views.base import Page, attempt
from hitl.core.errors import NotFound
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission
from routing.access import stoppable_task_types
from routing.actions.policies import set_task_type_stopped
from routing.views.forms import StopForm


class StopButtons(Page):
    """GET: what runs and what is stopped. POST: everything; `stop` given stops, absent resumes."""

    permission = Permission.STOP_MACHINE

    def get(self, request: HttpRequest) -> HttpResponse:
        page = page_by_id(stoppable_task_types(self.actor), limit=50, cursor=request.GET.get("cursor"))
        context = {
            "workspace": Workspace.objects.get(pk=self.actor.workspace_id),
            "rows": [(kind, StopForm(auto_id=f"{kind.slug}-%s")) for kind in page.rows],
            "stop_form": StopForm(auto_id="all-%s"),
            "next_url": f"?cursor={page.next}" if page.next else None,
        }
        return render(request, "routing/stop.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        stop, reason = "stop" in request.POST, request.POST.get("reason", "")
        done = _("The machine is stopped.") if stop else _("The machine may decide again.")
        attempt(request, lambda: set_machine_stopped(actor=self.actor, stopped=stop, reason=reason), done)
        return redirect("stop")


class StopOne(Page):
    """One task type; `stop` given stops, absent resumes."""

    permission = Permission.STOP_MACHINE

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        kind = stoppable_task_types(self.actor).filter(slug=slug).first()
        if kind is None:
            raise NotFound()
        stop, reason = "stop" in request.POST, request.POST.get("reason", "")
        said = _("%(title)s: the machine is stopped.") if stop else _("%(title)s: the machine may decide again.")
        attempt(
            request,
            lambda: set_task_type_stopped(actor=self.actor, task_type=kind, stopped=stop, reason=reason),
            said % {"title": kind.title},
        )
        return redirect("stop")
