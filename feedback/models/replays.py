"""A policy version tried on past cases, in chunks, and what it would have changed."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from reviews.models import Case
from routing.models import PolicyVersion, TaskType


class ReplayJob(models.Model):
    """A policy version tried on past cases. Cut into chunks, which any number of workers take."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting for a worker")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")

    # status → what may follow (feedback.actions.replays, feedback.actions.replay_work).
    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        "waiting": frozenset({"running", "cancelled", "failed"}),
        "running": frozenset({"done", "cancelled", "failed"}),
        "done": frozenset(),
        "cancelled": frozenset(),
        "failed": frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="replays")
    compared_with = models.ForeignKey(
        PolicyVersion,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Null: with what really happened.",
    )
    question = models.JSONField(default=dict, help_text="Which cases, as asked (feedback.structs.ReplayCases).")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WAITING)
    total = models.PositiveIntegerField(null=True, help_text="Cases; null until the work is cut into chunks.")
    result = models.JSONField(null=True, help_text="feedback.replay_result.ReplayResult, once done.")
    detail = models.TextField(blank=True, help_text="Why it failed.")
    requested_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    requested_label = models.CharField(max_length=200, help_text="Who asked, as the event log shows it.")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["version", "-id"], name="replayjob_version"),
            models.Index(fields=["id"], name="replayjob_open", condition=models.Q(status__in=["waiting", "running"])),
        ]

    def __str__(self) -> str:
        return f"replay of {self.version}"


class ReplayChunk(models.Model):
    """A run of cases by id, taken by one worker at a time for the length of a lease."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    job = models.ForeignKey(ReplayJob, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField()
    first_case = models.UUIDField()
    last_case = models.UUIDField()
    cases = models.PositiveIntegerField()
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.WAITING)
    token = models.UUIDField(null=True, help_text="The fence: changes with every lease.")
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    tally = models.JSONField(null=True, help_text="feedback.stats.replay_tally.Tally, once done.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "number"], name="replaychunk_number_unique")]
        indexes: ClassVar = [
            models.Index(
                fields=["job", "number"], name="replaychunk_open", condition=models.Q(status__in=["waiting", "running"])
            )
        ]


class ReplayChange(models.Model):
    """A case that the version would have routed otherwise."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    job = models.ForeignKey(ReplayJob, on_delete=models.CASCADE, related_name="changes", db_index=False)
    chunk = models.ForeignKey(ReplayChunk, on_delete=models.CASCADE, related_name="+")
    # No constraints on two hundred thousand rows that a worker copied from those it just read.
    case = models.ForeignKey(Case, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    routing_id = models.UUIDField(help_text="The stored routing decision it starts from.")
    action_before = models.CharField(max_length=20)
    tier_before = models.CharField(max_length=60)
    action_after = models.CharField(max_length=20)
    tier_after = models.CharField(max_length=60)
    machine_wrong = models.BooleanField(null=True, help_text="Null: history does not say.")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["job", "-id"], name="replaychange_recent"),
            models.Index(fields=["job", "action_before", "action_after", "-id"], name="replaychange_cell"),
        ]
