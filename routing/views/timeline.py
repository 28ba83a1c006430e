"""Pages: what was in force when, and what differs between any two versions."""

from datetime import UTC

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from hitl.accounts.views.base import Page
from hitl.core.permissions import Permission
from routing.access import policy_for, version_for
from routing.differences import difference
from routing.models import PolicyVersion
from routing.timeline import in_force_then, intervals_of
from routing.views.forms import PairForm, WhenForm

_PICKED_FROM = 500


class History(Page):
    """Which version was in force in each stretch of time, and at the time asked for in `?at=`."""

    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        policy = policy_for(self.actor, slug)
        form = WhenForm(request.GET) if "at" in request.GET else WhenForm()
        asked = form.cleaned_data["at"].astimezone(UTC) if form.is_bound and form.is_valid() else None
        context = {
            "policy": policy,
            "form": form,
            "asked": asked,
            "found": in_force_then(policy, asked) if asked else (),
            "intervals": intervals_of(policy),
        }
        return render(request, "routing/history.html", context, status=422 if form.errors else 200)


class VersionPair(Page):
    """What differs between the versions in `?before=` and `?after=`; without them the two newest."""

    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        policy = policy_for(self.actor, slug)
        rows = PolicyVersion.objects.filter(policy=policy).order_by("-number")
        numbers = list(rows.values_list("number", flat=True)[:_PICKED_FROM])
        newest = {"before": numbers[1] if len(numbers) > 1 else "", "after": numbers[0] if numbers else ""}
        form = PairForm(request.GET if request.GET else newest, numbers=numbers)
        context = {"policy": policy, "form": form, "enough": len(numbers) > 1}
        if context["enough"] and form.is_valid():
            before, after = (version_for(self.actor, slug, form.cleaned_data[name]) for name in ("before", "after"))
            context |= {
                "before": before,
                "after": after,
                "difference": difference(before.document, after.document),
            }
        wrong = bool(request.GET and form.errors)
        return render(request, "routing/difference.html", context, status=422 if wrong else 200)
