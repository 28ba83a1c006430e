"""One required human judgement, who holds it, and what was said.

The case vouches for the workspace of all these: a constraint on each would lock that one row in every transaction.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from reviews.models.cases import Case
from reviews.models.guidelines import GuidelineVersion
from reviews.models.queues import Queue
from routing.models import SHARE


class ReviewTask(models.Model):
    """One required human judgement on a case; this is what is queued and claimed."""

    class Kind(models.TextChoices):
        FIRST = "first", _("First")
        AUDIT = "audit", _("Audit")
        LEARNING = "learning", _("chosen by active learning")
        BLIND = "blind", _("Blind")
        GOLD = "gold", _("Gold")
        APPEAL = "appeal", _("Appeal")
        REPORT = "report", _("asked for by users' reports")
        SECOND = "second", _("the other of two, blind")
        THIRD = "third", _("the third, after two who disagree")
        ROLE = "role", _("a role of a panel")
        ADJUDICATION = "adjudication", _("Adjudication")
        OPINION = "opinion", _("a second opinion, asked for")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        ASSIGNED = "assigned", _("waiting for one person")
        SNOOZED = "snoozed", _("put off until a time")
        CLAIMED = "claimed", _("Claimed")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")

    # status → what may follow. Only `waiting` is in the indexes that claims read, so the others cost them nothing.
    TRANSITIONS: ClassVar[dict[str, frozenset[str]]] = {
        "waiting": frozenset({"claimed", "assigned", "cancelled"}),
        "assigned": frozenset({"waiting", "claimed", "cancelled"}),
        "snoozed": frozenset({"waiting", "assigned", "cancelled"}),
        "claimed": frozenset({"waiting", "assigned", "snoozed", "done", "cancelled"}),
        "done": frozenset({"claimed"}),  # undone within its window
        "cancelled": frozenset(),
    }
    IDLE: ClassVar = ("waiting", "assigned", "snoozed")  # open, and nobody is at it
    OPEN: ClassVar = (*IDLE, "claimed")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="reviews")
    queue = models.ForeignKey(Queue, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.FIRST)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WAITING)
    order_key = models.FloatField(help_text="Minus the priority: ascending is the order of work.")
    due_at = models.DateTimeField(help_text="The earlier of the tier's SLA and required-by.")
    urgent_at = models.DateTimeField(help_text="From then on it comes before any priority.")
    sla_expired_at = models.DateTimeField(null=True, help_text="When the fallback was applied.")
    subject = models.CharField(max_length=200, null=True, help_text="The case's, for exclusion without a join.")
    submitted_by_id = models.UUIDField(null=True, help_text="The case's, for exclusion without a join.")
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    assigned_to = models.ForeignKey(
        User,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Only this person is offered it, before anything else, until it is due.",
    )
    snoozed_until = models.DateTimeField(null=True)
    handed_over = models.BooleanField(default=False, db_default=False, help_text="It has notes (`Handover`).")
    panel = models.ForeignKey(
        "reviews.Panel", null=True, on_delete=models.PROTECT, related_name="reviews", db_index=False
    )
    seat = models.CharField(
        max_length=60, default="", db_default="", help_text="Of several people who judge one case; empty: alone."
    )
    follows_id = models.UUIDField(null=True, help_text="The judgement that made it necessary; an opinion: the review.")

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["queue", "order_key", "id"], name="review_waiting", condition=models.Q(status="waiting")
            ),
            models.Index(
                fields=["queue", "urgent_at", "id"], name="review_urgent", condition=models.Q(status="waiting")
            ),
            models.Index(fields=["queue", "-done_at"], name="review_done", condition=models.Q(status="done")),
            models.Index(
                fields=["due_at", "id"],
                name="review_clock",
                condition=models.Q(
                    status__in=["waiting", "assigned", "snoozed", "claimed"], sla_expired_at__isnull=True
                ),
            ),
            models.Index(
                fields=["assigned_to", "urgent_at", "id"],
                name="review_assigned",
                condition=models.Q(status="assigned"),
            ),
            models.Index(fields=["snoozed_until"], name="review_snoozed", condition=models.Q(status="snoozed")),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case", "kind", "seat"],
                condition=models.Q(status__in=["waiting", "assigned", "snoozed", "claimed"]),
                name="review_open_once_per_seat",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="assigned", assigned_to__isnull=True), name="review_assigned_to_somebody"
            ),
            models.CheckConstraint(
                condition=~models.Q(status="snoozed", snoozed_until__isnull=True), name="review_snoozed_until_a_time"
            ),
        ]

    @property
    def judge_first(self) -> bool:
        """Whether the machine's answer and any decision stay sealed until its reviewer has judged: appeals always."""
        return self.kind == self.Kind.APPEAL or self.queue.judge_first

    @property
    def priority(self) -> float:
        """0–1, higher first."""
        return -self.order_key


