"""REST for reviewers: claim, renew, give back, judge, undo."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from hitl.accounts.authentication import actor_of
from hitl.core.actors import Actor
from hitl.core.clock import rfc3339
from hitl.core.endpoint import Endpoint
from hitl.core.errors import FieldProblem, InvalidInput, Refused
from hitl.core.permissions import Scope
from hitl.core.rest import json_answer
from hitl.core.schema import documented, query
from reviews.access import Held, held_by_actor, revealed
from reviews.actions import claims as act
from reviews.actions import judgements as judge
from reviews.actions.gate import ActionVerdict
from reviews.actions.opinions import ask_second_opinion, opinion_for
from reviews.answers import asked_of
from reviews.appeals import contested_out
from reviews.handed import handovers_of
from reviews.models import Claim, ReviewTask
from reviews.panel_payloads import opinion_out, others_out, panel_of, step_out
from reviews.payloads import (
    CaseOut,
    ClaimEnvelope,
    ClaimOut,
    FirstJudgementOut,
    claim_out,
    first_judgement_out,
    machine_out,
    open_case_out,
    sealed_case_out,
)
from reviews.reasons import reason_required
from reviews.selectors import judged_stages
from reviews.structs import ApprovalIn, ClaimIn, EscalateIn, FirstJudgementIn, JudgementIn, OpinionIn, TokenIn
from reviews.visibility import arms_of
from routing.models import TaskType

TAG = ("Reviewing",)
UNDO_SECONDS_MAX = 60


class ClaimList(msgspec.Struct, frozen=True):
    results: list[ClaimOut]
    next: str | None = None


class OpinionOut(msgspec.Struct, frozen=True):
    """The review that was opened; `waiting`: the claim was given up until it is done."""

    review: str
    due_at: str
    waiting: bool


class ClaimNext(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="claim_next", request=ClaimIn, responses={200: ClaimEnvelope, 204: None}, tags=TAG)
    def post(self, request: Request) -> HttpResponse:
        """Claim the next review; the server picks. 204 when nothing waits for you."""
        actor = actor_of(request)
        body = self.body(request, ClaimIn)
        held = act.claim_next_review(actor=actor, queue=body.queue, task_type_id=_task_type(actor, body.task_type))
        return HttpResponse(status=204) if held is None else json_answer(ClaimEnvelope(claim_payload(held)))


class ClaimOne(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="claim_review", responses={200: ClaimEnvelope}, tags=TAG)
    def post(self, request: Request, review_id: uuid.UUID) -> Response:
        """Claim one review of your choice, where its queue allows picking."""
        held = act.claim_review(actor=actor_of(request), review_id=review_id)
        return Response(ClaimEnvelope(claim_payload(held)))


class Claims(Endpoint):
    scopes = {"GET": Scope.REVIEWS_WRITE}

    @documented(
        operation_id="list_claims",
        responses={200: ClaimList},
        parameters=(query("mine", "`true`: your open claims (the only list there is)"),),
        tags=TAG,
    )
    def get(self, request: Request) -> Response:
        """Your open claims with their tokens; the case comes with GET /claims/{id}."""
        actor = actor_of(request)
        self.check_query(request, "mine")
        rows = Claim.objects.filter(workspace_id=actor.workspace_id, user_id=actor.person_id, status=Claim.Status.OPEN)
        if actor.task_type_ids is not None:
            rows = rows.filter(review__case__task_type_id__in=actor.task_type_ids)
        claims = list(rows.select_related("review__queue__tier").order_by("expires_at")[:200]) if actor.user_id else []
        arms = arms_of([c.review for c in claims])
        found = [claim_out(c, c.review, c.review.queue, None, judge_first=arms[c.review_id].sealed) for c in claims]
        return Response(ClaimList(found))


class ClaimDetail(Endpoint):
    scopes = {"GET": Scope.REVIEWS_WRITE}

    @documented(operation_id="get_claim", responses={200: ClaimEnvelope}, tags=TAG)
    def get(self, request: Request, claim_id: uuid.UUID) -> Response:
        """Your claim again, with its token."""
        return Response(ClaimEnvelope(claim_payload(held_by_actor(actor_of(request), claim_id))))


def _without_case(held: Held) -> Response:
    review = held.claim.review
    return Response(ClaimEnvelope(claim_out(held.claim, review, review.queue, None, judge_first=held.arm.sealed)))


class ClaimVerb(Endpoint):
    """renew, release or skip; one class, one action each."""

    scopes = {"POST": Scope.REVIEWS_WRITE}
    verb: Callable[..., Claim]

    def _act(self, request: Request, claim_id: uuid.UUID) -> Response:
        actor = actor_of(request)
        body = self.body(request, TokenIn)
        reason = {} if self.verb is act.renew_claim else {"reason": body.reason}
        claim = type(self).verb(actor=actor, claim_id=claim_id, token=body.token, **reason)
        return _without_case(held_by_actor(actor, claim.pk))


class ClaimRenew(ClaimVerb):
    verb = staticmethod(act.renew_claim)

    @documented(operation_id="renew_claim", request=TokenIn, responses={200: ClaimEnvelope}, tags=TAG)
    def post(self, request: Request, claim_id: uuid.UUID) -> Response:
        """Extend the lease; the token stays."""
        return self._act(request, claim_id)


class ClaimRelease(ClaimVerb):
    verb = staticmethod(act.release_claim)

    @documented(operation_id="release_claim", request=TokenIn, responses={200: ClaimEnvelope}, tags=TAG)
    def post(self, request: Request, claim_id: uuid.UUID) -> Response:
        """Give the review back."""
        return self._act(request, claim_id)


class ClaimSkip(ClaimVerb):
    verb = staticmethod(act.skip_claim)

    @documented(operation_id="skip_claim", request=TokenIn, responses={200: ClaimEnvelope}, tags=TAG)
    def post(self, request: Request, claim_id: uuid.UUID) -> Response:
        """Give the review back and never be offered this case again."""
        return self._act(request, claim_id)


class ClaimEscalate(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="escalate_claim", request=EscalateIn, responses={200: ClaimEnvelope}, tags=TAG)
    def post(self, request: Request, claim_id: uuid.UUID) -> Response:
        """Hand the review to the next higher tier, with a question for whoever claims it there."""
        actor, body = actor_of(request), self.body(request, EscalateIn)
        question = body.question or body.reason
        act.escalate_claim(actor=actor, claim_id=claim_id, token=body.token, reason=question)
        return _without_case(held_by_actor(actor, claim_id))


class SecondOpinion(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="ask_second_opinion", request=OpinionIn, responses={201: OpinionOut}, tags=TAG)
    def post(self, request: Request, claim_id: uuid.UUID) -> Response:
        """Ask another person to judge the case, blind; you hear it after your own first judgement.

        `wait`: your claim is given up and comes back before all others when the opinion is there.
        """
        actor = actor_of(request)
        body = self.body(request, OpinionIn)
        asked = ask_second_opinion(actor=actor, claim_id=claim_id, token=body.token, wait=body.wait, reason=body.reason)
        return Response(OpinionOut(str(asked.pk), rfc3339(asked.due_at) or "", body.wait), status=201)


class FirstJudgement(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(
        operation_id="record_first_judgement", request=FirstJudgementIn, responses={200: FirstJudgementOut}, tags=TAG
    )
    def post(self, request: Request, claim_id: uuid.UUID) -> HttpResponse:
        """What you think unaided, immutably; answers with the machine's answer where the case's arm shows it."""
        actor = actor_of(request)
        body = self.body(request, FirstJudgementIn)
        held = held_by_actor(actor, claim_id)
        said = judge.record_first_judgement(
            actor=actor,
            held=held,
            token=body.token,
            label=body.label,
            confidence=body.confidence,
            adjustments=body.adjustments,
            rationale=body.rationale,
        )
        review = held.claim.review
        appeal, asked = _appeal(review), reason_required(review, said.visibility)
        shown = first_judgement_out(said, machine_out(review.case.content, held.routing), appeal, asked)
        return json_answer(with_others(shown, review))


class FinalJudgement(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(
        operation_id="record_judgement",
        request=JudgementIn,
        responses={200: CaseOut},
        parameters=(query("undo_seconds", "0–60: hold effects so that the judgement can be undone; default 0", int),),
        tags=TAG,
    )
    def post(self, request: Request, claim_id: uuid.UUID) -> HttpResponse:
        """Your final word: ends the claim and answers with the case."""
        actor = actor_of(request)
        hold = timedelta(seconds=_undo_seconds(self.check_query(request, "undo_seconds").get("undo_seconds")))
        body = self.body(request, JudgementIn)
        said = judge.Said(
            label=body.label or "",
            answers=body.answers,
            reasoning=body.reasoning,
            confidence=body.confidence,
            override_category=body.override_category or "",
            adjustments=body.adjustments,
            rationale=body.rationale,
            approval=_verdict(body.approval),
            suggested_label=body.suggested_label or "",
        )
        judged = judge.record_judgement(actor=actor, claim_id=claim_id, token=body.token, said=said, hold=hold)
        response = json_answer(judged.case)
        response["Hitl-Judgement"] = str(judged.judgement.pk)
        return response


class Undo(Endpoint):
    scopes = {"POST": Scope.REVIEWS_WRITE}

    @documented(operation_id="undo_judgement", responses={200: ClaimEnvelope}, tags=TAG)
    def post(self, request: Request, judgement_id: uuid.UUID) -> Response:
        """Take your judgement back before it takes effect; you hold the review again."""
        actor = actor_of(request)
        claim = judge.undo_judgement(actor=actor, judgement_id=judgement_id)
        return Response(ClaimEnvelope(claim_payload(held_by_actor(actor, claim.pk))))


def _appeal(review: ReviewTask) -> dict[str, Any] | msgspec.UnsetType:
    contested = contested_out(review.pk) if review.kind == ReviewTask.Kind.APPEAL else None
    return msgspec.UNSET if contested is None else msgspec.to_builtins(contested)


def _verdict(said: ApprovalIn | None) -> ActionVerdict | None:
    if said is None:
        return None
    remarks = tuple(msgspec.to_builtins(remark) for remark in said.parameters)
    return ActionVerdict(said.approved, tuple(said.codes), said.comment, remarks)


def _task_type(actor: Actor, slug: str | None) -> uuid.UUID | None:
    if slug is None:
        return None
    found = TaskType.objects.filter(workspace_id=actor.workspace_id, slug=slug).values_list("pk", flat=True).first()
    if found is None:
        raise Refused(
            f"There is no task type “{slug}”.",
            code="unknown_task_type",
            errors=[FieldProblem("/task_type", "Name a task type of this workspace.", "unknown_task_type")],
        )
    return found


def _undo_seconds(raw: str | None) -> int:
    if raw is None:
        return 0
    if not raw.isascii() or not raw.isdigit() or int(raw[:4]) > UNDO_SECONDS_MAX:
        detail = f"Give a whole number from 0 to {UNDO_SECONDS_MAX}."
        raise InvalidInput(errors=[FieldProblem("?undo_seconds", detail, "out_of_range")])
    return int(raw)


def claim_payload(held: Held) -> ClaimOut:
    """The claim with its case, sealed where invariant 8 says so."""
    claim, review = held.claim, held.claim.review
    queue, case = review.queue, review.case
    said = judged_stages(claim.user_id, [case.pk]).get(case.pk, []) if held.arm.sealed else []
    sealed = held.arm.sealed and not revealed(said)
    if sealed:
        body = sealed_case_out(case, case.content, case.task_type)
    else:
        body = open_case_out(case, case.content, case.task_type, held.routing, queue.slug)
    spoken = bool(said) or not held.arm.sealed
    if case.task_type.questions and spoken:
        asked = asked_of(case.task_type, case.content, review, unseen=sealed)
        body = msgspec.structs.replace(
            body,
            questions=msgspec.to_builtins(asked.questions),
            machine_answers=msgspec.UNSET if sealed else asked.by_machine,
        )
    out = claim_out(claim, review, queue, body, handovers_of(review, sealed=sealed), judge_first=held.arm.sealed)
    return with_step(out, review, spoken=spoken)


def with_step(out: ClaimOut, review: ReviewTask, *, spoken: bool) -> ClaimOut:
    """The claim with its seat on a panel; `spoken`: the person has said what they think, or need not do so first."""
    panel = panel_of(review)
    if panel is None:
        return _with_opinion(out, review) if spoken else out
    others = others_out(review, panel) if spoken else None
    step = msgspec.structs.replace(
        out.review, scheme=step_out(review, panel), others=msgspec.UNSET if others is None else others
    )
    return msgspec.structs.replace(out, review=step)


def _with_opinion(out: ClaimOut, review: ReviewTask) -> ClaimOut:
    given = opinion_for(review)
    if given is None:
        return out
    return msgspec.structs.replace(out, review=msgspec.structs.replace(out.review, others=[opinion_out(given)]))


def with_others(out: FirstJudgementOut, review: ReviewTask) -> FirstJudgementOut:
    """The answer to a first judgement, for an adjudicator with what the others said."""
    panel, given = panel_of(review), opinion_for(review)
    others = others_out(review, panel) if panel else [opinion_out(given)] if given else None
    return out if others is None else msgspec.structs.replace(out, others=others)
