"""The configuration file. A key left out leaves a row as it is (a new row gets the default)."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from hitl.core.permissions import Role
from reviews.checked_tags import TagRule
from reviews.duty import Schedule
from reviews.engine.declared import SchemeIn
from reviews.suites import ExampleIn
from routing.api.structs import ErrorCostIn, LabelIn, PartIn, Slug, Title
from routing.decision_form import DecisionForm
from routing.engine.questions import LabelRuleIn, QuestionIn

Share = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[int, Meta(ge=1, le=2_000_000_000)]
# An SLA of the machine is below a second; whole seconds stay whole numbers.
Sla = Seconds | Annotated[float, Meta(gt=0, le=2_000_000_000)]
Limit = Annotated[int, Meta(ge=0, le=9_999)]  # what waits is counted up to 10,000
Count = Annotated[int, Meta(ge=1, le=1000)]
Words = list[Annotated[str, Meta(min_length=1, max_length=200)]]


class _Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    pass


class WorkspaceConfig(_Strict):
    slug: Slug
    title: Title | UnsetType = UNSET


class TaskTypeConfig(_Strict):
    slug: Slug
    title: Title | UnsetType = UNSET
    labels: list[LabelIn] | UnsetType = UNSET
    input_schema: dict[str, Any] | UnsetType = UNSET
    static_risk: Literal["low", "medium", "high", "critical"] | UnsetType = UNSET
    reversible: bool | UnsetType = UNSET
    error_costs: list[ErrorCostIn] | UnsetType = UNSET
    safest_label: str | UnsetType = UNSET
    fallback: Literal["raise_priority", "escalate", "safest_label", "model_answer"] | UnsetType = UNSET
    default_mode: Literal["async", "inline", "shadow", "annotate"] | UnsetType = UNSET
    sensitive_pointers: Words | UnsetType = UNSET
    presentation: list[PartIn] | UnsetType = UNSET
    form: DecisionForm | UnsetType = UNSET
    questions: list[QuestionIn] | UnsetType = UNSET
    label_rules: list[LabelRuleIn] | UnsetType = UNSET
    error_budget: Share | UnsetType = UNSET
    recalibration: dict[str, Any] | UnsetType = UNSET
    expedite_virality: Share | None | UnsetType = UNSET


class TierConfig(_Strict):
    slug: Slug
    title: Title | UnsetType = UNSET
    rank: Annotated[int, Meta(ge=0, le=1000)] | UnsetType = UNSET
    automated: bool | UnsetType = UNSET
    max_complexity: Share | UnsetType = UNSET
    expertise: Words | UnsetType = UNSET
    max_error_cost: float | None | UnsetType = UNSET
    sla_s: Sla | UnsetType = UNSET
    blind_sample_rate: Share | UnsetType = UNSET


class VisibilityConfig(_Strict):
    """The arms of the queue's visibility experiment; the shares add up to 1."""

    before: Share = 0.0
    after: Share = 0.0
    never: Share = 0.0
    seed: Annotated[str, Meta(max_length=40)] = ""


class QueueConfig(_Strict):
    """`task_type` null: a general queue."""

    slug: Slug
    title: Title | UnsetType = UNSET
    task_type: str | None | UnsetType = UNSET
    tier: str | UnsetType = UNSET
    judge_first: bool | UnsetType = UNSET
    reveal_share: Share | UnsetType = UNSET
    visibility: VisibilityConfig | UnsetType = UNSET
    allow_pick: bool | UnsetType = UNSET
    max_open_claims: Count | UnsetType = UNSET
    lease_s: Seconds | UnsetType = UNSET
    near_due_share: Share | UnsetType = UNSET
    alert_waiting: Limit | None | UnsetType = UNSET
    alert_overdue: Limit | None | UnsetType = UNSET
    reason_share: Share | UnsetType = UNSET
    active_learning: bool | UnsetType = UNSET
    learning_capacity: Annotated[int, Meta(ge=1, le=100_000)] | UnsetType = UNSET
    gold_rate: Annotated[float, Meta(ge=0, le=0.05)] | UnsetType = UNSET
    gold_min_accuracy: Share | None | UnsetType = UNSET
    gold_window: Annotated[int, Meta(ge=5, le=1000)] | UnsetType = UNSET
    training_cases: Annotated[int, Meta(ge=0, le=200)] | UnsetType = UNSET
    training_pass_share: Share | UnsetType = UNSET
    routine_share: Share | UnsetType = UNSET
    training_attempts: Annotated[int, Meta(ge=1, le=100)] | UnsetType = UNSET
    scheme: SchemeIn | UnsetType = UNSET


