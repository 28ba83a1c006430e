"""Where reviews wait."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase
from simple_history.models import HistoricalRecords

from hitl.accounts.models import Workspace
from hitl.core.clock import now
from hitl.core.ids import new_id
from reviews.models.schemes import check_scheme, check_scheme_against
from routing.models import SHARE, TaskType, Tier

GOLD_RATES = (0.01, 0.05)


def gold_rate(value: float) -> None:
    """0, or from 1 to 5 %: fewer tell nothing, more cost too much work."""
    low, high = GOLD_RATES
    if value and not low <= value <= high:
        raise ValidationError(f"Give 0, or a share from {low} to {high}.")


class Queue(models.Model):
    """Reviews of one tier, and of one task type unless `task_type` is null (a general queue).

    Who may claim from it: guardian's `claim_queue` on the row; `view_queue` shows it and its cases.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    slug = models.SlugField(max_length=60)
    title = models.CharField(max_length=200)
    task_type = models.ForeignKey(TaskType, null=True, blank=True, on_delete=models.PROTECT, related_name="queues")
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="queues")
    judge_first = models.BooleanField(
        default=True,
        help_text="The machine's answer stays sealed until the reviewer has judged. Not for gated actions.",
    )
    reveal_share = models.FloatField(
        default=0.8,
        validators=SHARE,
        help_text="Share of cases whose machine answer is shown after the first judgement.",
    )
    visibility_version = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="Of its newest visibility policy; 0: none, the share holds."
    )
    sealed_until = models.DateTimeField(
        null=True,
        editable=False,
        help_text="Until then its cases may be sealed by an experiment, though the queue is not judge-first.",
    )
    allow_pick = models.BooleanField(default=False, help_text="Reviewers may claim a case of their choice.")
    max_open_claims = models.PositiveSmallIntegerField(default=3)
    lease_s = models.PositiveIntegerField("lease (seconds)", default=600)
    near_due_share = models.FloatField(
        default=0.1, validators=SHARE, help_text="A review comes first when less than this share of its SLA is left."
    )
    reason_share = models.FloatField(
        default=0.0,
        db_default=0.0,
        validators=SHARE,
        help_text="Share of reviews, drawn at random, whose judgement must name an override category.",
    )
    active_learning = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Takes only cases chosen for what they would teach; routing never sends it any.",
    )
    learning_capacity = models.PositiveIntegerField(
        default=100,
        db_default=100,
        validators=[MinValueValidator(1)],
        help_text="Reviews that wait here for the sake of learning, at most.",
    )
    gold_rate = models.FloatField(
        default=0.0,
        db_default=0.0,
        validators=[gold_rate],
        help_text="Share of gold cases among what reviewers are given: 0.01–0.05; 0: none.",
    )
    gold_min_accuracy = models.FloatField(
        null=True,
        blank=True,
        validators=SHARE,
        help_text="A reviewer whose accuracy on gold is surely below this is paused. Null: nobody is.",
    )
    gold_window = models.PositiveSmallIntegerField(
        default=20, db_default=20, validators=[MinValueValidator(5)], help_text="The last so many gold cases count."
    )
    training_cases = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Training cases to pass before the first real one; 0: none."
    )
    training_pass_share = models.FloatField(
        default=0.8, db_default=0.8, validators=SHARE, help_text="Share of them to get right."
    )
    training_attempts = models.PositiveSmallIntegerField(
        default=3, db_default=3, validators=[MinValueValidator(1)], help_text="Goes before a supervisor must decide."
    )
    routine_share = models.FloatField(
        default=0.0,
        db_default=0.0,
        validators=SHARE,
        help_text="Share of cases the machine decided that come here once more, to keep skills; they change nothing.",
    )
    alert_waiting = models.PositiveIntegerField(
        null=True, blank=True, help_text="Raise an alert when more reviews wait; null: never. Counted up to 10,000."
    )
    alert_overdue = models.PositiveIntegerField(
        null=True, blank=True, help_text="Raise an alert when more waiting reviews are overdue; null: never."
    )
    scheme = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        validators=[check_scheme],
        help_text="Who judges a case of this queue: docs/schemes.md. Empty: one person. Cases under way keep theirs.",
    )
    history = HistoricalRecords()

    class Meta:
        ordering: ClassVar = ["slug"]
        permissions: ClassVar = [("claim_queue", "Can claim reviews from this queue")]
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "slug"], name="queue_slug_unique")]

    def __str__(self) -> str:
        return self.title

    @property
    def may_seal(self) -> bool:
        """Whether its cases are sealed until judged, all of them or those that an experiment's arms say."""
        return self.judge_first or (self.sealed_until is not None and self.sealed_until > now())

    def clean(self) -> None:
        """What of the scheme only other rows can tell: its labels, its queues, its questions."""
        check_scheme_against(self)


class QueueUserObjectPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey(Queue, on_delete=models.CASCADE)


class QueueGroupObjectPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Queue, on_delete=models.CASCADE)
