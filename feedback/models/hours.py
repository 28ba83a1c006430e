"""Whole hours counted, and what they foretell."""

from typing import ClassVar

from django.db import models

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from reviews.models import Queue


class QueueForecast(models.Model):
    """How long reviews of a queue will wait: the last look's figures and what follows from them. Null: not known."""

    queue = models.OneToOneField(Queue, primary_key=True, on_delete=models.CASCADE, related_name="forecast")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    computed_at = models.DateTimeField()
    waiting = models.PositiveIntegerField()
    reviewers = models.PositiveIntegerField(help_text="Persons who worked on it within half an hour.")
    service_s = models.FloatField(null=True, help_text="Mean time from claim to judgement in the last day.")
    arrivals_per_hour = models.FloatField(help_text="In the last hour.")
    arrivals_next_hour = models.FloatField(help_text="As the same hours of past weeks suggest.")
    utilisation = models.FloatField(null=True)
    wait_now_s = models.FloatField(null=True)
    wait_hour_s = models.FloatField(null=True, help_text="On average over the next hour.")


class QueueHour(models.Model):
    """What came to a queue and left it in one whole hour; hours in which nothing happened have no row."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    queue = models.ForeignKey(Queue, on_delete=models.CASCADE, related_name="+", db_index=False)
    hour = models.DateTimeField()
    arrived = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["queue", "hour"], name="queue_hour_once")]
        indexes: ClassVar = [models.Index(fields=["hour"], name="queue_hour_latest")]


class PersonHour(models.Model):
    """How much a person judged in one whole hour; hours without a judgement have no row."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    hour = models.DateTimeField()
    judged = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace", "user", "hour"], name="person_hour_once")]
