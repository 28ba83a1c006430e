"""JSON that enters: a case as partners send it (contract: POST /cases) and what reviewers send."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Share = Annotated[float, Meta(ge=0, le=1)]
NonNegative = Annotated[float, Meta(ge=0)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Short = Annotated[str, Meta(min_length=1, max_length=200)]
Long = Annotated[str, Meta(max_length=20_000)]
Note = Annotated[str, Meta(max_length=2000)]
Level = Literal["low", "medium", "high", "critical"]
Mode = Literal["async", "inline", "shadow", "annotate"]


class _In(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    pass


class MachineAnswerIn(_In, frozen=True):
    """The model's answer to one question of the task type."""

    question: Name
    label: Name
    confidence: Share


class EnsembleIn(_In, frozen=True):
    model: Name
    label: Name
    confidence: Share | None = None


class InterpretableIn(_In, frozen=True):
    label: Name
    explanation: Long = ""


class FeatureIn(_In, frozen=True):
    feature: Short
    importance: float | None = None
    value: Any = None


class SpanIn(_In, frozen=True):
    start: Annotated[int, Meta(ge=0)]
    end: Annotated[int, Meta(ge=0)]
    weight: float | None = None
    pointer: Short | None = None


class RegionIn(_In, frozen=True):
    x: Share
    y: Share
    w: Share
    h: Share
    weight: float | None = None
    pointer: Short | None = None


class SimilarIn(_In, frozen=True):
    external_id: Short | None = None
    summary: Long = ""
    label: Name | None = None
    similarity: float | None = None


class ExplanationIn(_In, frozen=True):
    top_features: Annotated[list[FeatureIn], Meta(max_length=100)] = []
    spans: Annotated[list[SpanIn], Meta(max_length=1000)] = []
    regions: Annotated[list[RegionIn], Meta(max_length=200)] = []
    similar: Annotated[list[SimilarIn], Meta(max_length=50)] = []


class PredictionIn(_In, frozen=True):
    label: Name
    confidence: Share
    model_version: Name
    confidence_source: Literal["probability", "token_logprob", "self_assessment", "ensemble"] = "probability"
    probabilities: dict[Name, Share] = {}
    ensemble: Annotated[list[EnsembleIn], Meta(max_length=50)] = []
    interpretable: InterpretableIn | None = None
    nearest_neighbor_distance: NonNegative | None = None
    embedding: Annotated[list[float], Meta(max_length=4096)] = []
    explanation: ExplanationIn | None = None
    answers: Annotated[list[MachineAnswerIn], Meta(max_length=50)] = []


class CompensationIn(_In, frozen=True):
    """What undoes an action, as far as something does."""

    type: Name
    parameters: dict[str, Any] = {}


class ProposedActionIn(_In, frozen=True):
    type: Name
    parameters: dict[str, Any] = {}
    reversible: bool | None = None
    compensation: CompensationIn | None = None


class ContextIn(_In, frozen=True):
    stakes: Level | None = None
    amount: float | None = None
    risk_score: Share | None = None
    complexity: Share | None = None
    error_cost: NonNegative | None = None
    required_expertise: Annotated[list[Name], Meta(max_length=50)] = []
    latency_tolerance: Literal["provisional", "standby", "batch"] | None = None
    virality: Share = 0.0
    is_new_user: bool = False
    affects_multiple_users: bool = False
    has_appeal: bool = False
    previous_error: bool = False
    segments: dict[Name, Short] = {}
    content_tags: Annotated[list[Name], Meta(max_length=20)] = []


class CaseIn(_In, frozen=True):
    """One case as submitted."""

    task_type: Name
    input: dict[str, Any]
    external_id: Short | None = None
    subject: Short | None = None
    prediction: PredictionIn | None = None
    key_evidence: Annotated[list[Annotated[str, Meta(max_length=2000)]], Meta(max_length=10)] = []
    evidence: dict[str, Any] = {}
    proposed_action: ProposedActionIn | None = None
    context: ContextIn = ContextIn()
    mode: Mode | msgspec.UnsetType = msgspec.UNSET  # the task type's
    wait_seconds: Annotated[float, Meta(ge=0, le=60)] = 0
    required_by: Annotated[datetime, Meta(tz=True)] | None = None
    resubmits: Short | None = None


