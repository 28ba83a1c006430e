"""REST: how the queues stand, and one's own reviews."""

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.clock import rfc3339
from hitl.core.endpoint import Endpoint
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query
from reviews.access import desk_of, visible_queues
from reviews.models import ReviewTask
from reviews.queue_stats import stats_of


class QueueOut(msgspec.Struct, frozen=True):
    """A queue and how it stands; counts stop at 10,000."""

    id: str
    slug: str
    title: str
    task_type: str | None
    tier: str
    judge_first: bool
    may_claim: bool
    depth: int
    overdue: int
    oldest: str | None
    next_due: str | None
    estimated_wait_seconds: int | None


class QueueList(msgspec.Struct, frozen=True):
    results: list[QueueOut]
    next: str | None = None


class MyReviewOut(msgspec.Struct, frozen=True):
    id: str
    case: str
    queue: str
    status: str
    due_at: str
    done_at: str | None


class MyReviewList(msgspec.Struct, frozen=True):
    results: list[MyReviewOut]
    next: str | None


class Queues(Endpoint):
    scopes = {"GET": Scope.CASES_READ}

    @documented(operation_id="list_queues", responses={200: QueueList}, tags=("Reviewing",))
    def get(self, request: Request) -> Response:
        """The queues you may see."""
        actor = actor_of(request)
        self.check_query(request)
        desk = desk_of(actor)
        queues = list(visible_queues(actor, desk)[:200])
        stats = stats_of([q.pk for q in queues])
        claimable = {q.id for q in desk.claimable()}
        results = [
            QueueOut(
                id=str(q.pk),
                slug=q.slug,
                title=q.title,
                task_type=q.task_type.slug if q.task_type else None,
                tier=q.tier.slug,
                judge_first=q.judge_first,
                may_claim=q.pk in claimable,
                depth=stats[q.pk].depth,
                overdue=stats[q.pk].overdue,
                oldest=rfc3339(stats[q.pk].oldest_at),
                next_due=rfc3339(stats[q.pk].next_due_at),
                estimated_wait_seconds=stats[q.pk].estimated_wait_s,
            )
            for q in queues
        ]
        return Response(QueueList(results))


class Reviews(Endpoint):
    scopes = {"GET": Scope.REVIEWS_WRITE}

    @documented(
        operation_id="list_my_reviews",
        responses={200: MyReviewList},
        parameters=(
            query("mine", "`true`: reviews you hold or did (the only list there is)"),
            query("limit", "1–200, default 50", int),
            query("cursor", "The `next` of the page before"),
        ),
        tags=("Reviewing",),
    )
    def get(self, request: Request) -> Response:
        """Reviews you hold or have done, newest first."""
        actor = actor_of(request)
        asked = self.check_query(request, "mine", "limit", "cursor")
        user_id = actor.person_id
        rows = (
            ReviewTask.objects.filter(
                workspace_id=actor.workspace_id,
                claims__user_id=user_id,
                claims__status__in=["open", "submitted"],
            )
            .select_related("queue")
            .distinct()
        )
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        results = [
            MyReviewOut(str(r.pk), str(r.case_id), r.queue.slug, r.status, rfc3339(r.due_at) or "", rfc3339(r.done_at))
            for r in page.rows
        ]
        return Response(MyReviewList(results, page.next))
