"""REST: a rule tried on past cases, and what the rules of a version do."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.rule_history import DEFAULT_CASES, MAX_CASES, Example, Hits, try_rule
from feedback.rule_hits import RuleHitsRow, hits_of_version
from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, InvalidInput
from hitl.core.permissions import Scope
from hitl.core.schema import documented
from routing.access import policy_for, version_for
from routing.engine.cel import compile_rule, place_of
from routing.engine.cel_checks import MAX_LENGTH, CelError


class RuleTrialIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`when`: the condition. `raises_risk`: a risk rule, which sees the static risk. `cases`: the newest so many."""

    when: Annotated[str, Meta(min_length=1, max_length=MAX_LENGTH)]
    raises_risk: bool = False
    cases: Annotated[int, Meta(ge=1, le=MAX_CASES)] = DEFAULT_CASES


class LabelHitsOut(msgspec.Struct, frozen=True):
    """`label`: predicted; null without a prediction."""

    label: str | None
    cases: int
    hits: int


class HitsOut(msgspec.Struct, frozen=True):
    """`share` null without cases; `failed`: cases where the rule gives no answer, so a person decides."""

    cases: int
    hits: int
    failed: int
    share: float | None
    by_label: list[LabelHitsOut]


class TriedCaseOut(msgspec.Struct, frozen=True):
    """`holds` null: the rule failed, and `error` says why. `read`: values by path, null where missing."""

    case: str
    holds: bool | None
    error: str | None
    read: dict[str, Any]


class RuleTrialOut(msgspec.Struct, frozen=True):
    """Counted over every case visible to the caller; examples only from those open to them."""

    hits: HitsOut
    examples: list[TriedCaseOut]


class RuleHitsOut(msgspec.Struct, frozen=True):
    """`section`: rules or risk_rules. `decided`: how many of these cases a rule of this name really decided."""

    section: str
    name: str
    when: str
    then: str
    hits: HitsOut
    decided: int | None


class VersionHitsOut(msgspec.Struct, frozen=True):
    version: int
    cases: int
    rules: list[RuleHitsOut]


class RuleTrials(Endpoint):
    """Analysis only: nothing is stored, so reading policies is scope enough."""

    scopes = {"POST": Scope.POLICIES_READ}

    @documented(operation_id="try_rule", request=RuleTrialIn, responses={200: RuleTrialOut}, tags=("Policies",))
    def post(self, request: Request, slug: str) -> Response:
        """Try a condition on the newest cases of the policy's task type, with the features as they were."""
        self.check_query(request)
        actor = actor_of(request)
        policy = policy_for(actor, slug)
        asked = self.body(request, RuleTrialIn)
        try:
            rule = compile_rule(asked.when)
        except CelError as error:
            line, column = place_of(asked.when, error.offset)
            detail = f"Line {line}, column {column}: {error.detail}"
            raise InvalidInput(errors=[FieldProblem("/when", detail, error.code)]) from None
        trial = try_rule(actor, policy.task_type, rule, raises_risk=asked.raises_risk, cases=asked.cases)
        return Response(RuleTrialOut(_hits(trial.hits), [_tried(example) for example in trial.examples]))


class RuleHits(Endpoint):
    scopes = {"GET": Scope.POLICIES_READ}

    @documented(operation_id="count_rule_hits", responses={200: VersionHitsOut}, tags=("Policies",))
    def get(self, request: Request, slug: str, number: int) -> Response:
        """How often each rule of a version would hold over the newest 2,000 cases, and really decided."""
        self.check_query(request)
        actor = actor_of(request)
        version = version_for(actor, slug, number)
        found = hits_of_version(actor, version.policy.task_type, version)
        return Response(VersionHitsOut(found.version, found.cases, [_row(row) for row in found.rules]))


def _hits(hits: Hits) -> HitsOut:
    labels = [LabelHitsOut(row.label, row.cases, row.hits) for row in hits.by_label]
    return HitsOut(hits.cases, hits.hits, hits.failed, hits.share, labels)


def _tried(example: Example) -> TriedCaseOut:
    answer = example.answer
    return TriedCaseOut(str(example.case_id), answer.holds, answer.error, dict(answer.read))


def _row(row: RuleHitsRow) -> RuleHitsOut:
    return RuleHitsOut(row.section, row.name, row.when, row.then, _hits(row.hits), row.decided)
