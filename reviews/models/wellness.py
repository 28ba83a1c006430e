"""What spares the people who look at hard material: tags, daily limits, how evidence is shown. It promises nothing."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from reviews.checked_tags import check_pointer, check_tags
from routing.models import TaskType


class ContentCare(models.Model):
    """The content tags of a task type: which there are, where a case names its own, and what limits each."""

    task_type = models.OneToOneField(TaskType, primary_key=True, on_delete=models.CASCADE, related_name="content_care")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+")
    tags = models.JSONField(
        default=list,
        validators=[check_tags],
        help_text='[{"tag": "violence", "daily_cap": 40, "run": 5, "always": false}]: at most `daily_cap` cases '
        "a person and day (null: no limit); after `run` in a row others are preferred (null: never); `always`: every "
        "case has it.",
    )
    pointer = models.CharField(
        max_length=200,
        blank=True,
        validators=[check_pointer],
        help_text="Where a case's input names its tags, for instance /content_tags; besides context.content_tags.",
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = "content care"
        verbose_name_plural = "content care"

    def __str__(self) -> str:
        return f"content care of {self.task_type}"


class Exposure(models.Model):
    """How many cases with a tag a person was given on a day (UTC). Seen by that person; by others only summed up."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    tag = models.CharField(max_length=60)
    count = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "user", "day", "tag"], name="exposure_user_day_tag_unique")
        ]
        indexes: ClassVar = [models.Index(fields=["workspace", "day"], name="exposure_by_day")]


class Veil(models.Model):
    """How a person wants evidence shown at first, and when to be reminded of a break; without a row, the defaults."""

    class Style(models.TextChoices):
        BLUR = "blur", _("Blurred")
        GREY = "grey", _("Without colour")
        NONE = "none", _("As it is")

    class Scope(models.TextChoices):
        TAGGED = "tagged", _("Cases with a content tag")
        ALL = "all", _("All cases")

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE, related_name="veil")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    style = models.CharField("evidence at first", max_length=5, choices=Style.choices, default=Style.BLUR)
    scope = models.CharField("for", max_length=6, choices=Scope.choices, default=Scope.TAGGED)
    break_after_min = models.PositiveSmallIntegerField(
        "remind me of a break after (minutes)",
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(480)],
        help_text="0: never.",
    )
