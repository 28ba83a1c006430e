"""The person who judges."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from simple_history.models import HistoricalRecords

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from reviews.duty import schedule_problems
from reviews.models.queues import Queue
from routing.models import Tier


class Reviewer(models.Model):
    """A person's working profile in a workspace: tier, expertise, own queues."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="reviewer_profiles")
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="reviewers")
    expertise = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    queues = models.ManyToManyField(
        Queue, blank=True, related_name="owners", help_text="Own queues: served before any other."
    )
    max_open_claims = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Null: as the queue says.")
    subject_ids = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        help_text="Subjects that are this person or too close to them: never offered.",
    )
    available = models.BooleanField(default=True)
    schedule = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        help_text="Time zone, weekly shifts, absences and rotation of own queues; empty: always on (docs/queues.md).",
    )
    on_call_until = models.DateTimeField(
        null=True, blank=True, help_text="Works until then, whatever the shifts and absences say."
    )
    history = HistoricalRecords(m2m_fields=[queues])

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "user"], name="reviewer_user_unique")]

    def __str__(self) -> str:
        return str(self.user)

    def clean(self) -> None:
        if problems := schedule_problems(self.schedule):
            raise ValidationError({"schedule": problems})
