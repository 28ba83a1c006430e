"""The page of model versions: what each one's answers count for, and how many cases it lately had."""

import uuid
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from hitl.accounts.views.base import Page, attempt
from hitl.core.actors import Actor
from hitl.core.errors import NotFound
from hitl.core.pagination import page_by_id
from hitl.core.permissions import Permission
from routing.access import model_version_for, visible_model_versions
from routing.actions.models import move_model_version
from routing.models import ModelVersion

NEWEST = 5_000
_COUNTS = """
SELECT c.task_type_id, c.model_version, count(*)
FROM unnest(%s::uuid[]) AS t(id) CROSS JOIN LATERAL (
  SELECT task_type_id, model_version FROM reviews_case
  WHERE workspace_id = %s AND task_type_id = t.id ORDER BY id DESC LIMIT %s) c
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model version, its cases among the newest of its task type, and where it may be moved."""

    model: ModelVersion
    n: int
    targets: tuple[str, ...]


class ModelsPage(Page):
    permission = Permission.READ_POLICIES

    def get(self, request: HttpRequest) -> HttpResponse:
        """Newest first."""
        page = page_by_id(visible_model_versions(self.actor), limit=50, cursor=request.GET.get("cursor"))
        counts = _counts(self.actor, page.rows)
        may_move = self.actor.may(Permission.APPROVE_POLICIES)
        context = {
            "rows": [
                ModelRow(
                    model,
                    counts.get((model.task_type_id, model.name), 0),
                    tuple(sorted(ModelVersion.TRANSITIONS[model.status])) if may_move else (),
                )
                for model in page.rows
            ],
            "newest": NEWEST,
            "next_url": f"?{urlencode({'cursor': page.next})}" if page.next else None,
        }
        return render(request, "feedback/models.html", context)


class MoveModel(Page):
    """Accept, hold in shadow or withdraw one."""

    permission = Permission.APPROVE_POLICIES

    def post(self, request: HttpRequest, model_id: uuid.UUID) -> HttpResponse:
        model = model_version_for(self.actor, model_id)
        status, reason = request.POST.get("status", ""), request.POST.get("reason", "")[:500]
        if status and status not in ModelVersion.TRANSITIONS:
            raise NotFound()
        attempt(
            request,
            lambda: move_model_version(actor=self.actor, model=model, status=status, reason=reason),
            _("%(model)s: %(status)s from the next case on.") % {"model": model.name, "status": status},
        )
        return redirect("feedback:models")


def _counts(actor: Actor, models: list[ModelVersion]) -> dict[tuple[uuid.UUID, str], int]:
    task_types = list({model.task_type_id for model in models})
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [task_types, actor.workspace_id, NEWEST])
        return {(task_type, name): n for task_type, name, n in cursor.fetchall()}
