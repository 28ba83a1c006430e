"""Training sets as they were exported, with what it takes to make them again."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import Client, User, Workspace
from hitl.core.ids import new_id


class Export(models.Model):
    """One file of training labels or interactions: what was asked, of which moment, and the hashes of what came.

    The row is the manifest. It stays when the file is forgotten, and the file can be made again from it.
    """

    class Kind(models.TextChoices):
        TRAINING = "training", _("Training labels")
        INTERACTIONS = "interactions", _("Interaction traces")

    class Format(models.TextChoices):
        JSONL = "jsonl", _("JSON Lines")
        CSV = "csv", _("CSV")
        PARQUET = "parquet", _("Parquet")
        HUGGINGFACE = "huggingface", _("Hugging Face folder (tar)")
        LABEL_STUDIO = "label-studio", _("Label Studio tasks (JSON)")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting for a worker")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    # status → what may follow (feedback.actions.exports, feedback.actions.export_work).
    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        "waiting": frozenset({"running", "failed"}),
        "running": frozenset({"running", "done", "failed"}),  # again: its worker was lost, another begins anew
        "done": frozenset(),
        "failed": frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    format = models.CharField(max_length=12, choices=Format.choices)
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.WAITING)
    streamed = models.BooleanField(help_text="Sent while it was made; no file was kept.")
    raw = models.BooleanField(default=False, help_text="Not pseudonymised.")
    question = models.JSONField(help_text="As asked: task type, model version, since, owner.")
    task_types = ArrayField(models.UUIDField(), help_text="Those it covers.")
    as_of = models.DateTimeField(help_text="The moment it shows; ages count to here.")
    last_version = models.BigIntegerField(help_text="The newest label version it may show.")
    versions = models.JSONField(default=dict, help_text="Of what it was made with and found; see docs/exports.md.")
    withheld = models.BinaryField(
        default=bytes, help_text="Ids (16 bytes each) of cases left out, since a person may still have to judge them."
    )
    rows = models.PositiveIntegerField(default=0)
    rows_sha256 = models.CharField(max_length=64, blank=True, help_text="Over the hashes of the rows, in order.")
    chunks = models.JSONField(default=list, help_text='[{"rows", "sha256"}]: the same per run of rows.')
    bytes = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the file.")
    detail = models.TextField(blank=True, help_text="Why it failed.")
    rebuilds = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="rebuilt", help_text="The export it makes again."
    )
    identical = models.BooleanField(null=True, help_text="Of a rebuild: byte for byte the same file.")
    client = models.ForeignKey(Client, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    requested_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    requested_label = models.CharField(max_length=200, help_text="Who asked, as the event log shows it.")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    forgotten_at = models.DateTimeField(null=True, help_text="When the kept file was deleted.")
    token = models.UUIDField(null=True, help_text="The fence: changes with every lease.")
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-id"], name="export_recent"),
            models.Index(fields=["id"], name="export_open", condition=models.Q(status__in=["waiting", "running"])),
        ]

    def __str__(self) -> str:
        return f"{self.kind} as {self.format}, {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def has_file(self) -> bool:
        """Whether the file is kept here."""
        return self.status == self.Status.DONE and not self.streamed and self.forgotten_at is None


class ExportPart(models.Model):
    """A piece of a kept file, about a megabyte, so that web and workers need no disk in common."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["export", "number"], name="exportpart_number_unique")]