class RecourseConfig(_Strict):
    """Appeals and reports of a task type. `queue` null: the tier above the one that decided."""

    task_type: Slug
    appeals_allowed: bool | UnsetType = UNSET
    window_days: Annotated[int, Meta(ge=1, le=36_500)] | UnsetType = UNSET
    queue: str | None | UnsetType = UNSET
    sla_hours: Annotated[float, Meta(gt=0)] | UnsetType = UNSET
    reports_to_audit: Annotated[int, Meta(ge=1, le=1_000)] | UnsetType = UNSET
    how_to_contest: str | UnsetType = UNSET


class ContentCareConfig(_Strict):
    """Content tags of a task type."""

    task_type: Slug
    tags: list[TagRule] | UnsetType = UNSET
    pointer: str | UnsetType = UNSET


class ModelEndpointConfig(_Strict):
    """A judge or an adapter. `secret_env`: the environment variable that holds the secret; it is not in the file."""

    slug: Slug
    kind: Literal["judge", "adapter"] | UnsetType = UNSET
    url: str | UnsetType = UNSET
    auth_header: str | UnsetType = UNSET
    secret_env: str | UnsetType = UNSET
    timeout_s: float | UnsetType = UNSET
    mapping: dict[str, Any] | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class PolicyConfig(_Strict):
    """`document`: a new version when it differs from the last; `activate`: at once, for a policy's first version."""

    slug: Slug
    title: Title | UnsetType = UNSET
    task_type: str | UnsetType = UNSET
    replay_first: bool | UnsetType = UNSET
    document: dict[str, Any] | UnsetType = UNSET
    note: str = ""
    activate: bool = False


class ReviewerConfig(_Strict):
    """A person who has an account. `claim`, `view`, `view_task_types`: exactly these rights, where given."""

    username: str
    role: Role | UnsetType = UNSET
    tier: str | UnsetType = UNSET
    expertise: Words | UnsetType = UNSET
    queues: Words | UnsetType = UNSET
    max_open_claims: Count | None | UnsetType = UNSET
    subject_ids: Words | UnsetType = UNSET
    available: bool | UnsetType = UNSET
    schedule: Schedule | UnsetType = UNSET
    claim: Words | UnsetType = UNSET
    view: Words | UnsetType = UNSET
    view_task_types: Words | UnsetType = UNSET


class GuidelineConfig(_Strict):
    """A task type's guideline, in Markdown: a new version where it differs from the last, in force in `queues` at once.

    Several entries of one task type are versions that follow each other.
    """

    task_type: Slug
    title: Title
    text: Annotated[str, Meta(min_length=1, max_length=200_000)]
    note: Annotated[str, Meta(min_length=1, max_length=5000)] = "apply_config"
    queues: Words = []
    must_acknowledge: bool = True


class SuiteConfig(_Strict):
    """A task type's policy test suite: a new version where no version has these examples.

    Several entries of one task type are versions that follow each other.
    """

    task_type: Slug
    examples: list[ExampleIn]
    note: Annotated[str, Meta(min_length=1, max_length=5000)] = "apply_config"


class GoldConfig(_Strict):
    """A case with a known answer; made once by its slug, never changed."""

    slug: Slug
    task_type: Slug
    label: str
    explanation: Annotated[str, Meta(min_length=1, max_length=5000)]
    input: dict[str, Any]
    prediction: dict[str, Any] | None = None
    key_evidence: Words = []
    machine_wrong: bool = False
    purpose: Literal["gold", "training"] = "gold"


class Configuration(_Strict):
    """A whole file."""

    workspace: WorkspaceConfig | UnsetType = UNSET
    tiers: list[TierConfig] = []
    task_types: list[TaskTypeConfig] = []
    queues: list[QueueConfig] = []
    model_endpoints: list[ModelEndpointConfig] = []
    recourse: list[RecourseConfig] = []
    content_care: list[ContentCareConfig] = []
    policies: list[PolicyConfig] = []
    reviewers: list[ReviewerConfig] = []
    guidelines: list[GuidelineConfig] = []
    suites: list[SuiteConfig] = []
    gold: list[GoldConfig] = []
