"""What is said of people's work: their figures, their level of skill, and who decided on it."""

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from reviews.models import Queue
from routing.models import SHARE


class ReviewerFigures(models.Model):
    """One person's figures in one queue over the window, made anew by a sweep; nobody writes them by hand."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField()
    computed_at = models.DateTimeField()
    judged = models.PositiveIntegerField()
    figures = models.JSONField(help_text="feedback.stats.reviewing.Figures")

    class Meta:
        verbose_name_plural = "reviewer figures"
        constraints: ClassVar = [models.UniqueConstraint(fields=["queue", "user"], name="reviewerfigures_once")]
        indexes: ClassVar = [models.Index(fields=["workspace", "computed_at"], name="reviewerfigures_age")]


class SkillRules(models.Model):
    """When a person counts as competent or expert, and what that weighs; of one queue, or of the whole workspace.

    A level is reached when the accuracy on outcomes and gold is surely above its bound, and lost when surely below.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    queue = models.ForeignKey(Queue, null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    competent_from = models.FloatField(validators=SHARE)
    expert_from = models.FloatField(validators=SHARE)
    min_cases = models.PositiveIntegerField(validators=[MinValueValidator(5)])
    novice_weight = models.FloatField()
    competent_weight = models.FloatField()
    expert_weight = models.FloatField()
    automatic = models.BooleanField(default=False, help_text="Changes take effect without a supervisor's word.")
    changed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "skill rules"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "queue"], name="skillrules_once_per_place", nulls_distinct=False
            )
        ]


class Level(models.TextChoices):
    """How far a person has come in a queue."""

    NOVICE = "novice", _("Novice")
    COMPETENT = "competent", _("Competent")
    EXPERT = "expert", _("Expert")


class SkillLevel(models.Model):
    """A person's level in a queue; no row: not rated yet, which weighs 1. `weight`: of their judgements in labels."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    level = models.CharField(max_length=9, choices=Level.choices)
    weight = models.FloatField()
    since = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["queue", "user"], name="skilllevel_once"),
            models.CheckConstraint(condition=models.Q(weight__gt=0), name="skilllevel_weight_above_zero"),
        ]


class SkillProposal(models.Model):
    """A change of level that the rules ask for, with its evidence, and what became of it."""

    class Status(models.TextChoices):
        OPEN = "open", _("Waits for a supervisor")
        CONFIRMED = "confirmed", _("Confirmed")
        DECLINED = "declined", _("Declined")
        AUTOMATIC = "automatic", _("Took effect by itself")
        WITHDRAWN = "withdrawn", _("Withdrawn: the figures no longer ask for it")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    before = models.CharField(max_length=9, choices=Level.choices, blank=True, help_text="Empty: not rated yet.")
    after = models.CharField(max_length=9, choices=Level.choices)
    right = models.PositiveIntegerField()
    n = models.PositiveIntegerField()
    low = models.FloatField(help_text="One-sided 95 % bounds of the accuracy.")
    high = models.FloatField()
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.OPEN)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["queue", "user"], condition=models.Q(status="open"), name="skillproposal_one_open"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["workspace", "-id"], name="skillproposal_recent")]
