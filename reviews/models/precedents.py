"""Cases people decided before that resemble one that waits."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from hitl.accounts.models import Workspace
from reviews.models.cases import Case


class CasePrecedents(models.Model):
    """The nearest decided cases, nearest first; kept by a sweep in a worker and made anew after a day.

    Who may see which of them is decided when they are read.
    """

    class Method(models.TextChoices):
        EMBEDDING = "embedding", _("cosine of the embeddings")
        FEATURES = "features", _("Gower's similarity of the input")

    case = models.OneToOneField(Case, primary_key=True, on_delete=models.CASCADE, related_name="precedents")
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)
    method = models.CharField(max_length=9, choices=Method.choices)
    neighbours = models.JSONField(default=list, help_text='[{"case", "similarity"}], at most 20, nearest first.')
    computed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural: ClassVar[str] = "case precedents"

    def __str__(self) -> str:
        return f"{len(self.neighbours)} by {self.method}"
