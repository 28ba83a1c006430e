"""What has moved since before, one row per look at a task type."""

from typing import Any, ClassVar

from django.db import models

from hitl.accounts.models import Workspace
from hitl.core.ids import new_id
from routing.models import TaskType


class DriftReport(models.Model):
    """Every test of one look, significant or not, and the likely causes of what moved. Never changed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="drift_reports", db_index=False)
    created_at = models.DateTimeField()
    newest_case = models.UUIDField(help_text="The newest case it looked at.")
    alpha = models.FloatField(help_text="Probability of finding anything where nothing moved.")
    significant = models.BooleanField()
    findings: Any = models.JSONField(help_text="feedback.drift_tests.Finding, in the order of the detectors.")
    causes: Any = models.JSONField(default=list, help_text="feedback.stats.drift_causes.Cause, the most telling first.")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-id"], name="driftreport_recent"),
            models.Index(fields=["task_type", "-id"], name="driftreport_task_type"),
        ]

    def __str__(self) -> str:
        return f"{self.task_type} {self.created_at:%Y-%m-%d %H:%M}"
