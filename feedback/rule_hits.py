"""How often the rules of one policy version hold over recent cases, and how often they really decided."""

from dataclasses import dataclass

from feedback.rule_history import DEFAULT_CASES, Hits, count_rules, decided_by_rule, past_cases, reads_input
from hitl.core.actors import Actor
from reviews.access import desk_of
from routing.engine.cel import compile_rule
from routing.engine.document import decode_document
from routing.models import PolicyVersion, TaskType
from routing.selectors import task_spec


@dataclass(frozen=True, slots=True)
class RuleHitsRow:
    """One rule. decided: cases of the window that a rule of this name really sent to people; null for risk rules."""

    section: str
    name: str
    when: str
    then: str
    hits: Hits
    decided: int | None


@dataclass(frozen=True, slots=True)
class VersionHits:
    """Every rule in its order, over the same `cases`."""

    version: int
    cases: int
    rules: tuple[RuleHitsRow, ...]


def hits_of_version(
    actor: Actor, task_type: TaskType, version: PolicyVersion, cases: int = DEFAULT_CASES
) -> VersionHits:
    """Over the newest cases this actor may see."""
    document, task = decode_document(version.document), task_spec(task_type)
    risk = [compile_rule(rule.when) for rule in document.risk_rules]
    rules = [compile_rule(rule.when) for rule in document.rules]
    past = past_cases(actor, task_type, desk_of(actor), cases, with_input=reads_input([*risk, *rules]))
    decided = decided_by_rule(past)
    rows = [
        RuleHitsRow("rules", r.name, r.when, r.then, hits, decided[r.name])
        for r, hits in zip(document.rules, count_rules(past, rules, task, raises_risk=False), strict=True)
    ]
    rows += [
        RuleHitsRow("risk_rules", r.name, r.when, r.level.value, hits, None)
        for r, hits in zip(document.risk_rules, count_rules(past, risk, task, raises_risk=True), strict=True)
    ]
    return VersionHits(version.number, len(past), tuple(rows))
