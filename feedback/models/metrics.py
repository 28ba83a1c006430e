"""Whole hours of cases, counted: what the metrics read, whatever the number of cases."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from hitl.accounts.models import Workspace
from hitl.core.ids import new_id
from routing.models import TaskType


class MetricHour(models.Model):
    """The cases that came in one whole hour, of one task type, model version and value of a segment.

    `segment_name` empty: all of them; else those that declared this value. What is learnt of a case later (a decision,
    an outcome, an appeal) counts in the hour in which it came in, so a row is counted anew when that happens.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.CASCADE, related_name="+", db_index=False)
    hour = models.DateTimeField()
    model_version = models.CharField(max_length=100, help_text="Empty: no prediction, or an unnamed model.")
    segment_name = models.CharField(max_length=100)
    segment_value = models.CharField(max_length=200)
    cases = models.PositiveIntegerField()
    automate = models.PositiveIntegerField(help_text="By the route that took effect; so are the next five.")
    automate_and_audit = models.PositiveIntegerField()
    automate_and_review = models.PositiveIntegerField()
    review = models.PositiveIntegerField()
    escalate = models.PositiveIntegerField()
    gate = models.PositiveIntegerField()
    reviewed = models.PositiveIntegerField(help_text="Go before a person: instead of the machine, beside it, to audit.")
    decided = models.PositiveIntegerField(help_text="Have a decision.")
    judged = models.PositiveIntegerField(help_text="A person's decision stands, and the machine had said something.")
    overridden = models.PositiveIntegerField(help_text="Of these, decided otherwise.")
    appealed = models.PositiveIntegerField()
    sla_due = models.PositiveIntegerField(help_text="Reviews done, or past their time.")
    sla_met = models.PositiveIntegerField()
    waits = ArrayField(
        models.PositiveIntegerField(),
        help_text="Cases by time to the decision, where a person had to act (feedback.stats.waits).",
    )
    errors = ArrayField(
        models.FloatField(), help_text="feedback.stats.replay_estimates.Sums of what the machine may decide."
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["task_type", "hour", "model_version", "segment_name", "segment_value"],
                name="metrichour_once",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "segment_name", "segment_value", "hour"], name="metrichour_window"),
            models.Index(fields=["hour"], name="metrichour_age"),
        ]


class MetricHourDue(models.Model):
    """An hour of a task type that is to be counted, for the first time or anew; gone once it is."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.CASCADE, related_name="+", db_index=False)
    hour = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["task_type", "hour"], name="metrichourdue_once")]
        indexes: ClassVar = [models.Index(fields=["-hour"], name="metrichourdue_newest")]


class MetricSweep(models.Model):
    """One row (id 1): hours before `counted_to` have been looked at; what is still due says `MetricHourDue`."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    counted_to = models.DateTimeField()
