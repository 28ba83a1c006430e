"""The pre-action gate: what people said of a proposed action, and which case proposes again."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import Workspace
from hitl.core.ids import new_id
from reviews.models.cases import Case
from reviews.models.work import Judgement


class Approval(models.Model):
    """An irreversible action approved or rejected, with the feedback the partner needs to propose a better one."""

    class Code(models.TextChoices):
        PARAMETERS_WRONG = "parameters_wrong", _("Parameters wrong")
        EVIDENCE_MISSING = "evidence_missing", _("Evidence missing")
        NOT_AUTHORISED = "not_authorised", _("Not authorised")
        POLICY_VIOLATION = "policy_violation", _("Against policy")
        RISK_TOO_HIGH = "risk_too_high", _("Risk too high")
        DUPLICATE = "duplicate", _("Done already")
        TIMING = "timing", _("Wrong time")
        OTHER = "other", _("Other")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="approvals")
    judgement = models.OneToOneField(Judgement, on_delete=models.PROTECT, related_name="approval")
    approved = models.BooleanField()
    codes = ArrayField(models.CharField(max_length=20, choices=Code.choices), default=list)
    comment = models.TextField(blank=True)
    parameters = models.JSONField(default=list, help_text='[{"parameter", "remark", "suggested"?}]')
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return "approved" if self.approved else "rejected"


class Resubmission(models.Model):
    """A case that proposes again what `predecessor` proposed. A predecessor is older, so there is no cycle."""

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.PROTECT, related_name="resubmission")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    predecessor = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="successors")
    depth = models.PositiveSmallIntegerField(help_text="1 for the first resubmission.")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(case=models.F("predecessor")), name="resubmission_of_another_case"
            )
        ]

    def __str__(self) -> str:
        return f"{self.case_id} after {self.predecessor_id}"
