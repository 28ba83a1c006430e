"""What reviewers go by: versioned texts per task type, in force per queue from a time, acknowledged by person."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from reviews.models.queues import Queue
from routing.models import TaskType


class GuidelineVersion(models.Model):
    """One version of a task type's guideline. Immutable; `text` is Markdown."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="guidelines", db_index=False)
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    text = models.TextField(help_text="Markdown.")
    note = models.TextField(help_text="What changed, and why.")
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["task_type", "number"], name="guideline_number_unique")
        ]

    def __str__(self) -> str:
        return f"{self.title}, version {self.number}"


class GuidelineUse(models.Model):
    """From `from_at` on this version is in force in this queue, until a later use. Never changed; a new one follows."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    queue = models.ForeignKey(Queue, on_delete=models.PROTECT, related_name="guideline_uses", db_index=False)
    version = models.ForeignKey(GuidelineVersion, on_delete=models.PROTECT, related_name="uses", db_index=False)
    from_at = models.DateTimeField()
    must_acknowledge = models.BooleanField(
        default=True, help_text="Nobody gets another case of this queue before saying that they have read it."
    )
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["queue", "-from_at", "-id"], name="guidelineuse_in_force")]


class GuidelineAcknowledgement(models.Model):
    """This person says to have read this version."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey(
        GuidelineVersion, on_delete=models.PROTECT, related_name="acknowledgements", db_index=False
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "user"], name="guideline_acknowledged_once")
        ]


class GuidelineRequest(models.Model):
    """Somebody asks for a change, often after a calibration session; open until a version answers it."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        DONE = "done", _("Done")
        DECLINED = "declined", _("Declined")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    case_id = models.UUIDField(null=True, help_text="The case that shows the gap.")
    text = models.TextField()
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    answer = models.TextField(blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["workspace", "task_type", "-id"], name="guidelinerequest_recent")]
