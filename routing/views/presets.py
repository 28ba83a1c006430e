"""Page: choose a preset, which makes a draft."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from hitl.accounts.views.base import Page
from hitl.core.errors import InvalidInput, Refused
from hitl.core.permissions import Permission
from routing.access import policy_for
from routing.actions.policies import propose_version
from routing.models import Policy, PolicyVersion
from routing.presets import preset_named, presets, with_preset


class Presets(Page):
    """GET: what there is to choose. POST: `preset` merged into the version in force becomes a draft."""

    permission = Permission.WRITE_POLICIES

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        return self._page(request, policy_for(self.actor, slug))

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        policy = policy_for(self.actor, slug)
        try:
            preset = preset_named(request.POST.get("preset", ""))
            active = PolicyVersion.objects.filter(policy=policy, status=PolicyVersion.Status.ACTIVE).first()
            document = with_preset(active.document if active else {}, preset)
            note = f"preset {preset.name}"
            version = propose_version(actor=self.actor, policy=policy, document=document, note=note)
        except (InvalidInput, Refused) as error:
            return self._page(request, policy, error)
        return redirect("policy-version", slug, version.number)

    def _page(self, request: HttpRequest, policy: Policy, error: InvalidInput | Refused | None = None) -> HttpResponse:
        context = {
            "policy": policy,
            "presets": tuple(presets().values()),
            "problems": (error.errors or (error.detail,)) if error else (),
            "chosen": request.POST.get("preset", ""),
        }
        return render(request, "routing/presets.html", context, status=422 if error else 200)
