"""A comparison of two ways to decide, declared before its figures are looked at."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from routing.models import TaskType


class Experiment(models.Model):
    """What is compared, how, by which measure and from when. Only `status` and `ends_at` change."""

    class Kind(models.TextChoices):
        SHADOW = "shadow", _("Shadow: both asked for every case, one followed")
        SPLIT = "split", _("Split: each case decided by one of both, at the same time")
        SEGMENT = "segment", _("Segments: a change that only one segment had")
        TIME = "time", _("Time blocks: now the one, now the other")

    class Over(models.TextChoices):
        POLICY = "policy", _("Policy versions")
        MODEL = "model", _("Model versions")

    class Measure(models.TextChoices):
        AUTOMATED = "automated", _("Automated")
        REVIEWED = "reviewed", _("Before a person")
        OVERRIDDEN = "overridden", _("Overruled")
        ERROR = "error", _("Error of the machine")
        SLA_MET = "sla_met", _("SLA met")
        WAIT = "wait", _("Half decided within")

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        STOPPED = "stopped", _("Stopped")

    # status → what may follow (feedback.actions.experiments).
    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {"running": frozenset({"stopped"}), "stopped": frozenset()}

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    over = models.CharField(max_length=6, choices=Over.choices)
    first = models.CharField(
        max_length=301, help_text="What is tried: a policy version's number, a model version, or name=value."
    )
    second = models.CharField(max_length=301, help_text="What it is compared with, in the same form.")
    measure = models.CharField(max_length=10, choices=Measure.choices, help_text="By which it is judged.")
    block_hours = models.PositiveSmallIntegerField(null=True, help_text="Time blocks: how long one is.")
    washout_hours = models.PositiveSmallIntegerField(
        default=0, help_text="Left out at the start of each block, while work of the one before is still going on."
    )
    reason = models.TextField(blank=True)
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.RUNNING)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, help_text="Null: until it is stopped.")
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["workspace", "-id"], name="experiment_recent")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(first=models.F("second")), name="experiment_two_arms"),
            models.CheckConstraint(
                condition=~models.Q(kind="time") | models.Q(block_hours__isnull=False, block_hours__gt=0),
                name="experiment_time_has_blocks",
            ),
        ]

    def __str__(self) -> str:
        return self.title
