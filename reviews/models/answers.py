"""Who answered which question of a case."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from reviews.models.cases import Case
from reviews.models.work import Judgement


class QuestionAnswer(models.Model):
    """One answer to one question of a case, with who is responsible for it. Written once; an undone judgement's do not
    count.
    """

    class Source(models.TextChoices):
        MACHINE = "machine", _("Machine")
        PERSON = "person", _("Person")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="answers")
    question = models.CharField(max_length=60)
    label = models.CharField(max_length=100)
    source = models.CharField(max_length=7, choices=Source.choices)
    confidence = models.FloatField(null=True)
    model_version = models.CharField(max_length=100, null=True)
    judgement = models.ForeignKey(
        Judgement, null=True, on_delete=models.PROTECT, related_name="answers", db_index=False
    )
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    seat = models.CharField(max_length=60, default="", help_text="The role that answered, on a panel.")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["judgement", "question"], name="answer_once_per_judgement")
        ]

    def __str__(self) -> str:
        return f"{self.question}: {self.label}"
