"""REST: the pattern advisor and the plan it makes."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.rollout import Plan, plan_of
from hitl.accounts.authentication import actor_of
from hitl.core.endpoint import Endpoint
from hitl.core.errors import NotFound
from hitl.core.permissions import Scope
from hitl.core.schema import documented
from routing.access import policy_for
from routing.actions.advisor import plan_json, propose_advised, propose_step
from routing.engine.advisor import Answers, advise
from routing.engine.route import RiskLevel
from routing.payloads import PolicyVersionOut, version_out

_Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]


class AdviceIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`error_cost`: of one wrong decision, in dollars. `reviewable_share`: of all cases that people have time for.

    `create`: also store the advised document as a draft and its plan with the policy.
    """

    irreversible: bool
    per_day: _Count
    error_cost: Annotated[float, Meta(ge=0, le=1e9)]
    reviewable_share: Annotated[float, Meta(ge=0, le=1)]
    labels: _Count = 0
    risk: Literal["low", "medium", "high", "critical"] = "medium"
    create: bool = False


class ChoiceOut(msgspec.Struct, frozen=True):
    pattern: str
    reason: str


class StepOut(msgspec.Struct, frozen=True):
    """Opens from `labels` known labels and `days` after the start. `changes`: merged into the document in force.

    `version`: the draft made of it, or null. `state`: in_force, proposed, open or locked; null for mere advice.
    """

    number: int
    title: str
    why: str
    labels: int
    days: int
    changes: dict[str, Any]
    version: int | None
    state: str | None


class AdviceOut(msgspec.Struct, frozen=True):
    """`choices`: the leading pattern first. `draft`: the version made, null unless asked to create."""

    choices: list[ChoiceOut]
    document: dict[str, Any]
    steps: list[StepOut]
    draft: PolicyVersionOut | None


class PlanOut(msgspec.Struct, frozen=True):
    """The stored plan with the present figures; `days` since a version of the plan was first active."""

    choices: list[ChoiceOut]
    steps: list[StepOut]
    labels: int
    days: float


class PolicyAdvice(Endpoint):
    scopes = {"POST": Scope.POLICIES_WRITE}

    @documented(
        operation_id="advise_policy", request=AdviceIn, responses={200: AdviceOut, 201: AdviceOut}, tags=("Policies",)
    )
    def post(self, request: Request, slug: str) -> Response:
        """Which pattern fits, why, and the draft to start with: 200 as advice only, 201 with the draft stored."""
        self.check_query(request)
        actor = actor_of(request)
        policy = policy_for(actor, slug)
        asked = self.body(request, AdviceIn)
        answers = Answers(
            irreversible=asked.irreversible,
            per_day=asked.per_day,
            error_cost=asked.error_cost,
            reviewable_share=asked.reviewable_share,
            labels=asked.labels,
            risk=RiskLevel(asked.risk),
        )
        advice = advise(answers)
        draft = propose_advised(actor=actor, policy=policy, answers=answers) if asked.create else None
        plan = plan_json(answers, advice)
        steps = [StepOut(number, state=None, **step) for number, step in enumerate(plan["steps"], start=1)]
        choices = [ChoiceOut(**choice) for choice in plan["choices"]]
        out = AdviceOut(choices, dict(advice.document), steps, None if draft is None else version_out(draft))
        return Response(out, status=201 if draft else 200)


class PolicyPlan(Endpoint):
    scopes = {"GET": Scope.POLICIES_READ}

    @documented(operation_id="get_policy_plan", responses={200: PlanOut}, tags=("Policies",))
    def get(self, request: Request, slug: str) -> Response:
        """The plan of roll-out and which step the figures have unlocked; 404 where nobody asked the advisor."""
        self.check_query(request)
        policy = policy_for(actor_of(request), slug)
        plan = plan_of(policy)
        if plan is None:
            raise NotFound()
        return Response(_plan(plan, policy.plan["steps"] if policy.plan else []))


class PolicyPlanStep(Endpoint):
    scopes = {"POST": Scope.POLICIES_WRITE}

    @documented(operation_id="propose_plan_step", responses={201: PolicyVersionOut}, tags=("Policies",))
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Propose an unlocked step as a draft; 422 `step_locked` before its figures are reached."""
        self.check_query(request)
        actor = actor_of(request)
        policy = policy_for(actor, slug)
        plan = plan_of(policy)
        if plan is None:
            raise NotFound()
        figures = plan.figures
        version = propose_step(actor=actor, policy=policy, number=number, labels=figures.labels, days=figures.days)
        return Response(version_out(version), status=201)


def _plan(plan: Plan, stored: list[dict[str, Any]]) -> PlanOut:
    steps = [
        StepOut(row.number, row.title, row.why, row.labels, row.days, step["changes"], row.version, row.state)
        for row, step in zip(plan.steps, stored, strict=True)
    ]
    choices = [ChoiceOut(pattern, reason) for pattern, reason in plan.choices]
    return PlanOut(choices, steps, plan.figures.labels, round(plan.figures.days, 3))
