"""Several people who judge one case under a scheme."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import Workspace
from hitl.core.ids import new_id
from reviews.models.cases import Case, Decision
from reviews.models.queues import Queue


class Panel(models.Model):
    """The people of one case under the scheme its queue had when the first review opened; the scheme is pinned.

    `open`: people judge. `adjudication`: they disagreed and somebody else decides. `returned`: they disagreed and a
    supervisor is asked. A case of a single reviewer has no panel.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        ADJUDICATION = "adjudication", _("Adjudication")
        RETURNED = "returned", _("Returned")
        DECIDED = "decided", _("Decided")
        CANCELLED = "cancelled", _("Cancelled")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="panels")
    queue = models.ForeignKey(Queue, on_delete=models.PROTECT, related_name="+", db_index=False)
    scheme = models.JSONField(help_text="As declared when the panel met.")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.OPEN)
    explanation = models.TextField(blank=True, help_text="Of a conflict, or of how they agreed.")
    decision = models.ForeignKey(Decision, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    opened_at = models.DateTimeField()
    conflict_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case"],
                condition=models.Q(status__in=["open", "adjudication", "returned"]),
                name="panel_one_open_per_case",
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["workspace", "-id"],
                name="panel_in_conflict",
                condition=models.Q(status__in=["adjudication", "returned"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.scheme.get('kind', 'single')} ({self.status})"
