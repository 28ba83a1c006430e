"""The case (narrow: what lists and claims read), its content, and what it resolved to."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase
from simple_history.models import HistoricalRecords

from hitl.accounts.models import Client, User, Workspace
from hitl.core.ids import new_id
from reviews.models.queues import Queue
from routing.models import Risk, TaskType


class Case(models.Model):
    class Status(models.TextChoices):
        DECIDED = "decided", _("Decided")
        PROVISIONAL = "provisional", _("Provisional")
        PENDING = "pending", _("Pending")
        IN_REVIEW = "in_review", _("In Review")
        AWAITING_ADJUDICATION = "awaiting_adjudication", _("Awaiting Adjudication")
        CANCELLED = "cancelled", _("Cancelled")
        SHADOW = "shadow", _("Shadow")

    # status → what may follow.
    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        "pending": frozenset({"in_review", "decided", "provisional", "cancelled", "awaiting_adjudication"}),
        "in_review": frozenset({"pending", "decided", "provisional", "cancelled", "awaiting_adjudication"}),
        "provisional": frozenset({"decided", "cancelled"}),
        "awaiting_adjudication": frozenset({"in_review", "decided", "cancelled"}),
        "decided": frozenset({"decided", "pending", "in_review", "provisional"}),  # corrected; undone
        "cancelled": frozenset(),
        "shadow": frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    owner_id = models.UUIDField(help_text="The client that submitted it, or the person.")
    client = models.ForeignKey(Client, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    submitted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    external_id = models.CharField(max_length=200, null=True)
    subject = models.CharField(max_length=200, null=True)
    status = models.CharField(max_length=21, choices=Status.choices)
    mode = models.CharField(max_length=8, default="async")
    queue = models.ForeignKey(Queue, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    risk = models.CharField(max_length=8, choices=Risk.choices)
    priority = models.FloatField()
    model_version = models.CharField(max_length=100, null=True)
    policy_version = models.PositiveIntegerField(null=True)
    content_hash = models.BinaryField(max_length=32, help_text="SHA-256 of the submitted JSON, canonical.")
    created_at = models.DateTimeField()
    required_by = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    routed_as = models.UUIDField(
        null=True, help_text="The case whose routing this one shows; only a gold copy (mode gold) has one."
    )
    # Read case by case, so no column but the case's own needs an index: every one would cost each claim and decision.
    history = HistoricalRecords(
        excluded_fields=["content_hash"],
        no_db_index=["workspace", "task_type", "client", "submitted_by", "queue"],
        user_db_constraint=False,
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "external_id", "owner_id", "task_type"],  # so a search by external id has it too
                condition=models.Q(external_id__isnull=False),
                name="case_external_id_unique",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-id"], name="case_recent"),
            models.Index(fields=["workspace", "status", "-id"], name="case_status"),
            models.Index(fields=["workspace", "queue", "-id"], name="case_queue"),
            models.Index(fields=["workspace", "task_type", "-id"], name="case_task_type"),
            models.Index(fields=["workspace", "subject", "-id"], name="case_subject"),
        ]

    def __str__(self) -> str:
        return self.external_id or str(self.id)


class CaseUserObjectPermission(UserObjectPermissionBase):
    """A grant on one case; few by design."""

    content_object = models.ForeignKey(Case, on_delete=models.CASCADE)


class CaseGroupObjectPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Case, on_delete=models.CASCADE)


class CaseContent(models.Model):
    """What was submitted, apart from the row that lists read."""

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="content")
    input = models.JSONField()
    prediction = models.JSONField(null=True)
    key_evidence = models.JSONField(default=list)
    evidence = models.JSONField(default=dict)
    proposed_action = models.JSONField(null=True)
    context = models.JSONField(default=dict)


class Decision(models.Model):
    """What a case resolved to, with one owner. A correction is a new decision that supersedes."""

    class Owner(models.TextChoices):
        SYSTEM = "system", _("System")
        REVIEWER = "reviewer", _("Reviewer")
        PANEL = "panel", _("Panel")
        ADJUDICATOR = "adjudicator", _("Adjudicator")
        FALLBACK = "fallback", _("Fallback")
        AUDITOR = "auditor", _("Auditor")
        APPEAL = "appeal", _("Appeal")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # The case vouches for its workspace: to check it here would lock that one row in every transaction.
    workspace = models.ForeignKey(
        Workspace, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="decisions")
    label = models.CharField(max_length=100)
    owner = models.CharField(max_length=11, choices=Owner.choices)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    provisional = models.BooleanField(default=False)
    reason = models.TextField(blank=True)
    supersedes = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    is_current = models.BooleanField(default=True)
    withdrawn_at = models.DateTimeField(null=True, help_text="Undone before it took effect.")
    created_at = models.DateTimeField()
    effects_at = models.DateTimeField(help_text="Webhooks and actions wait until then.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case"], condition=models.Q(is_current=True), name="decision_one_current_per_case"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["workspace", "-id"], name="decision_recent")]

    def __str__(self) -> str:
        return f"{self.label} ({self.owner})"
