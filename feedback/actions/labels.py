"""Rebuild training labels of the cases about which something new was said."""

import logging
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connection, transaction

from feedback.actions.appeal_signals import record_appeal_signals
from feedback.evidence import label_of
from feedback.learning_settings import WeightSettings, settings_or_defaults
from feedback.models import LabelSweep, LabelVersion, Signal, TrainingLabel
from feedback.models.labels import LabelFields
from feedback.selectors import evidence_of_cases
from hitl.core.clock import now
from reviews.models import Judgement, Report
from routing.models import TaskType

# A transaction that is still open hides its rows, whose ids are already older than the watermark: reading on from the
# last id seen would skip them for good. So each sweep reads again everything whose id is younger than the last sweep's
# start less an hour. That is longer than any transaction here may last (30 s idle, 30 min for a task), than the undo
# window (an undone judgement is no new row), and than hosts' clocks differ. Rebuilding twice changes nothing, and the
# nightly sweep reads everything, so that not even this bound has to be believed.
OVERLAP = timedelta(hours=1)
log = logging.getLogger(__name__)
CHUNK = 500
LOCK = "feedback.labels"
_COMMON = [f.attname for f in LabelFields._meta.fields]
_FIELDS = [f.name for f in TrainingLabel._meta.concrete_fields if not f.primary_key]


def rebuild_labels(*, everything: bool = False) -> int:
    """Bring training labels up to date with judgements and signals; returns how many changed. Safe at any time."""
    started = now()
    record_appeal_signals()
    sweep = LabelSweep.objects.filter(pk=1).first()
    since = None if sweep is None or everything else sweep.read_up_to - OVERLAP
    changed = sum(_attempt(case_ids) for case_ids in _touched(since))
    _, created = LabelSweep.objects.get_or_create(pk=1, defaults={"read_up_to": started})
    if not created:
        LabelSweep.objects.filter(pk=1, read_up_to__lt=started).update(read_up_to=started)
    return changed


def _touched(since: datetime | None) -> Iterator[set[uuid.UUID]]:
    """Case ids in chunks, by the time inside the UUIDv7 keys: an index range, whatever the size of the tables."""
    for model in (Judgement, Signal, Report):
        last = _first_id_at(since)
        while rows := list(
            model._default_manager.filter(pk__gt=last).order_by("pk").values_list("pk", "case_id")[:CHUNK]
        ):
            yield {case_id for _, case_id in rows}
            last = rows[-1][0]


def _first_id_at(since: datetime | None) -> uuid.UUID:
    """The smallest UUID of that millisecond (RFC 9562); null: of all time."""
    return uuid.UUID(int=0 if since is None else int(since.timestamp() * 1000) << 80)


def _attempt(case_ids: set[uuid.UUID]) -> int:
    """A chunk; where one case's label cannot be made or stored, it is logged and keeps none of the others from theirs.

    The sweep is everybody's: one workspace's trouble must not end another's learning.
    """
    try:
        return _rebuild(case_ids)
    except (OperationalError, InterfaceError):
        raise  # the database is away: nothing is wrong with the cases
    except Exception:
        if len(case_ids) == 1:
            log.exception("the label of case %s could not be made", *case_ids)
            return 0
        return sum(_attempt({case_id}) for case_id in sorted(case_ids))


@transaction.atomic
def _rebuild(case_ids: set[uuid.UUID]) -> int:
    """One chunk. The lock comes before the reading, so of two sweeps the one that read last also writes last."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [LOCK])
    stored = TrainingLabel.objects.in_bulk(case_ids)
    labels: list[TrainingLabel] = []
    silent: list[TrainingLabel] = []
    at, found_all = now(), evidence_of_cases(case_ids)
    weights = _weights({found.case.task_type_id for found in found_all})
    for found in found_all:
        label, before = label_of(found, at, weights[found.case.task_type_id]), stored.get(found.case.pk)
        if label is None and before is not None:
            silent.append(before)
        elif label is not None and (before is None or _content(label) != _content(before)):
            if before is not None and before.evidence is None and _said(label) == _said(before):
                label.updated_at = before.updated_at  # made before labels kept their evidence; it says nothing new
            labels.append(label)
    TrainingLabel.objects.filter(pk__in=[label.pk for label in silent]).delete()
    TrainingLabel.objects.bulk_create(labels, update_conflicts=True, unique_fields=["case"], update_fields=_FIELDS)
    LabelVersion.objects.bulk_create(
        [*(_version(label) for label in labels), *(_version(label, withdrawn_at=at) for label in silent)]
    )
    return len(labels) + len(silent)


def _weights(task_type_ids: set[uuid.UUID]) -> dict[uuid.UUID, WeightSettings]:
    """What labels weigh, by task type."""
    rows = TaskType.objects.filter(pk__in=task_type_ids).only("slug", "recalibration")
    return {row.pk: settings_or_defaults(row).weights for row in rows}


def _version(label: TrainingLabel, withdrawn_at: datetime | None = None) -> LabelVersion:
    """What `label` says from now on, or said until now."""
    fields = {name: getattr(label, name) for name in _COMMON}
    changed = {} if withdrawn_at is None else {"withdrawn": True, "updated_at": withdrawn_at}
    return LabelVersion(case_id=label.pk, **fields | changed)


def _content(label: TrainingLabel) -> tuple[object, ...]:
    return tuple(getattr(label, f.attname) for f in TrainingLabel._meta.concrete_fields if f.name != "updated_at")


def _said(label: TrainingLabel) -> tuple[object, ...]:
    """What `label` says, without what it was made of."""
    return (label.label, label.weight, label.source, label.factors, label.unaided_label, label.selection_probability)
