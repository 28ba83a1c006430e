"""What the layers of a cascade and the model adapters said of a case, and what is still being asked."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import Workspace
from hitl.core.ids import new_id
from reviews.models.cases import Case


class ValidationResult(models.Model):
    """One layer's or adapter's answer on one case, with what it cost. Written once."""

    class Outcome(models.TextChoices):
        PASS = "pass"  # noqa: S105, _("Pass")
        FAIL = "fail", _("Fail")
        ERROR = "error", _("Error")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="validations")
    task_type_id = models.UUIDField(help_text="The case's, for reports without a join.")
    layer = models.CharField(max_length=100)
    kind = models.CharField(max_length=12)
    endpoint = models.CharField(max_length=60, blank=True)
    outcome = models.CharField(max_length=5, choices=Outcome.choices)
    detail = models.TextField(blank=True)
    cost = models.FloatField(null=True, help_text="In the currency of the layer's prices; null: not known.")
    latency_ms = models.FloatField(help_text="Of the call that answered, or of the computation.")
    attempts = models.PositiveSmallIntegerField(default=1)
    policy_version = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace", "task_type_id", "-created_at"], name="validation_recent")
        ]

    def __str__(self) -> str:
        return f"{self.layer}: {self.outcome}"


class PendingAsk(models.Model):
    """A case that waits for a judge or an adapter: the row is the work, and goes when the case is routed.

    `request` is the body to send; `attempts` is the fence: whoever claims an attempt raises it.
    """

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="pending_ask")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=7)
    name = models.CharField(max_length=100)
    endpoint = models.CharField(max_length=60)
    key = models.CharField(max_length=16, blank=True)
    spec = models.JSONField(help_text="The layer or adapter rule as it was when asked.")
    request = models.JSONField()
    features = models.JSONField(help_text="The snapshot so far, without the input.")
    asked = models.JSONField(default=list, help_text="Adapters that answered already.")
    attempts = models.PositiveSmallIntegerField(default=0)
    spent = models.FloatField(null=True, help_text="Cost of the attempts so far.")
    next_attempt_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="Then a person gets the case, answer or not.")
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["next_attempt_at"], name="pendingask_next"),
            models.Index(fields=["due_at"], name="pendingask_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
