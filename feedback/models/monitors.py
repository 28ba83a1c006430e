"""What the monitor of automated decisions knows, one row per policy version and epoch."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from routing.models import SHARE, PolicyVersion, TaskType


class ErrorMonitor(models.Model):
    """The error of one policy version's automated decisions, tested against its budget from `since` on.

    Budget, delta and floor are fixed when it opens: a test whose question moves while it runs proves nothing.
    """

    class Status(models.TextChoices):
        WATCHING = "watching", _("Watching")
        REFUTED = "refuted", _("Refuted: people decide")
        LIFTED = "lifted", _("Lifted by a person")
        ENDED = "ended", _("Ended")

    # status → what may follow (feedback.actions.error_monitors).
    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        "watching": frozenset({"refuted", "ended"}),
        "refuted": frozenset({"lifted"}),
        "lifted": frozenset(),
        "ended": frozenset(),
    }
    OPEN: ClassVar = ("watching", "refuted")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    epoch = models.PositiveIntegerField(help_text="1 for the first; a lift starts the next.")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.WATCHING)
    budget = models.FloatField(validators=SHARE, help_text="Largest error of automated decisions.")
    delta = models.FloatField(validators=SHARE, help_text="Probability of ever refuting a budget that holds.")
    floor = models.FloatField(validators=SHARE, help_text="No automated case is drawn with a smaller probability.")
    since = models.DateTimeField(help_text="Cases routed from then on count.")
    looked_at = models.DateTimeField(null=True)
    reading: Any = models.JSONField(default=dict, help_text="feedback.stats.error_monitor.Reading, with times.")
    refuted_at = models.DateTimeField(null=True)
    stopped = models.BooleanField(default=False, help_text="The refutation pressed the stop button of the task type.")
    closed_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.TextField(blank=True, help_text="Why it was lifted or ended.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["policy_version", "epoch"], name="errormonitor_epoch_unique"),
            models.UniqueConstraint(
                fields=["policy_version"],
                condition=models.Q(status__in=["watching", "refuted"]),
                name="errormonitor_one_open",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["workspace", "-id"], name="errormonitor_recent")]

    def __str__(self) -> str:
        return f"{self.policy_version} #{self.epoch}"
