"""What the workbench keeps beside a judgement: notes, and what a person did on the page."""

from typing import ClassVar

from django.db import models

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from reviews.models.cases import Case
from reviews.models.work import Claim


class Note(models.Model):
    """A colleague's remark on a case. It is never changed; whoever may still judge unaided does not see others'."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notes", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    text = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["case", "id"], name="note_of_case")]

    def __str__(self) -> str:
        return self.text[:60]


class Interactions(models.Model):
    """What the holder of a claim did on the page, in order: kinds and times, never what was typed.

    `events`: [{"kind", "ms", "about"?}], `ms` since the case was shown.
    """

    claim = models.OneToOneField(Claim, primary_key=True, on_delete=models.PROTECT, related_name="interactions")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+")
    guideline_version = models.PositiveIntegerField(null=True, help_text="Null where no guideline is in force.")
    events = models.JSONField(default=list)
    started_at = models.DateTimeField(help_text="When the case was shown, by the server's clock.")

    def __str__(self) -> str:
        return f"interactions of {self.claim_id}"