class Exclusion(models.Model):
    """This person is not offered this case again: judged, skipped or too close."""

    class Reason(models.TextChoices):
        JUDGED = "judged", _("Judged")
        SKIPPED = "skipped", _("Skipped")
        CONFLICT = "conflict", _("Conflict")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    reason = models.CharField(max_length=8, choices=Reason.choices)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "user"], name="exclusion_case_user_unique")]


class Claim(models.Model):
    """An exclusive lease on a review. The token is the fence: unguessable, new with every lease, null once closed."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        SUBMITTED = "submitted", _("Submitted")
        RELEASED = "released", _("Released")
        SKIPPED = "skipped", _("Skipped")
        ESCALATED = "escalated", _("Escalated")
        EXPIRED = "expired", _("Expired")
        CANCELLED = "cancelled", _("Cancelled")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    review = models.ForeignKey(ReviewTask, on_delete=models.PROTECT, related_name="claims", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    epoch = models.PositiveIntegerField(help_text="1 for a review's first lease, then counting.")
    token = models.CharField(max_length=43, null=True)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.OPEN)
    claimed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    prefetched = models.BooleanField(
        default=False, db_default=False, help_text="Taken ahead of time, on a short lease until it is shown."
    )
    shown_at = models.DateTimeField(null=True, help_text="When a prefetched case was shown; the clock starts then.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["review"], condition=models.Q(status="open"), name="claim_one_open_per_review"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["expires_at"], name="claim_expiry", condition=models.Q(status="open")),
            models.Index(fields=["user"], name="claim_open_by_user", condition=models.Q(status="open")),
            models.Index(fields=["review", "-epoch"], name="claim_of_review"),
        ]


class Judgement(models.Model):
    """What a person said. Immutable but for `undone_at`.

    `first`: unaided, before the machine's answer was shown. `final`: this person's last word.
    """

    class Stage(models.TextChoices):
        FIRST = "first", _("First")
        FINAL = "final", _("Final")

    class Visibility(models.TextChoices):
        """When the machine's answer was shown to this person."""

        BEFORE = "before", _("Before")
        AFTER = "after", _("After")
        NEVER = "never", _("Never")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(
        Workspace, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="judgements")
    review = models.ForeignKey(ReviewTask, on_delete=models.PROTECT, related_name="judgements", db_index=False)
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    stage = models.CharField(max_length=5, choices=Stage.choices)
    label = models.CharField(max_length=100)
    confidence = models.FloatField(null=True, validators=SHARE)
    visibility = models.CharField(max_length=6, choices=Visibility.choices)
    visibility_propensity = models.FloatField(validators=SHARE)
    visibility_version = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Of the queue's visibility policy; 0: the queue had none."
    )
    reasoning = models.TextField(blank=True)
    override_category = models.CharField(max_length=40, blank=True)
    adjustments = models.JSONField(default=dict, help_text="One difference per field: {field: {from, to, against}}.")
    rationale = models.JSONField(null=True, help_text="Marked spans, regions and fields of the evidence, and words.")
    suggested_label = models.CharField(
        max_length=100, blank=True, db_default="", help_text="Said where none of the labels fits."
    )
    reason_required = models.BooleanField(default=False, db_default=False, help_text="Drawn to name a category.")
    reason_probability = models.FloatField(
        null=True, validators=SHARE, help_text="Of that draw; null where no machine's answer was to be seen."
    )
    guideline = models.ForeignKey(
        GuidelineVersion,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="In force in the queue when the case was claimed.",
    )
    action_verdict = models.JSONField(null=True, help_text="On a panel: what this person said of the proposed action.")
    decision_time_s = models.FloatField(help_text="From the case being shown to the judgement.")
    created_at = models.DateTimeField()
    effects_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["review", "user", "stage"],
                condition=models.Q(undone_at__isnull=True),
                name="judgement_once_per_stage",
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["workspace", "-id"], name="judgement_suggests", condition=~models.Q(suggested_label="")
            )
        ]
