"""Labels by Dawid–Skene beside the majority's (mission F2), where several people judged the same cases."""

from typing import ClassVar

from django.db import models

from hitl.accounts.models import Workspace
from hitl.core.ids import new_id
from reviews.models import Case
from routing.models import TaskType


class CrowdRun(models.Model):
    """One fit over the judgements of a task type; immutable. `reason` says why there is none."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    last_judgement = models.UUIDField(help_text="The newest it knew.")
    items = models.PositiveIntegerField(help_text="Cases with a vote.")
    raters = models.PositiveIntegerField()
    votes = models.PositiveIntegerField()
    compared = models.PositiveIntegerField(default=0, help_text="Cases with two or more people and a majority.")
    agreeing = models.PositiveIntegerField(default=0, help_text="Of these, where both give the same label.")
    reason = models.TextField(blank=True)
    priors = models.JSONField(default=dict, help_text="Estimated share of each true label.")
    converged = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["task_type", "-id"], name="crowdrun_newest")]


class CrowdLabel(models.Model):
    """What the newest fit says of a case that two or more people judged."""

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="crowd_label")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey(CrowdRun, on_delete=models.CASCADE, related_name="labels", db_index=False)
    votes = models.JSONField(help_text="{label: how many people}")
    majority = models.CharField(max_length=100, null=True, help_text="Null: a tie.")
    label = models.CharField(max_length=100, help_text="The most probable.")
    posterior = models.JSONField(help_text="{label: probability}")
    differs = models.BooleanField(help_text="From the majority; a tie differs from every label.")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["task_type", "-case"], name="crowdlabel_differing", condition=models.Q(differs=True))
        ]
