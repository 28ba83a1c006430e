"""REST: policies and the life of their versions."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, InvalidInput, NotFound
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.parsing import read_time
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query
from routing.access import policy_for, version_for, visible_policies
from routing.actions.policies import VERBS, propose_version, rollback_policy
from routing.api.structs import DraftIn, MoveIn, RollbackIn
from routing.api.task_types import PAGE
from routing.differences import DifferenceOut, difference_out
from routing.models import PolicyVersion
from routing.payloads import PolicyList, PolicyOut, PolicyVersionList, PolicyVersionOut, policy_out, version_out
from routing.selectors import standing_of
from routing.timeline import in_force_then

_TAGS = ("Policies",)
_VERSIONS = (
    *PAGE,
    query("in_force_at", "A time, RFC 3339."),
)
_FROM_TO = (query("from", "Number of a version.", int), query("to", "Number of a version.", int))
_READ: dict[str, Scope | None] = {"GET": Scope.POLICIES_READ}


class Policies(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = _READ

    @documented(operation_id="list_policies", responses={200: PolicyList}, parameters=PAGE, tags=_TAGS)
    def get(self, request: Request) -> Response:
        """Policies, newest first, each with the version in force."""
        asked = self.check_query(request, "limit", "cursor")
        rows = visible_policies(actor_of(request))
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        standing = standing_of([row.pk for row in page.rows])
        return Response(PolicyList([policy_out(row, standing[row.pk]) for row in page.rows], page.next))


class PolicyDetail(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = _READ

    @documented(operation_id="get_policy", responses={200: PolicyOut}, tags=_TAGS)
    def get(self, request: Request, slug: str) -> Response:
        """One policy and the number of the version in force."""
        self.check_query(request)
        policy = policy_for(actor_of(request), slug)
        return Response(policy_out(policy, standing_of([policy.pk])[policy.pk]))


class PolicyVersions(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = _READ | {"POST": Scope.POLICIES_WRITE}

    @documented(
        operation_id="list_policy_versions", responses={200: PolicyVersionList}, parameters=_VERSIONS, tags=_TAGS
    )
    def get(self, request: Request, slug: str) -> Response:
        """Versions of one policy, newest first.

        With `in_force_at`, the version that was in force at that time and the canary beside it, if any, each with
        `status` and `canary_share` as they were then.
        """
        asked = self.check_query(request, "limit", "cursor", "in_force_at")
        policy = policy_for(actor_of(request), slug)
        if "in_force_at" in asked:
            at = read_time("in_force_at", asked["in_force_at"])
            return Response(PolicyVersionList([version_out(row) for row in in_force_then(policy, at)], None))
        rows = PolicyVersion.objects.filter(policy=policy)
        rows = rows.select_related("policy", "proposed_by", "approved_by", "licensed_by")
        page = page_by_id(rows, limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(PolicyVersionList([version_out(row) for row in page.rows], page.next))

    @documented(operation_id="propose_policy_version", request=DraftIn, responses={201: PolicyVersionOut}, tags=_TAGS)
    def post(self, request: Request, slug: str) -> Response:
        """Propose a draft. A document that does not compile is refused with the place of each error."""
        self.check_query(request)
        actor = actor_of(request)
        asked = self.body(request, DraftIn)
        policy = policy_for(actor, slug)
        version = propose_version(actor=actor, policy=policy, document=asked.document, note=asked.note)
        return Response(version_out(version), status=201)


class PolicyVersionDetail(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = _READ

    @documented(operation_id="get_policy_version", responses={200: PolicyVersionOut}, tags=_TAGS)
    def get(self, request: Request, slug: str, number: int) -> Response:
        """One version with its document and study."""
        self.check_query(request)
        return Response(version_out(version_for(actor_of(request), slug, number)))


class PolicyVersionVerb(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"POST": Scope.POLICIES_WRITE}

    @documented(operation_id="move_policy_version", request=MoveIn, responses={200: PolicyVersionOut}, tags=_TAGS)
    def post(self, request: Request, slug: str, number: int, verb: str) -> Response:
        """`approve` (not the proposer), `shadow`, `canary`, `withdraw`, `activate`, `retire` or `reject`.

        409 where the status forbids it. `canary` on the canary sets another `share`.
        """
        self.check_query(request)
        actor = actor_of(request)
        if verb not in VERBS:
            raise NotFound()
        asked = self.body(request, MoveIn)
        if (asked.share is None) == (verb == "canary"):
            code = "required" if asked.share is None else "unknown_field"
            detail = "Give the share of the cases it decides." if asked.share is None else "Only a canary has a share."
            raise InvalidInput(errors=[FieldProblem("/share", detail, code)])
        share = {} if asked.share is None else {"share": asked.share}
        VERBS[verb](actor=actor, version=version_for(actor, slug, number), reason=asked.reason, **share)
        return Response(version_out(version_for(actor, slug, number)))


class PolicyRollback(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"POST": Scope.POLICIES_WRITE}

    @documented(operation_id="roll_back_policy", request=RollbackIn, responses={200: PolicyVersionOut}, tags=_TAGS)
    def post(self, request: Request, slug: str) -> Response:
        """Put the version that was in force before back in force, in one step."""
        self.check_query(request)
        actor = actor_of(request)
        asked = self.body(request, RollbackIn)
        policy = policy_for(actor, slug)
        restored = rollback_policy(actor=actor, policy=policy, reason=asked.reason, from_version=asked.from_version)
        return Response(version_out(version_for(actor, slug, restored.number)))


class PolicyDifference(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = _READ

    @documented(operation_id="compare_policy_versions", responses={200: DifferenceOut}, parameters=_FROM_TO, tags=_TAGS)
    def get(self, request: Request, slug: str) -> Response:
        """What differs between two versions, in words and place by place; empty only where both say the same."""
        asked = self.check_query(request, "from", "to")
        actor = actor_of(request)
        policy_for(actor, slug)
        before, after = (version_for(actor, slug, _number(asked, name)) for name in ("from", "to"))
        return Response(difference_out(before, after))


def _number(asked: dict[str, str], name: str) -> int:
    raw = asked.get(name, "")
    if not raw.isascii() or not raw.isdigit() or not 1 <= int(raw[:10]) <= 2_147_483_647:
        raise InvalidInput(errors=[FieldProblem(f"?{name}", "Give the number of a version.", "required")])
    return int(raw)
