"""What came back about cases, and the labels made of it."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from reviews.models import Case, Decision
from routing.models import SHARE, TaskType


class Signal(models.Model):
    """One statement about what a case's right label is, by source (mission F1). Judgements are signals of their own."""

    class Source(models.TextChoices):
        OUTCOME = "outcome", _("Ground truth, observed later")
        AUDIT = "audit", _("A supervisor's audit")
        APPEAL = "appeal", _("Appeal")
        REPORT = "report", _("A user's report")
        IMPORT = "import", _("A person's label, imported from elsewhere")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="signals")
    decision = models.ForeignKey(
        Decision,
        null=True,
        on_delete=models.PROTECT,
        related_name="signals",
        help_text="The decision that was audited.",
    )
    user = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, help_text="The person who said so."
    )
    source = models.CharField(max_length=7, choices=Source.choices)
    origin = models.CharField(max_length=100, blank=True, help_text="Who observed it, as the partner says.")
    label = models.CharField(max_length=100)
    details = models.JSONField(default=dict)
    trust = models.FloatField(
        default=1.0,
        db_default=1.0,
        validators=SHARE,
        help_text="What an imported judgement weighs, beside one made here.",
    )
    unaided = models.BooleanField(
        default=False, db_default=False, help_text="Imported, and declared to be said before the machine was seen."
    )
    observed_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["workspace", "created_at"], name="signal_recent")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["decision", "user"], condition=models.Q(source="audit"), name="signal_audit_once_per_person"
            ),
            models.UniqueConstraint(
                fields=["case", "observed_at"], condition=models.Q(source="appeal"), name="signal_appeal_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.source})"


class LabelFields(models.Model):
    """The label to learn from, its weight and every factor of it (mission F2, F3), and what it was made of."""

    class SelectedBy(models.TextChoices):
        ROUTE = "route", _("Its route, with the propensity stored")
        ACTIVE_LEARNING = "active_learning", _("Its active-learning score")

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    label = models.CharField(max_length=100, null=True, help_text="Null: people tied.")
    weight = models.FloatField()
    source = models.CharField(max_length=20)
    factors = models.JSONField(default=dict)
    unaided_label = models.CharField(
        max_length=100,
        null=True,
        help_text="From the outcome, else from judgements made before the machine's answer was shown; all calibration "
        "may learn from. Null: there is none, or people tied.",
    )
    selection_probability = models.FloatField(
        default=1.0, validators=SHARE, help_text="That the case came to have its unaided label."
    )
    selected_by = models.CharField(
        max_length=15,
        choices=SelectedBy.choices,
        default=SelectedBy.ROUTE,
        db_default=SelectedBy.ROUTE,
        help_text="What brought the case to the people who gave the unaided label. A score's choice is no random "
        "sample: calibration and certification leave it out.",
    )
    model_label = models.CharField(max_length=100, null=True, help_text="What the machine said; null: nothing.")
    model_version = models.CharField(max_length=100, null=True)
    confidence_source = models.CharField(max_length=40, null=True)
    confidence = models.FloatField(null=True, help_text="As the machine stated it.")
    rules = models.JSONField(null=True, help_text="Weight rules in which its task type differed from the defaults.")
    labelled_at = models.DateTimeField(
        null=True, help_text="When what decided the label was said or observed: its age counts from here."
    )
    evidence = models.JSONField(
        null=True,
        help_text='Ids of what it was made of, as they arrived: {"judgements", "signals", "reports", "routing"}.',
    )
    updated_at = models.DateTimeField()

    class Meta:
        abstract = True


class TrainingLabel(LabelFields):
    """A case's label as it is now; rebuilt by a sweep."""

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="training_label")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["task_type", "updated_at"], name="traininglabel_recent"),
            models.Index(fields=["task_type", "-case"], name="traininglabel_newest"),
        ]


class LabelVersion(LabelFields):
    """A case's label as it was from `updated_at` to the next version. Never changed, so that a training set stays.

    The sweep writes them under one lock: whoever holds it sees every id up to the highest.
    """

    id = models.BigAutoField(primary_key=True)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+", db_index=False)
    withdrawn = models.BooleanField(default=False, help_text="What was said was undone: from here on it has no label.")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["task_type", "case", "-id"], name="labelversion_newest")]


class LabelSweep(models.Model):
    """One row (id 1): evidence that arrived before `read_up_to` is in the training labels, less the sweep's overlap."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    read_up_to = models.DateTimeField()
