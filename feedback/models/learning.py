"""What active learning and the disagreement model keep."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import Workspace
from hitl.core.ids import new_id
from routing.models import TaskType


class LearningMap(models.Model):
    """The regions that a task type's embeddings fall into, with how many judged cases lie in each; kept by a sweep."""

    task_type = models.OneToOneField(TaskType, primary_key=True, on_delete=models.CASCADE, related_name="learning_map")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    dim = models.PositiveSmallIntegerField()
    centres = models.BinaryField(help_text="float32, little-endian: one unit vector per region.")
    judged = models.JSONField(help_text="Judged cases per region.")
    fitted_at = models.DateTimeField()
    counted_at = models.DateTimeField()


class DisagreementRun(models.Model):
    """One attempt to learn where people overrule the machine, and what came of it."""

    class Result(models.TextChoices):
        PROPOSED = "proposed", _("A policy version was proposed")
        NOT_ENOUGH = "not_enough_data", _("Not enough data")
        NO_BETTER = "no_better", _("No better than chance")
        UNCHANGED = "unchanged", _("Nothing new to propose")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="disagreement_runs")
    trigger = models.CharField(max_length=20, help_text="nightly, new_judgements or by_hand")
    result = models.CharField(max_length=15, choices=Result.choices)
    detail = models.TextField(blank=True)
    judged = models.PositiveIntegerField(default=0)
    policy_version_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(help_text="When it began to read.")
    finished_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["task_type", "-created_at"], name="disagreementrun_recent")]
