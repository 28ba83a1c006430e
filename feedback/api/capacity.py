"""REST: the forecast of the queues and what-ifs."""

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.capacity import CapacityReport, QueueForecastRow, Span, capacity_report
from feedback.capacity_form import FIELDS, what_if_of
from hitl.accounts.authentication import actor_of
from hitl.core.clock import rfc3339
from hitl.core.endpoint import Endpoint
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query


class SpanOut(msgspec.Struct, frozen=True):
    """Mean of the simulated courses; nine in ten lie between `low` and `high`."""

    mean: float
    low: float
    high: float


class QueueCapacityOut(msgspec.Struct, frozen=True):
    """`late`: share of reviews due in these hours that are not judged by then; `people_needed`: by Erlang, so that 95 %
    are claimed within the SLA in the busiest hour; `experience`: judged reviews behind the service times.
    """

    queue: str
    waiting: int
    arrivals: SpanOut
    done: SpanOut
    late: SpanOut | None
    wait_median_seconds: float | None
    wait_p95_seconds: float | None
    depth: list[SpanOut]
    service_seconds: float
    utilisation: float | None
    people: int
    people_needed: int | None
    experience: int


class CapacityOut(msgspec.Struct, frozen=True):
    at: str | None
    known_since: str | None
    hours: int
    runs: int
    factor: float
    work_hours: float
    people_hours: float
    overloaded: bool
    queues: list[QueueCapacityOut]


_PARAMETERS = (
    query("factor", "Arrivals times this: 0.5, 1, 2, 10 or 100.", str, required=False),
    query("queue", "The queue that `more` people join.", str, required=False),
    query("more", "People added to `queue`; negative: taken away.", str, required=False),
    query("replay", "A finished replay: arrivals as its policy version would send them.", str, required=False),
)


class Capacity(Endpoint):
    scopes = {"GET": Scope.METRICS_READ}

    @documented(operation_id="get_capacity", responses={200: CapacityOut}, parameters=_PARAMETERS, tags=("Learning",))
    def get(self, request: Request) -> Response:
        """The coming 24 hours in the queues, simulated, and what would change them."""
        actor = actor_of(request)
        return Response(_report(capacity_report(actor, what_if_of(actor, self.check_query(request, *FIELDS)))))


def _report(report: CapacityReport) -> CapacityOut:
    return CapacityOut(
        rfc3339(report.at),
        rfc3339(report.since) if report.since else None,
        report.hours,
        report.runs,
        report.what_if.factor,
        report.work_hours,
        report.people_hours,
        report.overloaded,
        [_queue(row) for row in report.queues],
    )


def _queue(row: QueueForecastRow) -> QueueCapacityOut:
    middle, high = row.wait_s or (None, None)
    return QueueCapacityOut(
        row.slug,
        row.waiting,
        _span(row.arrivals),
        _span(row.done),
        _span(row.late) if row.late else None,
        middle,
        high,
        [_span(span) for span in row.depth],
        row.service_s,
        row.load,
        row.people_now,
        row.people,
        row.experience,
    )


def _span(span: Span) -> SpanOut:
    return SpanOut(span.mean, span.low, span.high)
