"""What a week taught about a task type."""

from typing import ClassVar

from django.db import models

from hitl.accounts.models import Workspace
from hitl.core.ids import new_id
from routing.models import TaskType


class Digest(models.Model):
    """The errors of one week of a task type, clustered, and what was proposed because of them; made once."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    week = models.DateField(help_text="Its Monday, UTC.")
    content = models.JSONField(help_text="feedback.digest_content.DigestContent.")
    proposals = models.JSONField(default=list, help_text="feedback.digest_content.Proposal, each a draft or why not.")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["task_type", "week"], name="digest_once_a_week")]
        indexes: ClassVar = [models.Index(fields=["workspace", "-id"], name="digest_recent")]

    def __str__(self) -> str:
        return f"{self.task_type} {self.week}"
