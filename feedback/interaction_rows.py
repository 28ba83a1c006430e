"""The rows of an export of interaction traces: what people did on the page, beside what they then said."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

from feedback.export_rows import CHUNK, Found, Row
from feedback.models import Export
from feedback.pseudonyms import Pseudonyms
from hitl.core.clock import rfc3339
from reviews.models import Claim, Interactions, Judgement, ReviewTask

SETTLED = timedelta(hours=1)
"""Claims that ended this long before the export's moment: what the page still had to report has arrived."""
_NIL = uuid.UUID(int=0)


class InteractionRows:
    """The traces of ended claims by claim; those of cases that somebody may still have to judge are left out."""

    def __init__(self, export: Export, found: Found) -> None:
        self._export, self._found = export, found
        self._names = None if export.raw else Pseudonyms(export.workspace_id)
        packed = bytes(export.withheld)
        withheld = {packed[start : start + 16] for start in range(0, len(packed), 16)}
        self._withheld = withheld if export.rebuilds_id else None

    def chunks(self) -> Iterator[list[Row]]:
        """Up to `CHUNK` rows at a time, in three queries each."""
        last = _NIL
        while traces := list(self._traces(last)):
            last = traces[-1].pk
            out = self._left_out({trace.case_id for trace in traces})
            for case_id in sorted(out):
                self._found.withheld += case_id.bytes
            shown = [trace for trace in traces if trace.case_id not in out]
            finals = Judgement.objects.filter(case_id__in={t.case_id for t in shown}, stage=Judgement.Stage.FINAL)
            labels = dict(finals.values_list("claim_id", "label"))
            yield [self._row(trace, labels.get(trace.pk)) for trace in shown]

    def _traces(self, last: uuid.UUID) -> Iterator[Interactions]:
        asked, export = self._export.question, self._export
        rows = Interactions.objects.filter(
            workspace_id=export.workspace_id,
            case__task_type__in=export.task_types,
            claim__closed_at__lt=export.as_of - SETTLED,
            pk__gt=last,
        )
        if asked.get("since"):
            rows = rows.filter(claim__closed_at__gte=asked["since"])
        if asked.get("model_version"):
            rows = rows.filter(case__model_version=asked["model_version"])
        if asked.get("owner"):
            rows = rows.filter(case__owner_id=asked["owner"])
        related = rows.select_related("claim", "case").order_by("pk")
        yield from related.defer("case__content_hash")[:CHUNK]

    def _left_out(self, case_ids: set[uuid.UUID]) -> set[uuid.UUID]:
        if self._withheld is not None:
            return {case_id for case_id in case_ids if case_id.bytes in self._withheld}
        open_ = ReviewTask.objects.filter(case_id__in=case_ids, status__in=ReviewTask.OPEN)
        return set(open_.values_list("case_id", flat=True))

    def _row(self, trace: Interactions, label: str | None) -> Row:
        claim: Claim = trace.claim
        kind = self._export.versions["task_types"][str(trace.case.task_type_id)]
        if trace.guideline_version is not None:
            self._found.guidelines[f"{kind['slug']}#{trace.guideline_version}"] += 1
        return {
            "claim": str(trace.pk),
            "case": str(trace.case_id),
            "task_type": kind["slug"],
            "reviewer": str(claim.user_id) if self._names is None else self._names.of("reviewer", claim.user_id),
            "ended": claim.status,
            "label": label,
            "guideline_version": trace.guideline_version,
            "shown_at": rfc3339(trace.started_at),
            "closed_at": rfc3339(claim.closed_at),
            "events": trace.events,
        }
