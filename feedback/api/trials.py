"""REST: what a version in shadow or on trial as a canary did, beside what was in force."""

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from feedback.access import seen_by
from feedback.trial_payloads import ComparisonOut, DifferingCases, comparison_out, differing_case
from feedback.trials import compare_canary
from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, InvalidInput
from hitl.core.pagination import page_by_id, read_limit
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query
from routing.access import version_for
from routing.engine.route import Action
from routing.shadows import compare_shadow, differing_cases

_TAGS = ("Policies",)
_ACTIONS = [action.value for action in Action]
_PAGE = (
    query("live", "Only cases with this live action.", enum=_ACTIONS),
    query("shadow", "Only cases for which the shadow had this action.", enum=_ACTIONS),
    query("limit", "1–200, default 50.", int),
    query("cursor", "`next` of the page before."),
)


class Comparison(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.POLICIES_READ}

    @documented(operation_id="compare_trial", responses={200: ComparisonOut}, tags=_TAGS)
    def get(self, request: Request, slug: str, number: int) -> Response:
        """Shadow: matrix of actions, by label and risk, review load. Canary: both versions' shares with intervals."""
        self.check_query(request)
        version = version_for(actor_of(request), slug, number)
        shadow = compare_shadow(version.pk)
        return Response(comparison_out(version, shadow if shadow.n else None, compare_canary(version.policy, version)))


class DifferingCaseList(Endpoint):
    scopes: ClassVar[dict[str, Scope | None]] = {"GET": Scope.POLICIES_READ}

    @documented(operation_id="list_differing_cases", responses={200: DifferingCases}, parameters=_PAGE, tags=_TAGS)
    def get(self, request: Request, slug: str, number: int) -> Response:
        """The cases you may see that the shadow would have treated otherwise, newest first."""
        asked = self.check_query(request, "live", "shadow", "limit", "cursor")
        actor = actor_of(request)
        version = version_for(actor, slug, number)
        for name in ("live", "shadow"):
            if name in asked and asked[name] not in _ACTIONS:
                detail = f"Use one of: {', '.join(_ACTIONS)}."
                raise InvalidInput(errors=[FieldProblem(f"?{name}", detail, "invalid_value")])
        rows = differing_cases(version.pk, live=asked.get("live"), shadow=asked.get("shadow"))
        page = page_by_id(seen_by(actor, rows), limit=read_limit(asked.get("limit")), cursor=asked.get("cursor"))
        return Response(DifferingCases([differing_case(row) for row in page.rows], page.next))
