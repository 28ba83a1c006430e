"""REST: what a policy version would have got wrong, had it decided."""

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.access import replays_of_version
from feedback.models import ReplayJob
from feedback.replay_payloads import result_of
from feedback.replay_result import Load, Shares
from feedback.stats.off_policy import OffPolicy
from hitl.accounts.authentication import actor_of
from hitl.core.clock import rfc3339
from hitl.core.endpoint import Endpoint
from hitl.core.errors import Conflict
from hitl.core.permissions import Scope
from hitl.core.schema import documented
from routing.access import version_for


class OffPolicyOut(msgspec.Struct, frozen=True):
    """From the newest finished replay of the version.

    `error`, `cost`: per decision of the machine under it; `automated`, `load`: before and after.
    """

    policy: str
    version: int
    replay: str
    finished_at: str | None
    cases: int
    error: OffPolicy
    cost: OffPolicy
    automated: Shares
    load: Load


class VersionOffPolicy(Endpoint):
    scopes = {"GET": Scope.POLICIES_READ}

    @documented(operation_id="get_off_policy_estimate", responses={200: OffPolicyOut}, tags=("Policies",))
    def get(self, request: Request, slug: str, number: int) -> Response:
        """Error and cost by three estimators (IPS, SNIPS, DR) with intervals, and the reviewers' load.

        409 `not_replayed` until a replay of the version is done: ask for one with `POST …/replay`.
        """
        self.check_query(request)
        actor = actor_of(request)
        version = version_for(actor, slug, number)
        job = replays_of_version(actor, version).filter(status=ReplayJob.Status.DONE).order_by("-pk").first()
        result = result_of(job) if job else None
        if job is None or result is None or result.off_policy is None:
            raise Conflict("No replay of this version is done yet; ask for one.", code="not_replayed")
        return Response(
            OffPolicyOut(
                policy=slug, version=number, replay=str(job.pk), finished_at=rfc3339(job.finished_at), cases=result.n,
                error=result.off_policy.error, cost=result.off_policy.cost, automated=result.automated,
                load=result.load,
            )
        )  # fmt: skip
