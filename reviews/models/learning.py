"""What active learning knows of a case: where it lies among the others, and how much it would teach."""

from typing import ClassVar

from django.db import models

from hitl.accounts.models import User, Workspace
from reviews.models.cases import Case
from reviews.models.work import ReviewTask
from routing.models import TaskType


class CaseEmbedding(models.Model):
    """The embedding a case came with, apart from the rows that lists read. A case without one has no row."""

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="embedding")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    dim = models.PositiveSmallIntegerField()
    vector = models.BinaryField(help_text="float32, little-endian, as submitted; normalised by whoever reads it.")
    judged_at = models.DateTimeField(null=True, help_text="When a person last judged the case; kept by a sweep.")

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["task_type", "-judged_at"],
                name="caseembedding_judged",
                condition=models.Q(judged_at__isnull=False),
            )
        ]


class LearningScore(models.Model):
    """How much a person's answer to a case would teach, and why; rebuilt by a sweep.

    Without a review: an automated case that may be asked about. With one: it waits, or was chosen, where that says.
    """

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="learning_score")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    review = models.ForeignKey(ReviewTask, null=True, on_delete=models.PROTECT, related_name="learning_scores")
    score = models.FloatField()
    factors = models.JSONField(default=list, help_text="[{factor, value, weight, contribution}]")
    region = models.PositiveSmallIntegerField(null=True, help_text="Of the task type's learning map; null: none.")
    diversity = models.FloatField(null=True, help_text="As last counted into the review's priority.")
    policy_version = models.PositiveIntegerField()
    scored_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["task_type", "-score"], name="learningscore_pool", condition=models.Q(review__isnull=True)
            ),
            models.Index(fields=["task_type", "-case"], name="learningscore_newest"),
        ]


class KnownBad(models.Model):
    """A decided case that a supervisor marked, so that cases like it can be kept from the machine."""

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="known_bad")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.TextField()
    marked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["task_type", "-created_at"], name="knownbad_newest")]
