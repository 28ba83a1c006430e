"""What labels and reviews bought, as last computed."""

from typing import ClassVar

from django.db import models

from hitl.accounts.models import Workspace
from hitl.core.ids import new_id
from routing.models import TaskType


class RoiReport(models.Model):
    """One computation for a task type; the newest is shown, the older ones are its history."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    content = models.JSONField(help_text="feedback.roi_content.RoiContent.")
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["task_type", "-id"], name="roireport_newest")]

    def __str__(self) -> str:
        return f"{self.task_type} {self.created_at:%Y-%m-%d}"
