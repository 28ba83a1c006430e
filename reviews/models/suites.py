"""A task type's policy test suite: examples with the label that the guideline expects."""

from typing import ClassVar

from django.db import models

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from routing.models import TaskType


class SuiteVersion(models.Model):
    """One version of a task type's test suite. Immutable; `examples` as `reviews.suites.ExampleIn`, in order."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="suites", db_index=False)
    number = models.PositiveIntegerField()
    note = models.TextField(help_text="What changed, and why.")
    size = models.PositiveSmallIntegerField(help_text="How many examples.")
    examples = models.JSONField()
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["task_type", "number"], name="suite_number_unique")]

    def __str__(self) -> str:
        return f"test suite of {self.task_type}, version {self.number}"
