"""What supervisors should look at."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from routing.models import TaskType


class Alert(models.Model):
    """Something that needs a person's eye; one open row per kind and subject.

    `title`, `detail` and `runbook` are English texts as marked for translation; `values` fills their %(name)s places.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        RESOLVED = "resolved", _("Resolved")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=40, help_text="Dotted or snake case: backlog, appeals_spike …")
    subject_type = models.CharField(max_length=40, help_text="queue, task_type, reviewer …")
    subject_id = models.CharField(max_length=64)
    subject_title = models.CharField(max_length=200, blank=True)
    link = models.CharField(max_length=300, blank=True, help_text="A page of ours that shows more.")
    task_type = models.ForeignKey(
        TaskType,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Keys limited to other task types do not see it; null: the whole workspace's.",
    )
    title = models.CharField(max_length=200)
    detail = models.TextField()
    runbook = models.TextField(blank=True, help_text="What to do about it.")
    values = models.JSONField(default=dict)
    times = models.PositiveIntegerField(default=1, help_text="How often it was noticed while open.")
    raised_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When it was last noticed.")
    mailed_at = models.DateTimeField(null=True, help_text="When supervisors were e-mailed; null: not (yet).")
    acknowledged_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    acknowledged_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "kind", "subject_type", "subject_id"],
                condition=models.Q(resolved_at__isnull=True),
                name="alert_one_open_per_subject",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-id"], name="alert_recent"),
            models.Index(fields=["id"], name="alert_unmailed", condition=models.Q(mailed_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.headline

    @property
    def state(self) -> str:
        if self.resolved_at is not None:
            return str(self.State.RESOLVED)
        return str(self.State.ACKNOWLEDGED if self.acknowledged_at else self.State.OPEN)

    @property
    def headline(self) -> str:
        return _filled(self.title, self.values)

    @property
    def said(self) -> str:
        """The detail in the reader's language."""
        return _filled(self.detail, self.values)

    @property
    def to_do(self) -> str:
        return _filled(self.runbook, self.values)


def _filled(text: str, values: dict[str, Any]) -> str:
    """A translation that lost a place must not take the page with it: then the text stands as it is."""
    translated = gettext(text) if text else ""
    try:
        return translated % values if values else translated
    except (KeyError, TypeError, ValueError):
        return translated
