"""The look at every policy in force: audit rate and thresholds, and what was found."""

import logging
from datetime import datetime

from django.db import transaction

from feedback.actions.audit_rates import adjust_audit_rate
from feedback.actions.dynamic_thresholds import adjust_thresholds
from hitl.core.clock import now
from routing.actions.adjustments import note_look
from routing.models import PolicyVersion

log = logging.getLogger(__name__)


def adjust_policies(at: datetime | None = None) -> int:
    """One look at each; returns how many values changed. Safe to run twice or at once."""
    changed = 0
    for version in PolicyVersion.objects.filter(status="active").select_related("policy__task_type"):
        try:
            with transaction.atomic():
                changed += _adjust(version, at or now())
        except Exception:  # one policy's trouble never keeps the others from theirs
            log.exception("policy %s could not be looked at", version.policy.slug)
    return changed


def _adjust(version: PolicyVersion, at: datetime) -> int:
    rate = adjust_audit_rate(version=version, at=at)
    thresholds = adjust_thresholds(version=version, at=at)
    findings = [{"kind": "threshold", "model_version": f.model_version, "text": f.text} for f in thresholds]
    if rate.text:
        findings.append({"kind": "audit_rate", "model_version": "", "text": rate.text})
    note_look(version=version, findings=findings, at=at)
    return rate.moved + sum(f.moved for f in thresholds)
