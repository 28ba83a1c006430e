"""Quality at work: cases with a known answer, where they were served, training before a queue, and standing in it."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from reviews.models.cases import Case
from reviews.models.queues import Queue
from routing.models import SHARE, TaskType


class GoldCase(models.Model):
    """A case whose right answer is known, with what to say to whoever got it wrong. Its answer never changes: retire it
    and make another.

    `routed_as`: the case whose routing a copy shows (the source, or a real one most like it).
    """

    class Purpose(models.TextChoices):
        GOLD = "gold", _("Seeded among real cases")
        TRAINING = "training", _("Training set")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    slug = models.SlugField(max_length=60, null=True, help_text="Its name in a configuration file.")
    purpose = models.CharField(max_length=8, choices=Purpose.choices, default=Purpose.GOLD)
    source = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    label = models.CharField(max_length=100)
    explanation = models.TextField(help_text="Shown after the final judgement, right or wrong.")
    machine_wrong = models.BooleanField(default=False, help_text="The machine is known to be wrong here.")
    input = models.JSONField()
    prediction = models.JSONField(null=True)
    key_evidence = models.JSONField(default=list)
    evidence = models.JSONField(default=dict)
    context = models.JSONField(default=dict)
    active = models.BooleanField(default=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "slug"], name="gold_slug_unique"),
            models.UniqueConstraint(
                fields=["source", "purpose"], condition=models.Q(active=True), name="gold_source_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["workspace", "task_type", "-id"], name="gold_of_type")]

    def __str__(self) -> str:
        return self.slug or str(self.pk)[-6:]


class GoldCopy(models.Model):
    """One serving of a gold case: a case of its own that waits in a queue like any other (`case.mode` gold).

    At most one copy of a gold waits or is held at a time; whoever saw an earlier one is excluded from the next.
    `propensity`: that this place of the queue held gold; `choices`: among so many golds this one was drawn.
    """

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.PROTECT, related_name="gold_copy")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    gold = models.ForeignKey(GoldCase, on_delete=models.PROTECT, related_name="copies")
    queue = models.ForeignKey(Queue, on_delete=models.PROTECT, related_name="+", db_index=False)
    beside = models.UUIDField(unique=True, help_text="The real review whose arrival drew it.")
    propensity = models.FloatField(validators=SHARE)
    choices = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    feedback_seen_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["queue", "-created_at"], name="goldcopy_of_queue")]


class QueueStanding(models.Model):
    """Whether one person may take work of one queue: trained for it, and not paused. No row: nothing is known yet."""

    class Training(models.TextChoices):
        NONE = "none", _("None")
        PASSED = "passed", _("Passed")
        FAILED = "failed", _("Failed: no attempt is left")
        WAIVED = "waived", _("Waived")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="standings", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    training = models.CharField(max_length=6, choices=Training.choices, default=Training.NONE)
    attempts_from = models.DateTimeField(null=True, help_text="Earlier attempts no longer count against the limit.")
    paused_at = models.DateTimeField(null=True)
    pause_reason = models.TextField(blank=True)
    resumed_at = models.DateTimeField(null=True, help_text="Gold cases judged before no longer count against them.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["queue", "user"], name="queuestanding_queue_user_unique")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["workspace", "-paused_at"],
                name="queuestanding_paused",
                condition=models.Q(paused_at__isnull=False),
            )
        ]


class TrainingAttempt(models.Model):
    """One go at a queue's training set: so many cases, passed with so many right. `passed` null: not finished."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    pass_share = models.FloatField(validators=SHARE)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    passed = models.BooleanField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["queue", "user"], condition=models.Q(passed__isnull=True), name="training_one_open_attempt"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["queue", "user", "-id"], name="training_of_person")]


class TrainingAnswer(models.Model):
    """One case of an attempt; label null until answered."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    attempt = models.ForeignKey(TrainingAttempt, on_delete=models.CASCADE, related_name="answers")
    gold = models.ForeignKey(GoldCase, on_delete=models.PROTECT, related_name="+", db_index=False)
    position = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=100, null=True)
    right = models.BooleanField(null=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["attempt", "position"], name="training_position_unique")
        ]
