"""A subject's way to contest a decision, and what others report about one."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from hitl.accounts.models import Workspace
from hitl.core.ids import new_id
from reviews.models.cases import Case, Decision
from reviews.models.queues import Queue
from reviews.models.work import Judgement, ReviewTask
from routing.models import TaskType


class Recourse(models.Model):
    """How a task type's decisions may be appealed against and reported; without a row, these defaults hold.

    183 days: at least six months, as the Digital Services Act, article 20 (1), has it for platforms.
    """

    task_type = models.OneToOneField(TaskType, primary_key=True, on_delete=models.CASCADE, related_name="recourse")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    appeals_allowed = models.BooleanField(default=True)
    window_days = models.PositiveIntegerField(
        default=183,
        validators=[MinValueValidator(1), MaxValueValidator(36_500)],
        help_text="To appeal, from the decision.",
    )
    queue = models.ForeignKey(
        Queue,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Where appeals are judged. Empty: the tier above the one that decided.",
    )
    sla_hours = models.FloatField("SLA (hours)", default=168.0, validators=[MinValueValidator(0.001)])
    reports_to_audit = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(1)], help_text="Reports on one case that make people look at it."
    )
    how_to_contest = models.TextField(
        blank=True, help_text="What subjects read about the way to appeal; empty: a general text."
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = "appeals and reports"
        verbose_name_plural = "appeals and reports"

    def __str__(self) -> str:
        return f"appeals and reports of {self.task_type}"


class Appeal(models.Model):
    """A decision contested by its subject. Open until a person who had no part in it has judged the case anew."""

    class Outcome(models.TextChoices):
        """What became of the decision appealed against."""

        UPHELD = "upheld", _("Upheld")
        OVERTURNED = "overturned", _("Overturned")
        PARTLY = "partly", _("Partly upheld")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="appeals")
    decision = models.ForeignKey(
        Decision, on_delete=models.PROTECT, related_name="appeals", help_text="The decision appealed against."
    )
    review = models.OneToOneField(
        ReviewTask, null=True, on_delete=models.PROTECT, related_name="appeal", help_text="Null: no queue takes it yet."
    )
    reason = models.TextField()
    submitted_by = models.CharField(max_length=200, help_text="Who appeals, as the partner says.")
    outcome = models.CharField(max_length=10, choices=Outcome.choices, null=True)
    judgement = models.ForeignKey(Judgement, null=True, on_delete=models.PROTECT, related_name="+")
    resolved_label = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case"], condition=models.Q(resolved_at__isnull=True), name="appeal_one_open_per_case"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-id"], name="appeal_recent"),
            models.Index(fields=["task_type", "created_at"], name="appeal_rate"),
            models.Index(fields=["id"], name="appeal_open", condition=models.Q(resolved_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"appeal {self.pk}"


class Report(models.Model):
    """What a user says is wrong with a case. Enough of them make people look at it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="reports")
    category = models.CharField(max_length=60)
    text = models.TextField(blank=True)
    submitted_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-id"], name="report_recent"),
            models.Index(fields=["task_type", "created_at"], name="report_rate"),
        ]

    def __str__(self) -> str:
        return self.category
