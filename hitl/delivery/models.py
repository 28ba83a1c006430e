"""Where webhooks go, and each attempt to bring one there."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from hitl.accounts.models import Client, Workspace
from hitl.core.ids import new_id


class WebhookEndpoint(models.Model):
    """An address that is told of events, signed by Standard Webhooks with its own secret."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    url = models.URLField(max_length=500)
    event_types = ArrayField(models.CharField(max_length=60), default=list, blank=True, help_text="Empty: all.")
    secret = models.CharField(max_length=80, help_text="whsec_… (base64); needed to sign, so it cannot be hashed.")
    active = models.BooleanField(default=True, help_text="False once revoked, or once it answered 410 Gone.")
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords(excluded_fields=["secret"])

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """One message for one endpoint; retried as a row until delivered or dead."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DELIVERED = "delivered", _("Delivered")
        DEAD = "dead", _("Dead")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    message_id = models.UUIDField(help_text="The outbox message; sent as webhook-id, so receivers can drop repeats.")
    type = models.CharField(max_length=60)
    payload = models.JSONField()
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_status = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["endpoint", "message_id"], name="delivery_once_per_endpoint")
        ]
        indexes: ClassVar = [
            # Per endpoint, so that the backlog of a dead one is never read on behalf of the others.
            models.Index(
                fields=["endpoint", "next_attempt_at", "id"],
                name="delivery_due",
                condition=models.Q(status="waiting"),
            ),
            models.Index(fields=["endpoint", "-id"], name="delivery_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.message_id}"
