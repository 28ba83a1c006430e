"""Calibration sessions: a team judges the most disputed cases blind, then compares and talks."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from reviews.models.cases import Case
from routing.models import TaskType


class CalibrationSession(models.Model):
    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    task_type = models.ForeignKey(TaskType, on_delete=models.PROTECT, related_name="+", db_index=False)
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=6, choices=Status.choices, default=Status.OPEN)
    participants = models.ManyToManyField(User, related_name="+")
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["workspace", "-id"], name="calsession_recent")]

    def __str__(self) -> str:
        return self.title


class SessionCase(models.Model):
    """A disputed case in a session. `entropy` of its judgements when it was gathered, in bits."""

    class Outcome(models.TextChoices):
        NONE = "none", _("None")
        GOLD = "gold", _("Became a gold case")
        GUIDELINE = "guideline", _("The guideline is to change")
        AMBIGUOUS = "ambiguous", _("Truly ambiguous")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    session = models.ForeignKey(CalibrationSession, on_delete=models.CASCADE, related_name="cases", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+", db_index=False)
    position = models.PositiveSmallIntegerField()
    entropy = models.FloatField()
    judgements = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=9, choices=Outcome.choices, default=Outcome.NONE)
    label = models.CharField(max_length=100, blank=True, help_text="What the session agreed on.")
    conclusion = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["session", "case"], name="sessioncase_once"),
            models.UniqueConstraint(fields=["session", "position"], name="sessioncase_position_unique"),
        ]


class SessionJudgement(models.Model):
    """What a participant said blind, once."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    session_case = models.ForeignKey(SessionCase, on_delete=models.CASCADE, related_name="said", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    label = models.CharField(max_length=100)
    reasoning = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["session_case", "user"], name="sessionjudgement_once")]


class SessionNote(models.Model):
    """A remark of the discussion, written after one's own judgement."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    session_case = models.ForeignKey(SessionCase, on_delete=models.CASCADE, related_name="notes")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    text = models.TextField()
    created_at = models.DateTimeField()
