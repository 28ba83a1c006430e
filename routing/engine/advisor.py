"""The pattern advisor (mission B16): a few answers become a starting policy, with its reasons and a plan of steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from routing.engine.route import RiskLevel

MANY_A_DAY = 1_000
COSTLY = 100.0
REVIEWABLE = (0.2, 0.3)
LABELS_NEEDED = 500
DAYS_FOR_CASCADES = 30
_LAYERS: tuple[Mapping[str, Any], ...] = (
    {"kind": "json_schema", "name": "The input is an object", "schema": {"type": "object"}, "on_fail": "escalate"},
)
LABELS_WHEN_STABLE, DAYS_WHEN_STABLE = 2_000, 60


class Pattern(StrEnum):
    """How people and machine share the work."""

    GATE = "gate"
    CONFIDENCE_ROUTING = "confidence_routing"
    CASCADE = "cascade"
    POST_ACTION_AUDIT = "post_action_audit"
    HIGH_THRESHOLD = "high_threshold"
    FEEDBACK = "feedback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """irreversible: an action cannot be taken back. error_cost: of one wrong decision. reviewable_share, 0-1: of all
    cases that people have time for. labels: cases whose right answer is known already.
    """

    irreversible: bool
    per_day: int
    error_cost: float
    reviewable_share: float
    labels: int
    risk: RiskLevel

    def __post_init__(self) -> None:
        if self.per_day < 0 or self.error_cost < 0 or self.labels < 0 or not 0.0 <= self.reviewable_share <= 1.0:
            raise ValueError("numbers are not negative, and a share lies in 0-1")


@dataclass(frozen=True, slots=True)
class Choice:
    """A pattern with the reason for it in words."""

    pattern: Pattern
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """A later stage. Open from `labels` known labels and `days` after the start; changes: merged into the document."""

    title: str
    why: str
    labels: int
    days: int
    changes: Mapping[str, Any]

    def opens(self, labels: int, days: float) -> bool:
        """Whether the figures unlock it."""
        return labels >= self.labels and days >= self.days


@dataclass(frozen=True, slots=True)
class Advice:
    """choices: the leading pattern first, feedback last. document: the draft to start with, at 100 % review."""

    choices: tuple[Choice, ...]
    document: Mapping[str, Any]
    steps: tuple[Step, ...]


def advise(answers: Answers) -> Advice:
    """The first question answered yes leads; later ones that also apply are added; feedback always."""
    leading = [choice for choice in _questions(answers) if choice is not None]
    if not any(choice.pattern is not Pattern.GATE for choice in leading):
        leading.append(_fallback(answers))
    choices = (*leading, _feedback())
    patterns = {choice.pattern for choice in choices}
    return Advice(choices, _document(answers, patterns), tuple(_steps(answers, patterns)))


def merged(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the changes: objects key by key, anything else replaced."""
    whole = dict(document)
    for key, value in changes.items():
        before = whole.get(key)
        whole[key] = merged(before, value) if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return whole


def _questions(answers: Answers) -> tuple[Choice | None, ...]:
    low, high = REVIEWABLE
    return (
        Choice(Pattern.GATE, "An action cannot be taken back, so a person approves it before it happens.")
        if answers.irreversible
        else None,
        Choice(
            Pattern.CONFIDENCE_ROUTING,
            f"{answers.per_day:,} cases a day are too many to review each: the machine decides where its calibrated "
            "confidence is high enough, people decide the rest.",
        )
        if answers.per_day > MANY_A_DAY
        else None,
        Choice(
            Pattern.CASCADE,
            f"One wrong decision costs {answers.error_cost:,.0f}, so cheap checks stand before the machine may act, "
            "and costly cases go to people.",
        )
        if answers.error_cost > COSTLY
        else None,
        Choice(
            Pattern.POST_ACTION_AUDIT,
            f"People can look at {answers.reviewable_share:.0%} of the cases: enough to let the machine act and to "
            "audit a sample afterwards.",
        )
        if low <= answers.reviewable_share <= high
        else None,
    )


def _fallback(answers: Answers) -> Choice:
    reason = (
        f"{answers.per_day:,} cases a day at little cost: nothing asks for more than confidence routing, with a high "
        "threshold so that the machine decides only what is nearly certain."
    )
    return Choice(Pattern.HIGH_THRESHOLD, reason)


def _feedback() -> Choice:
    reason = "Always: every judgement and later outcome flows back, so that the next step rests on figures."
    return Choice(Pattern.FEEDBACK, reason)


def _document(answers: Answers, patterns: set[Pattern]) -> dict[str, Any]:
    threshold = 0.99 if patterns & {Pattern.HIGH_THRESHOLD, Pattern.CASCADE} else 0.95
    entries: list[dict[str, Any]] = [{"risk": "high", "threshold": None}]
    if answers.risk is not RiskLevel.HIGH:
        entries.append({"risk": "medium", "threshold": 0.99})
    return {
        "thresholds": {"default": threshold, "entries": entries},
        "cascade": {"layers": list(_LAYERS) if Pattern.CASCADE in patterns else []},
        "rules": list(_rules(answers, patterns)),
        "sampling": {"exploration_rate": 1.0, "audit_rate": 1.0},
        "rollout": True,
    }


def _rules(answers: Answers, patterns: set[Pattern]) -> Any:
    if Pattern.GATE in patterns:
        yield {
            "name": "Actions that cannot be taken back",
            "when": "!has(proposed_action.reversible) || !proposed_action.reversible",
            "then": "gate",
            "reason": "The action cannot be taken back, so a person must approve it.",
        }
    if Pattern.CASCADE in patterns:
        yield {
            "name": "Costly errors",
            "when": f"has(context.error_cost) && context.error_cost > {COSTLY:.1f}",
            "then": "review",
            "reason": "A wrong decision would be costly, so a person decides.",
        }


def _steps(answers: Answers, patterns: set[Pattern]) -> Any:
    audit = answers.reviewable_share if Pattern.POST_ACTION_AUDIT in patterns else 0.25
    yield Step(
        "Everything is reviewed",
        "Only low-risk reversible cases act, provisionally, and a person reviews each; all others wait for people. "
        "In one to two weeks this gives the labels that the next step needs.",
        0,
        0,
        {},
    )
    yield Step(
        "Confidence routing",
        f"{LABELS_NEEDED} labels are enough to fit a calibration. The machine decides what is above the threshold; "
        f"{audit:.0%} of what it decides at higher risk is audited.",
        LABELS_NEEDED,
        0,
        {"rollout": False, "sampling": {"exploration_rate": 0.1, "audit_rate": round(audit, 2)}},
    )
    yield Step(
        "Cascades for high risk",
        "After a month, high-risk cases may be automated where they are nearly certain, cheap, and pass the cascade: "
        "add your patterns, banned terms and a judge to its first layer before you have it approved.",
        LABELS_NEEDED,
        DAYS_FOR_CASCADES,
        {
            "cascade": {"layers": list(_LAYERS)},
            "thresholds": {"entries": [{"risk": "high", "threshold": 0.995}, {"risk": "medium", "threshold": 0.99}]},
            "signals": {"max_error_cost": max(COSTLY, answers.error_cost)},
        },
    )
    yield Step(
        "Fewer audits",
        "A stable machine needs fewer audits: 5-10 % keep watching it.",
        LABELS_WHEN_STABLE,
        DAYS_WHEN_STABLE,
        {"sampling": {"exploration_rate": 0.05, "audit_rate": 0.1}},
    )
