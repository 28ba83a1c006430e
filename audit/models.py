"""Evidence: what happened, and what the outside must be told. Workspace and actor are plain columns on purpose."""

from typing import ClassVar

from django.db import models

from hitl.core.ids import new_id


class Event(models.Model):
    """One thing that happened. Append-only: triggers refuse UPDATE, DELETE and TRUNCATE."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    at = models.DateTimeField()
    action = models.CharField(max_length=60, help_text="Past tense and dotted: case.submitted, review.claimed …")
    actor_kind = models.CharField(max_length=6)
    actor_id = models.UUIDField(null=True)
    actor_label = models.CharField(max_length=200)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=64)
    case_id = models.UUIDField(null=True)
    reason = models.TextField(blank=True)
    versions = models.JSONField(default=dict, help_text="Policy, calibration, model and guideline versions in force.")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace_id", "case_id", "id"], name="event_case"),
            models.Index(fields=["workspace_id", "-id"], name="event_recent"),
            models.Index(fields=["workspace_id", "object_type", "object_id", "id"], name="event_object"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}"


class OutboxMessage(models.Model):
    """What partners must be told, written in the transaction of the change itself, relayed by Celery.

    Held until `available_at` (the undo window); `cancelled_at` when undone before it left.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace_id = models.UUIDField()
    case_id = models.UUIDField(null=True)
    type = models.CharField(max_length=60, help_text="case.decided, case.corrected …")
    payload = models.JSONField()
    created_at = models.DateTimeField()
    available_at = models.DateTimeField()
    relayed_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["available_at", "id"],
                name="outbox_unrelayed",
                condition=models.Q(relayed_at__isnull=True, cancelled_at__isnull=True),
            ),
            models.Index(fields=["workspace_id", "case_id"], name="outbox_case"),
        ]
