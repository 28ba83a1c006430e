"""Which share of a queue's cases shows the machine's answer at once, after the first judgement, or never."""

from typing import ClassVar

from django.db import models

from hitl.accounts.models import User, Workspace
from hitl.core.ids import new_id
from reviews.models.queues import Queue
from routing.models import SHARE


class VisibilityPolicy(models.Model):
    """A queue's arms from `from_at` on, for reviews first claimed since; until a later version. Immutable.

    The shares add up to 1. Which case gets which arm is drawn by a hash of `seed`, queue and case.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    queue = models.ForeignKey(Queue, on_delete=models.PROTECT, related_name="visibility_policies", db_index=False)
    number = models.PositiveIntegerField(help_text="1 for a queue's first policy, then counting.")
    before_share = models.FloatField(validators=SHARE)
    after_share = models.FloatField(validators=SHARE)
    never_share = models.FloatField(validators=SHARE)
    seed = models.CharField(max_length=40, help_text="Another seed draws anew which case gets which arm.")
    reason = models.TextField(blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    from_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["queue", "number"], name="visibilitypolicy_number_unique"),
            models.CheckConstraint(
                condition=models.Q(before_share__gte=0, after_share__gte=0, never_share__gte=0)
                & models.Q(
                    before_share__range=(
                        0.999999 - models.F("after_share") - models.F("never_share"),
                        1.000001 - models.F("after_share") - models.F("never_share"),
                    )
                ),
                name="visibilitypolicy_shares_add_up",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["queue", "-from_at", "-number"], name="visibilitypolicy_in_force")]

    def __str__(self) -> str:
        return f"version {self.number}"

    @property
    def seals(self) -> bool:
        """Whether some case's answer is kept from its reviewer at first."""
        return self.before_share < 1.0
