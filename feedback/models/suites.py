"""A policy test suite run against the models and a policy version."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from reviews.models import SuiteVersion
from routing.models import PolicyVersion, TaskType


class SuiteRun(models.Model):
    """One suite tried once. No case, decision, figure or label comes of it.

    `results` grow while it runs, in the suite's order; once it is done they stand failures first.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting for a worker")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    # status → what may follow (feedback.actions.suite_runs, feedback.actions.suite_work).
    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        "waiting": frozenset({"running", "failed"}),
        "running": frozenset({"running", "done", "failed"}),  # again: its time was over, or its worker lost
        "done": frozenset(),
        "failed": frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    suite = models.ForeignKey(SuiteVersion, on_delete=models.PROTECT, related_name="runs", db_index=False)
    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    compared_with = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="The task type's run before, once this one is done.",
    )
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.WAITING)
    done = models.PositiveSmallIntegerField(default=0, help_text="Examples tried.")
    results = models.JSONField(default=list, help_text="feedback.suite_results.ExampleResult")
    summary = models.JSONField(null=True, help_text="feedback.suite_results.SuiteSummary, once done.")
    detail = models.TextField(blank=True, help_text="Why it failed.")
    requested_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    requested_label = models.CharField(max_length=200, help_text="Who asked, as the event log shows it.")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    token = models.UUIDField(null=True, help_text="The fence: changes with every lease.")
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Leases since an example was last tried.")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["task_type", "-id"], name="suiterun_recent"),
            models.Index(fields=["id"], name="suiterun_open", condition=models.Q(status__in=["waiting", "running"])),
        ]

    def __str__(self) -> str:
        return f"run of {self.suite}"
