"""JSON that enters: task types and drafts."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from routing.decision_form import DecisionForm
from routing.engine.questions import LabelRuleIn, QuestionIn

Slug = Annotated[str, Meta(min_length=1, max_length=60, pattern="^[-a-zA-Z0-9_]+$")]
Title = Annotated[str, Meta(min_length=1, max_length=200)]


class LabelIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """One label. `parent`: the value of a broader label."""

    value: Annotated[str, Meta(min_length=1, max_length=100)]
    title: Title
    definition: str = ""
    examples: list[str] = []
    guidance: str = ""
    parent: str | None = None


class ErrorCostIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What it costs to decide `decided` where `truth` is right."""

    truth: str
    decided: str
    cost: Annotated[float, Meta(ge=0)]


class PartIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How one part of the input is shown. `before`, `names`: for `changes`, what it was and what the two are called."""

    pointer: str
    kind: Literal["text", "key_value", "changes", "table", "json", "image", "number", "timeline", "link"]
    title: str
    before: str | msgspec.UnsetType = msgspec.UNSET
    names: Annotated[list[str], Meta(min_length=2, max_length=2)] | msgspec.UnsetType = msgspec.UNSET


class TaskTypeIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A new kind of case."""

    slug: Slug
    title: Title
    labels: Annotated[list[LabelIn], Meta(min_length=2, max_length=1000)]
    input_schema: dict[str, Any] = {}
    static_risk: Literal["low", "medium", "high", "critical"] = "medium"
    reversible: bool = True
    error_costs: list[ErrorCostIn] = []
    safest_label: str = ""
    fallback: Literal["raise_priority", "escalate", "safest_label", "model_answer"] = "raise_priority"
    default_mode: Literal["async", "inline", "shadow", "annotate"] = "async"
    sensitive_pointers: list[str] = []
    presentation: list[PartIn] = []
    form: DecisionForm | msgspec.UnsetType = msgspec.UNSET
    questions: list[QuestionIn] = []
    label_rules: list[LabelRuleIn] = []
    error_budget: Annotated[float, Meta(ge=0, le=1)] = 0.02
    recalibration: dict[str, Any] = {}


class DraftIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A new draft of a policy. `document`: see docs/configuration.md."""

    document: dict[str, Any]
    note: Annotated[str, Meta(max_length=2000)] = ""


class MoveIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Why a version moves. `share`: of the cases a canary decides; `canary` needs it, no other verb takes it."""

    reason: Annotated[str, Meta(max_length=2000)] = ""
    share: Annotated[float, Meta(gt=0, le=0.5)] | None = None


class RollbackIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`from_version`: the number believed to be in force; 409 `not_in_force` where it is not."""

    reason: Annotated[str, Meta(max_length=2000)] = ""
    from_version: Annotated[int, Meta(ge=1, le=2_147_483_647)] | None = None


class ModelMoveIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a model version's answers count for from now on."""

    status: Literal["accepted", "shadow", "withdrawn"]
    reason: Annotated[str, Meta(max_length=2000)] = ""