class BatchIn(_In, frozen=True):
    """Up to 500 cases; each item is checked and answered by itself."""

    cases: Annotated[list[msgspec.Raw], Meta(min_length=1)]


class BatchDoc(msgspec.Struct, frozen=True):
    """How a batch is described in the schema: items as CaseIn."""

    cases: Annotated[list[CaseIn], Meta(min_length=1, max_length=500)]


class ClaimIn(_In, frozen=True):
    """Which queue or task type to claim from; both optional."""

    queue: Name | None = None
    task_type: Name | None = None


class TokenIn(_In, frozen=True):
    token: Short
    reason: Annotated[str, Meta(max_length=2000)] = ""


class EscalateIn(_In, frozen=True):
    """`question` is what the next tier is to answer; `reason` is its older name."""

    token: Short
    question: Note = ""
    reason: Note = ""


class SnoozeIn(_In, frozen=True):
    """`to_me`: afterwards it waits for me alone, until it is due."""

    token: Short
    until: Annotated[datetime, Meta(tz=True)]
    reason: Note
    to_me: bool = False


class TransferIn(_In, frozen=True):
    """`to`, a colleague's username, or `queue`."""

    token: Short
    note: Note
    to: Short | None = None
    queue: Name | None = None


class ReturnIn(_In, frozen=True):
    token: Short
    reason: Note


class AnswerIn(_In, frozen=True):
    token: Short
    answer: Note


class ConflictIn(_In, frozen=True):
    """`remember`: nor any other case of this subject."""

    token: Short
    note: Note = ""
    remember: bool = True


class AssignIn(_In, frozen=True):
    """`instead_of`: whom it is assigned to now, null nobody; else it is left as it is."""

    to: Short
    note: Note = ""
    instead_of: Short | None = None


class UnassignIn(_In, frozen=True):
    reason: Note = ""


class OpinionIn(_In, frozen=True):
    """`wait`: give the claim up until the second opinion is there."""

    token: Short
    wait: bool = False
    reason: Annotated[str, Meta(max_length=2000)] = ""


class FirstJudgementIn(_In, frozen=True):
    """`adjustments`: the amount or text where the task type's form asks for one."""

    token: Short
    label: Name
    confidence: Share | None = None
    adjustments: dict[Name, Any] = {}
    rationale: dict[str, Any] | None = None


RejectionCode = Literal[
    "parameters_wrong",
    "evidence_missing",
    "not_authorised",
    "policy_violation",
    "risk_too_high",
    "duplicate",
    "timing",
    "other",
]


class ParameterRemarkIn(_In, frozen=True):
    """What is wrong with one parameter of the action, and perhaps a better value."""

    parameter: Short
    remark: Annotated[str, Meta(max_length=2000)] = ""
    suggested: Any = None


class ApprovalIn(_In, frozen=True):
    """Whether an irreversible action may be done; a rejection says why."""

    approved: bool
    codes: Annotated[list[RejectionCode], Meta(max_length=8)] = []
    comment: Annotated[str, Meta(max_length=5000)] = ""
    parameters: Annotated[list[ParameterRemarkIn], Meta(max_length=50)] = []


class JudgementIn(_In, frozen=True):
    """`label`: for a multi-label form the set `a|b`. `override_category`: one of the task type's, or `none`."""

    token: Short
    label: Name | None = None  # left out where it follows from the answers
    answers: dict[Name, Name] = {}
    reasoning: Long = ""
    confidence: Share | None = None
    override_category: Name | None = None
    adjustments: dict[Name, Any] = {}
    rationale: dict[str, Any] | None = None
    approval: ApprovalIn | None = None
    suggested_label: Name | None = None


class KnownBadIn(_In, frozen=True):
    """Why cases like this one are to be kept from the machine."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class AppealIn(_In, frozen=True):
    """Why the decision is contested, and by whom."""

    reason: Annotated[str, Meta(min_length=1, max_length=20_000)]
    submitted_by: Short


class ReportIn(_In, frozen=True):
    """What a user says is wrong with a case."""

    category: Annotated[str, Meta(min_length=1, max_length=60)]
    text: Long = ""
    submitted_by: Annotated[str, Meta(max_length=200)] = ""


class CancelIn(_In, frozen=True):
    reason: Annotated[str, Meta(max_length=2000)] = ""


class NoteIn(_In, frozen=True):
    """A note for colleagues."""

    text: Annotated[str, Meta(min_length=1, max_length=4000)]
