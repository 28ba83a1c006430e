"""What a rule would have said of past cases, with the features as they were, and what rules in force really did."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from hitl.core.actors import Actor
from hitl.core.numbers import percent
from reviews.access import Desk, desk_of, unsealed_cases, visible_cases
from reviews.models import Case, CaseContent, ReviewTask
from routing.engine.cel import Rule, RuleFailed, open_context
from routing.engine.features import Features
from routing.engine.record import INPUT, Facts
from routing.engine.route import RiskLevel
from routing.engine.rule_tests import Answer, ask_facts, sample_of
from routing.engine.signals import compute_signals
from routing.engine.specs import TaskSpec
from routing.models import RoutingDecision, TaskType
from routing.selectors import task_spec

DEFAULT_CASES, MAX_CASES = 2_000, 10_000
"""Counted while somebody waits: about 100 µs a case."""
EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class PastCase:
    """One routed case. facts: as rules saw it, at its raised risk. rule: the one that decided, null for none."""

    case_id: uuid.UUID
    external_id: str | None
    facts: Facts
    rule: str | None


@dataclass(frozen=True, slots=True)
class LabelHits:
    """Among the cases with this predicted label. label null: without a prediction."""

    label: str | None
    cases: int
    hits: int


@dataclass(frozen=True, slots=True)
class Hits:
    """How often a rule would hold or fail among `cases`; by label the most frequent first."""

    cases: int
    hits: int
    failed: int
    by_label: tuple[LabelHits, ...]

    @property
    def share(self) -> float | None:
        """0-1; null without cases."""
        return self.hits / self.cases if self.cases else None

    @property
    def percent(self) -> str:
        """The share for people."""
        return "–" if self.share is None else percent(self.share)


@dataclass(frozen=True, slots=True)
class Example:
    """What the rule says of one case that this person may see; sample: what makes a test of it."""

    case_id: uuid.UUID
    name: str
    answer: Answer
    sample: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trial:
    """A rule tried on history."""

    hits: Hits
    examples: tuple[Example, ...]


def try_rule(actor: Actor, task_type: TaskType, rule: Rule, *, raises_risk: bool, cases: int = DEFAULT_CASES) -> Trial:
    """Count over the newest cases, with examples. Risk rules see the static risk, others the raised one."""
    desk = desk_of(actor)
    past = past_cases(actor, task_type, desk, cases, with_input=reads_input([rule]))
    shown = unsealed_cases(visible_cases(actor, desk), actor, desk).filter(task_type=task_type)
    recent = set(shown.order_by("-id").values_list("pk", flat=True)[:EXAMPLES])
    task = task_spec(task_type)
    facts = [(case, _seen(case, task, raises_risk)) for case in past]
    examples = tuple(_example(rule, case, seen) for case, seen in facts if case.case_id in recent)
    return Trial(_count([rule], facts)[0], examples)


def count_rules(past: Sequence[PastCase], rules: Sequence[Rule], task: TaskSpec, *, raises_risk: bool) -> list[Hits]:
    """The hits of many rules at once: one context a case."""
    return _count(rules, [(case, _seen(case, task, raises_risk)) for case in past])


def past_cases(actor: Actor, task_type: TaskType, desk: Desk, most: int, *, with_input: bool) -> list[PastCase]:
    """The newest routed cases this actor may see, without those still waiting for their own unaided judgement.

    Decided ones are counted though sealed to them: a count over many tells nothing of one they could be asked.
    """
    visible = _countable(visible_cases(actor, desk).filter(task_type=task_type), desk)
    names = dict(visible.order_by("-id").values_list("pk", "external_id")[:most])
    routed = RoutingDecision.objects.filter(workspace_id=actor.workspace_id, case_id__in=names).order_by("id")
    rows = {row[0]: row for row in routed.values_list("case_id", "features", "risk", "calibrated_confidence", "rule")}
    contents: dict[uuid.UUID, Any] = {}
    if with_input:
        contents = dict(CaseContent.objects.filter(case_id__in=names).values_list("case_id", "input"))
    task = task_spec(task_type)
    return [
        PastCase(case_id, name, _facts(rows[case_id], contents.get(case_id), task), rows[case_id][4])
        for case_id, name in names.items()
        if case_id in rows
    ]


def reads_input(rules: Sequence[Rule]) -> bool:
    """Whether any of them reads the case's content."""
    return any(path.partition(".")[0] == INPUT for rule in rules for path in rule.paths)


def decided_by_rule(past: Sequence[PastCase]) -> Counter[str]:
    """How many of these cases each rule really decided."""
    return Counter(case.rule for case in past if case.rule is not None)


def _countable(cases: QuerySet[Case], desk: Desk) -> QuerySet[Case]:
    judge_first = [queue.id for queue in desk.claimable() if queue.judge_first]
    if not judge_first:
        return cases
    waiting = ReviewTask.objects.filter(case_id=OuterRef("pk"), status__in=ReviewTask.OPEN, queue_id__in=judge_first)
    return cases.exclude(Exists(waiting))


def _facts(row: tuple[Any, ...], content: Any, task: TaskSpec) -> Facts:
    features = Features.from_json(row[1] | ({"input": content} if isinstance(content, dict) else {}))
    confidence = features.confidence if row[3] is None else row[3]
    return Facts(features, task, compute_signals(features, task.labels), confidence, RiskLevel(row[2]))


def _seen(case: PastCase, task: TaskSpec, raises_risk: bool) -> Facts:
    facts = case.facts
    return Facts(facts.features, task, facts.signals, facts.confidence, task.risk) if raises_risk else facts


def _example(rule: Rule, case: PastCase, facts: Facts) -> Example:
    answer = ask_facts(rule, facts)
    return Example(case.case_id, case.external_id or str(case.case_id)[-6:], answer, sample_of(answer.read))


def _count(rules: Sequence[Rule], cases: Sequence[tuple[PastCase, Facts]]) -> list[Hits]:
    paths = frozenset(path for rule in rules for path in rule.paths)
    labels: Counter[str | None] = Counter()
    held: list[Counter[str | None]] = [Counter() for _ in rules]
    failed = [0] * len(rules)
    for _, facts in cases:
        labels[facts.features.label] += 1
        try:
            context = open_context(facts, paths)
        except RuleFailed:
            failed = [n + 1 for n in failed]
            continue
        for number, rule in enumerate(rules):
            try:
                held[number][facts.features.label] += rule.holds(context)
            except RuleFailed:
                failed[number] += 1
    by_label = [tuple(LabelHits(label, n, hits[label]) for label, n in labels.most_common()) for hits in held]
    return [Hits(len(cases), sum(h.values()), f, labels_) for h, f, labels_ in zip(held, failed, by_label, strict=True)]
