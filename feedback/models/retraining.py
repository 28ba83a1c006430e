"""Data sets as they stood at a moment, and suggestions to train a model anew on one."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from reviews.models import Case
from routing.models import TaskType


class Regime(models.TextChoices):
    """How the examples of a training set are chosen (mission F8)."""

    RECENT = "recent", _("The newest reviews")
    REPRESENTATIVE = "representative", _("A representative sample of a longer time")


class DatasetVersion(models.Model):
    """A training set as it stood at `as_of`: the question, how many examples answered it, and their fingerprint."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    regime = models.CharField(max_length=14, choices=Regime.choices)
    query = models.JSONField(help_text="Which labels were asked for, and how they were drawn.")
    as_of = models.DateTimeField()
    count = models.PositiveIntegerField()
    hash = models.CharField(max_length=64, help_text="SHA-256 of the examples, ordered by case.")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["task_type", "-id"], name="datasetversion_recent")]

    def __str__(self) -> str:
        return f"{self.regime} {self.as_of:%Y-%m-%d} ({self.hash[:12]})"


class DatasetExample(models.Model):
    """One example of a data set with the label it had then; labels may change, a data set does not."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    dataset = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="examples", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    label = models.CharField(max_length=100)
    weight = models.FloatField(help_text="To learn with (F2, F3).")
    sampling_weight = models.FloatField(help_text="How many cases it stands for.")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["dataset", "-id"], name="datasetexample_of")]


class RetrainingSuggestion(models.Model):
    """A reason to train a model version anew, with the data set to do it on; a person answers it."""

    class Trigger(models.TextChoices):
        OVERRIDES = "overrides", _("People overruled it often")
        VOLUME = "volume", _("Many new judgements")
        DRIFT = "drift", _("Drift")
        SCHEDULE = "schedule", _("It is time for a representative set")

    class Status(models.TextChoices):
        SUGGESTED = "suggested", _("Suggested")
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        DISMISSED = "dismissed", _("Dismissed")

    # status → what may follow; one action, feedback.actions.retraining.answer_suggestion.
    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        "suggested": frozenset({"acknowledged", "dismissed"}),
        "acknowledged": frozenset(),
        "dismissed": frozenset(),
    }

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    model_version = models.CharField(max_length=100)
    regime = models.CharField(max_length=14, choices=Regime.choices)
    trigger = models.CharField(max_length=9, choices=Trigger.choices)
    reason = models.TextField()
    figures = models.JSONField(default=dict, help_text="The numbers behind the reason.")
    dataset = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.SUGGESTED)
    answered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    answered_at = models.DateTimeField(null=True)
    answer = models.TextField(blank=True, help_text="Why it was acknowledged or dismissed.")
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["workspace", "-id"], name="retraining_recent"),
            models.Index(fields=["task_type", "model_version", "regime", "-created_at"], name="retraining_last"),
        ]

    def __str__(self) -> str:
        return f"{self.model_version}: {self.trigger}"
