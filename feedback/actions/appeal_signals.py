"""What appeals found becomes a signal like any other (mission F1), once it can no longer be undone."""

from django.db.models import Exists, OuterRef

from feedback.models import Signal
from hitl.core.clock import db_now
from reviews.models import Appeal

_SOME = 500


def record_appeal_signals() -> int:
    """One signal for each resolved appeal that has none. Returns how many; safe to run twice or at once.

    reviews cannot write them: it stands to the right of feedback and knows nothing of signals.
    """
    known = Signal.objects.filter(
        case_id=OuterRef("case_id"), source=Signal.Source.APPEAL, observed_at=OuterRef("resolved_at")
    )
    resolved = Appeal.objects.filter(judgement__effects_at__lte=db_now()).exclude(resolved_at=None)
    total = 0
    while found := list(resolved.filter(~Exists(known)).select_related("judgement").order_by("id")[:_SOME]):
        at = db_now()
        rows = [
            Signal(
                workspace_id=appeal.workspace_id,
                case_id=appeal.case_id,
                decision_id=appeal.decision_id,
                user_id=appeal.judgement.user_id if appeal.judgement else None,
                source=Signal.Source.APPEAL,
                origin=appeal.submitted_by[:100],
                label=appeal.resolved_label,
                details={"appeal": str(appeal.pk), "outcome": appeal.outcome},
                observed_at=appeal.resolved_at or at,
                created_at=at,
            )
            for appeal in found
        ]
        Signal.objects.bulk_create(rows, ignore_conflicts=True)
        total += len(rows)
        if len(found) < _SOME:
            break
    return total
