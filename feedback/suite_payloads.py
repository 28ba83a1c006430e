"""The public JSON of suite runs, built once for REST and pages."""

from typing import Literal

import msgspec

from feedback.models import SuiteRun
from feedback.suite_results import ExampleResult, SuiteSummary
from hitl.core.clock import rfc3339
from hitl.core.parsing import convert

Only = Literal["failing", "passing", "newly_failing", "newly_passing"]


class SuiteRunOut(msgspec.Struct, frozen=True):
    """A run of version `suite` of the test suite on version `policy_version`: `done` of `examples` are tried.

    `compared_with`: the run before, null without one. `summary` is null until it is done.
    """

    id: str
    task_type: str
    suite: int
    policy: str
    policy_version: int
    status: str
    done: int
    examples: int
    compared_with: str | None
    detail: str
    requested_by: str
    created_at: str | None
    finished_at: str | None
    summary: SuiteSummary | None


class SuiteRunList(msgspec.Struct, frozen=True):
    results: list[SuiteRunOut]
    next: str | None


class SuiteResultList(msgspec.Struct, frozen=True):
    results: list[ExampleResult]
    next: str | None


def suite_run_out(run: SuiteRun) -> SuiteRunOut:
    """A run with its task type, suite and version loaded."""
    return SuiteRunOut(
        id=str(run.pk),
        task_type=run.task_type.slug,
        suite=run.suite.number,
        policy=run.version.policy.slug,
        policy_version=run.version.number,
        status=run.status,
        done=run.done,
        examples=run.suite.size,
        compared_with=str(run.compared_with_id) if run.compared_with_id else None,
        detail=run.detail,
        requested_by=run.requested_label,
        created_at=rfc3339(run.created_at),
        finished_at=rfc3339(run.finished_at),
        summary=summary_of(run),
    )


def summary_of(run: SuiteRun) -> SuiteSummary | None:
    """What a finished run says in sum."""
    return None if run.summary is None else convert(run.summary, SuiteSummary)


def results_of(run: SuiteRun, only: Only | None = None) -> list[ExampleResult]:
    """What a finished run says of each example, failures first; none before it is done."""
    if run.status != SuiteRun.Status.DONE:
        return []
    results = convert(run.results, list[ExampleResult])
    if only in ("failing", "passing"):
        return [result for result in results if result.failing is (only == "failing")]
    return results if only is None else [result for result in results if result.change == only]
