"""History brought in from elsewhere: a file, and what became of each of its rows."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import Client, User, Workspace
from hitl.core.ids import new_id
from routing.models import SHARE, TaskType


class HistoryImport(models.Model):
    """One file of labelled cases. Rows that are here already change nothing, so it may be worked twice."""

    class Format(models.TextChoices):
        CSV = "csv", _("CSV")
        LABEL_STUDIO = "label-studio", _("Label Studio tasks (JSON)")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting for a worker")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    # status → what may follow (feedback.actions.imports, feedback.actions.import_work).
    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        "waiting": frozenset({"running", "failed"}),
        "running": frozenset({"running", "done", "failed"}),  # again: its worker was lost
        "done": frozenset(),
        "failed": frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    format = models.CharField(max_length=12, choices=Format.choices)
    dry_run = models.BooleanField(help_text="Checked, nothing written.")
    unaided = models.BooleanField(
        default=False,
        help_text="Declared: these people had not seen the machine's answer. Calibration may learn of them.",
    )
    trust = models.FloatField(validators=SHARE, help_text="What an imported judgement weighs, beside one made here.")
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.WAITING)
    body = models.BinaryField(help_text="The file; emptied once it is worked.")
    sha256 = models.CharField(max_length=64)
    total = models.PositiveIntegerField(null=True, help_text="Rows; null until the file is read.")
    done = models.PositiveIntegerField(default=0)
    cases = models.PositiveIntegerField(default=0, help_text="New cases.")
    judgements = models.PositiveIntegerField(default=0, help_text="New judgements.")
    refused = models.PositiveIntegerField(default=0, help_text="Rows that were refused.")
    errors = models.JSONField(default=list, help_text='[{"row", "field", "detail"}], the first 500.')
    detail = models.TextField(blank=True, help_text="Why it failed as a whole.")
    client = models.ForeignKey(Client, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    requested_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    requested_label = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    token = models.UUIDField(null=True, help_text="The fence: changes with every lease.")
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-id"], name="historyimport_recent"),
            models.Index(
                fields=["id"], name="historyimport_open", condition=models.Q(status__in=["waiting", "running"])
            ),
        ]

    def __str__(self) -> str:
        return f"import of {self.created_at:%Y-%m-%d %H:%M}"
