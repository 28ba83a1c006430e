"""REST: what happened to the cases of a window."""

from datetime import datetime

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.metrics import ACTIONS, DEFAULT, RATES, Counts, Metrics, metrics_for, question_of
from feedback.stats.replay_estimates import Estimate, Share
from hitl.accounts.authentication import actor_of
from hitl.core.clock import rfc3339
from hitl.core.endpoint import Endpoint
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query


class RouteShare(msgspec.Struct, frozen=True):
    action: str
    cases: int
    share: Share


class TimeQuantile(msgspec.Struct, frozen=True):
    """`high` null: it has no upper end."""

    share: float
    seconds: float | None
    low: float | None
    high: float | None
    n: int


class QueueDepthOut(msgspec.Struct, frozen=True):
    """`waiting` counts at most 10,000."""

    queue: str
    waiting: int
    reviewers: int
    looked_at: str | None


class MetricsStep(msgspec.Struct, frozen=True):
    """One hour, or day, from `at`; those without a case are left out."""

    at: str | None
    cases: int
    rates: dict[str, Share]
    error: Estimate


class MetricsOut(msgspec.Struct, frozen=True):
    """Of the cases that came in from `since` to `until`, the end of the last whole hour counted; both null before it.

    `rates`: automated, reviewed, escalated, gated (of the cases), overridden (of those a person decided and the machine
    had an answer to), appealed (of those decided), sla_met (of the reviews done or past their time). `error`: of what
    the machine may decide, weighted by the inverse chance that its right answer is known. `time_to_decision`: in
    seconds, where a person had to act. `reviewers`: persons who judged; null for keys limited to task types.
    """

    window: str
    since: str | None
    until: str | None
    task_type: str | None
    segment: str | None
    model_version: str | None
    cases: int
    routes: list[RouteShare]
    rates: dict[str, Share]
    error: Estimate
    time_to_decision: list[TimeQuantile]
    queues: list[QueueDepthOut]
    reviewers: int | None
    open_alerts: int
    step_hours: int
    steps: list[MetricsStep]


_PARAMETERS = (
    query("window", f"Whole hours or days up to 90d: 24h, 7d. {DEFAULT} unless told.", str, required=False),
    query("task_type", "Cases of this one.", str, required=False),
    query("segment", "Cases that declared name=value, as in region=EU.", str, required=False),
    query("model_version", "Cases predicted by this one.", str, required=False),
)


class MetricsWindow(Endpoint):
    scopes = {"GET": Scope.METRICS_READ}

    @documented(operation_id="get_metrics", responses={200: MetricsOut}, parameters=_PARAMETERS, tags=("Learning",))
    def get(self, request: Request) -> Response:
        """Volume, routes, errors, times and load of a window, from whole hours; each share with its 95 % interval."""
        actor = actor_of(request)
        asked = self.check_query(request, "window", "task_type", "segment", "model_version")
        return Response(_out(metrics_for(actor, question_of(actor, asked))))


def _out(found: Metrics) -> MetricsOut:
    asked, total = found.question, found.total
    return MetricsOut(
        window=asked.window_text,
        since=rfc3339(found.since),
        until=rfc3339(found.until),
        task_type=asked.task_type.slug if asked.task_type else None,
        segment="=".join(asked.segment) if asked.segment else None,
        model_version=asked.model_version,
        cases=total.cases,
        routes=[RouteShare(action, total.counted[action], total.part(action)) for action in ACTIONS],
        rates=_rates(total),
        error=total.error(),
        time_to_decision=[TimeQuantile(q.share, q.value, q.low, q.high, q.n) for q in found.times()],
        queues=[QueueDepthOut(q.slug, q.waiting, q.reviewers, rfc3339(q.looked_at)) for q in found.queues],
        reviewers=found.reviewers,
        open_alerts=found.alerts,
        step_hours=round(found.step.total_seconds() / 3600),
        steps=[_step(step.at, step.counts) for step in found.steps],
    )


def _step(at: datetime, counts: Counts) -> MetricsStep:
    return MetricsStep(rfc3339(at), counts.cases, _rates(counts), counts.error())


def _rates(counts: Counts) -> dict[str, Share]:
    return {name: counts.rate(name) for name in RATES}
