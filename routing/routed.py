"""The columns of a route, shared by what was decided and by what a version in shadow would have decided."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from hitl.accounts.models import Workspace
from hitl.core.ids import new_id

_SHARE = [MinValueValidator(0.0), MaxValueValidator(1.0)]


class Routed(models.Model):
    """What the engine answered, as columns: of the version that decided, and of those in shadow."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    case_id = models.UUIDField(help_text="No foreign key: routing knows no cases.")
    action = models.CharField(max_length=20)
    zone = models.CharField(max_length=10)
    risk = models.CharField(max_length=8)
    tier = models.CharField(max_length=60)
    reason = models.TextField()
    rule = models.CharField(max_length=100, null=True)
    calibrated_confidence = models.FloatField(null=True)
    calibration_version = models.PositiveIntegerField(null=True)
    threshold = models.FloatField(null=True)
    priority = models.FloatField()
    priority_breakdown = models.JSONField(default=list)
    selection_probability = models.FloatField(validators=_SHARE)
    action_propensity = models.FloatField(validators=_SHARE)
    sampled = models.BooleanField()
    draw = models.FloatField()
    trace = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        abstract = True
