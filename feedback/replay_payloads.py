"""The public JSON of replays, built once for REST and pages."""

from typing import Any

import msgspec

from feedback.models import ReplayChange, ReplayJob
from feedback.replay_result import ReplayResult
from hitl.core.clock import rfc3339
from hitl.core.parsing import convert


class ReplayCasesOut(msgspec.Struct, frozen=True, rename={"since": "from"}):
    """Which cases were asked for."""

    since: str | None
    to: str
    limit: int
    model_version: str | None
    segment: dict[str, str]


class ReplayOut(msgspec.Struct, frozen=True):
    """A replay. `total`, null until the work is cut: cases, of which `done` are replayed. `result` null until it ends.

    `compared_with` null: with what really happened.
    """

    id: str
    policy: str
    version: int
    compared_with: int | None
    cases: ReplayCasesOut
    status: str
    done: int
    total: int | None
    detail: str
    requested_by: str
    created_at: str
    finished_at: str | None
    result: ReplayResult | None


class ReplaySideOut(msgspec.Struct, frozen=True):
    action: str
    tier: str


class ReplayChangeOut(msgspec.Struct, frozen=True):
    """A case that would have been routed otherwise. `machine_wrong` null: history does not say."""

    id: str
    case: str
    external_id: str | None
    before: ReplaySideOut
    after: ReplaySideOut
    machine_wrong: bool | None


class ReplayChangeList(msgspec.Struct, frozen=True):
    results: list[ReplayChangeOut]
    next: str | None


class ReplayRouteOut(msgspec.Struct, frozen=True):
    """One whole route with everything it compared."""

    action: str
    zone: str
    risk: str
    tier: str
    reason: str
    rule: str | None
    calibrated_confidence: float | None
    threshold: float | None
    selection_probability: float
    action_propensity: float
    trace: list[dict[str, Any]]


class ReplayChangeDetailOut(msgspec.Struct, frozen=True):
    """Both routes of a changed case, the second made anew from the stored snapshot."""

    change: ReplayChangeOut
    before: ReplayRouteOut
    after: ReplayRouteOut


def replay_out(job: ReplayJob, done: int) -> ReplayOut:
    """A replay with how many of its cases are done."""
    asked = job.question
    return ReplayOut(
        id=str(job.pk),
        policy=job.version.policy.slug,
        version=job.version.number,
        compared_with=job.compared_with.number if job.compared_with else None,
        cases=ReplayCasesOut(
            since=asked.get("from"),
            to=asked.get("to") or rfc3339(job.created_at) or "",
            limit=asked["limit"],
            model_version=asked.get("model_version"),
            segment=asked.get("segment", {}),
        ),
        status=job.status,
        done=done,
        total=job.total,
        detail=job.detail,
        requested_by=job.requested_label,
        created_at=rfc3339(job.created_at) or "",
        finished_at=rfc3339(job.finished_at),
        result=result_of(job),
    )


def result_of(job: ReplayJob) -> ReplayResult | None:
    """What a finished replay says."""
    return None if job.result is None else convert(job.result, ReplayResult)


def change_out(change: ReplayChange) -> ReplayChangeOut:
    """A changed case, with its `case` loaded."""
    return ReplayChangeOut(
        id=str(change.pk),
        case=str(change.case_id),
        external_id=change.case.external_id,
        before=ReplaySideOut(change.action_before, change.tier_before),
        after=ReplaySideOut(change.action_after, change.tier_after),
        machine_wrong=change.machine_wrong,
    )
