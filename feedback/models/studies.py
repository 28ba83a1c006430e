"""Threshold studies and recalibration runs."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from routing.models import SHARE, TaskType


class ThresholdStudy(models.Model):
    """A stored study: the curve, the naive and the guaranteed threshold, on the half that was not fitted on."""

    class Objective(models.TextChoices):
        MOST_AUTOMATION = "most_automation", _("The most automation within the error budget")
        LEAST_COST = "least_cost", _("The least total cost")
        PER_LABEL = "per_label", _("A threshold for each label")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+")
    model_version = models.CharField(max_length=100, null=True)
    slice = models.JSONField(default=dict)
    calibrations = models.JSONField(
        default=list, help_text="The maps in force, on whose scale it was made; empty: not recorded."
    )
    max_error = models.FloatField(validators=SHARE)
    peak_error = models.FloatField(
        null=True, validators=SHARE, help_text="Certified jointly with max_error at delta; null: it was not asked for."
    )
    delta = models.FloatField(validators=SHARE)
    objective = models.CharField(
        max_length=15,
        choices=Objective.choices,
        default=Objective.MOST_AUTOMATION,
        db_default=Objective.MOST_AUTOMATION,
    )
    costs = models.JSONField(
        null=True, help_text='{"review", "error", "pairs": [{"truth", "decided", "cost"}]}; null: none were given.'
    )
    n = models.PositiveIntegerField()
    result = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "threshold studies"
        indexes: ClassVar = [models.Index(fields=["workspace", "-id"], name="thresholdstudy_newest")]


class RecalibrationRun(models.Model):
    """One attempt to recalibrate one task type's model: what started it and what came of it."""

    class Result(models.TextChoices):
        REQUESTED = "requested", _("Waiting for a worker")
        PROPOSED = "proposed", _("A policy version was proposed")
        NOT_ENOUGH = "not_enough_data", _("Not enough data")
        UNCHANGED = "unchanged", _("Nothing new to propose")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="recalibrations")
    trigger = models.CharField(max_length=20, help_text="nightly, new_labels, drift or by_hand")
    result = models.CharField(max_length=15, choices=Result.choices)
    detail = models.TextField(blank=True)
    labels_seen = models.PositiveIntegerField(default=0)
    policy_version_id = models.UUIDField(null=True)
    requested_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(help_text="When it was asked for, or else when it began to read.")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["task_type", "-created_at"], name="recalibration_recent")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["task_type"], condition=models.Q(result="requested"), name="recalibration_one_request"
            )
        ]
