"""What people do with a review besides judging it, and what they tell whoever has it next."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from reviews.models.queues import Queue
from reviews.models.work import ReviewTask


class Handover(models.Model):
    """One step of a review from hand to hand, with its note. `answer` is written once, where `note` asked something."""

    class Kind(models.TextChoices):
        SNOOZED = "snoozed", _("Snoozed")
        TRANSFERRED = "transferred", _("Transferred")
        RETURNED = "returned", _("Returned")
        ESCALATED = "escalated", _("Escalated")
        ASSIGNED = "assigned", _("Assigned")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    review = models.ForeignKey(ReviewTask, on_delete=models.PROTECT, related_name="handovers", db_index=False)
    kind = models.CharField(max_length=11, choices=Kind.choices)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    to = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    from_queue = models.ForeignKey(Queue, on_delete=models.PROTECT, related_name="+", db_index=False)
    to_queue = models.ForeignKey(Queue, on_delete=models.PROTECT, related_name="+", db_index=False)
    note = models.TextField(blank=True)
    informed = models.BooleanField(
        help_text="Its author had seen the machine's answer: the note stays sealed as long as that answer."
    )
    until = models.DateTimeField(null=True)
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    answered_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["review", "-id"], name="handover_of_review"),
            models.Index(fields=["workspace", "by", "-id"], name="handover_by"),
            models.Index(fields=["workspace", "to", "-id"], name="handover_to", condition=models.Q(to__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.review_id}"


class SavedFilter(models.Model):
    """A search of a list that a person gave a name. Nobody else sees it."""

    class Place(models.TextChoices):
        CASES = "cases", _("Cases")
        QUEUE = "queue", _("Reviews of a queue")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    place = models.CharField(max_length=5, choices=Place.choices)
    name = models.CharField(max_length=60)
    query = models.JSONField(help_text="The parameters of the list, by name.")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "user", "place", "name"], name="savedfilter_name_unique")
        ]

    def __str__(self) -> str:
        return self.name
