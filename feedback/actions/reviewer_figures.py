"""Make reviewers' figures anew from the judgements of the last 90 days. Plain Python; runs in the worker."""

from dataclasses import replace

import msgspec
from django.db import transaction

from feedback.models import ReviewerFigures
from feedback.reviewer_data import WINDOW, done_by_queue, repeats_of
from feedback.stats.reviewing import figures_of
from hitl.accounts.models import Workspace
from hitl.core.clock import now
from hitl.delivery.single_flight import single_flight


def refresh_reviewer_figures() -> int:
    """Every workspace's; returns how many rows stand. Idempotent, single-flight: null work while another is at it."""
    with single_flight("feedback.reviewer_figures") as free:
        return sum(_refresh(workspace) for workspace in Workspace.objects.order_by("pk")) if free else 0


def _refresh(workspace: Workspace) -> int:
    at = now()
    since = at - WINDOW
    repeats = repeats_of(workspace.pk, since)
    rows = []
    for queue_id, done in done_by_queue(workspace.pk, since).items():
        for person, figures in figures_of(done).items():
            whole = replace(figures, repeats=repeats.get((queue_id, person), figures.repeats))
            rows.append(
                ReviewerFigures(
                    workspace=workspace,
                    queue_id=queue_id,
                    user_id=person,
                    since=since,
                    computed_at=at,
                    judged=whole.judged,
                    figures=msgspec.to_builtins(whole),
                )
            )
    fields = ["since", "computed_at", "judged", "figures"]
    with transaction.atomic():
        ReviewerFigures.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["queue", "user"], update_fields=fields
        )
        ReviewerFigures.objects.filter(workspace=workspace, computed_at__lt=at).delete()
    return len(rows)
