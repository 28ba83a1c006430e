"""Rules in the Common Expression Language: checked and compiled once, then run on one context per case."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cel

from routing.engine.cel_checks import CelError, References, check_rule
from routing.engine.features import EnsembleVote, Features, LatencyTolerance, SubjectHistory
from routing.engine.record import Facts, build_record
from routing.engine.route import RiskLevel
from routing.engine.signals import compute_signals
from routing.engine.specs import TaskSpec

_SYNTAX_ERROR = re.compile(r"<input>:(\d+):(\d+): (?:Syntax error: )?([^\n]*)")


class RuleFailed(Exception):
    """A rule gave no yes or no on this case; a person decides."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled condition and the record paths it reads."""

    source: str
    program: cel.Program
    paths: frozenset[str]

    def holds(self, context: cel.Context) -> bool:
        """Whether the condition is true; RuleFailed for anything but a clean yes or no."""
        try:
            result = self.program.execute(context)
        except Exception as error:
            raise RuleFailed(f"{type(error).__name__}: {str(error)[:200]}") from None
        if result is True or result is False:
            return result
        raise RuleFailed(f"it answers {type(result).__name__}, not true or false")


def compile_rule(source: str) -> Rule:
    """A rule that keeps every limit and answers true or false on the samples; CelError says where it does not."""
    references = check_rule(source)
    try:
        program = cel.compile(source)
    except ValueError as error:
        raise _syntax_error(source, str(error)) from None
    known = {path.partition(".")[0] for path in references.paths} | {references.bound}
    if unknown := set(program.variables()) - known:
        # The library understood names that the checks did not see.
        raise CelError("syntax", f"This use of {min(unknown)!r} is not allowed.", max(source.find(min(unknown)), 0))
    rule = Rule(source, program, references.paths)
    _try_on_samples(rule, references)
    return rule


def open_context(facts: Facts, paths: Iterable[str]) -> cel.Context:
    """What the rules see of a case, converted once; RuleFailed where it cannot be (a text that is not Unicode)."""
    return context_of(build_record(facts, paths))


def place_of(source: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of a character offset."""
    before = source[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def context_of(record: Mapping[str, Any]) -> cel.Context:
    """A record made ready for rules; RuleFailed where it cannot be."""
    try:
        return cel.Context(dict(record))
    except Exception as error:
        raise RuleFailed(f"the case cannot be read by rules: {str(error)[:200]}") from None


def _syntax_error(source: str, message: str) -> CelError:
    found = _SYNTAX_ERROR.search(message)
    if found is None:
        return CelError("syntax", message[:200], 0)
    line, column, detail = int(found[1]), int(found[2]), found[3]
    if "Recursion limit" in detail:
        return CelError("too_deep", "The conditions are nested too deeply.", 0)
    start = sum(len(text) for text in source.splitlines(keepends=True)[: line - 1])
    return CelError("syntax", f"{detail[:200]}.", min(start + column - 1, len(source)))


def _try_on_samples(rule: Rule, references: References) -> None:
    """Run the rule on a case with everything and on one with nothing; free keys may be missing from both."""
    for facts, complete in ((_FULL, True), (_SPARSE, False)):
        context = open_context(facts, rule.paths)
        try:
            result = rule.program.execute(context)
        except Exception as error:
            missing = isinstance(error, KeyError) and references.free
            if complete and not missing:
                detail = f"It fails on a sample case: {type(error).__name__}: {str(error)[:200]}"
                raise CelError(
                    "fails_on_sample", f"{detail} Numbers are doubles: write 2.0, not 2, to calculate.", 0
                ) from None
            continue
        if result is not True and result is not False:
            raise CelError("not_boolean", f"A rule answers true or false; this one answers {type(result).__name__}.", 0)


def _sample(features: Features) -> Facts:
    task = TaskSpec(slug="sample", labels=("approve", "reject"))
    return Facts(features, task, compute_signals(features, task.labels), features.confidence, RiskLevel.MEDIUM)


_SPARSE = _sample(Features(label="approve", confidence=0.9, model_version="sample"))
_FULL = _sample(
    Features(
        label="approve",
        confidence=0.9,
        model_version="sample",
        probabilities={"approve": 0.9, "reject": 0.1},
        ensemble=(EnsembleVote("other", "reject", 0.6),),
        interpretable_label="reject",
        nearest_neighbor_distance=0.1,
        stakes=RiskLevel.HIGH,
        amount=100.5,
        risk_score=0.5,
        complexity=0.5,
        error_cost=10.5,
        required_expertise=frozenset({"credit"}),
        latency_tolerance=LatencyTolerance.BATCH,
        virality=0.5,
        is_new_user=True,
        affects_multiple_users=True,
        has_appeal=True,
        previous_error=True,
        segments={"region": "EU"},
        proposed_action_type="sample",
        proposed_action_reversible=True,
        input={},
        predicted_disagreement=0.2,
        known_bad_similarity=0.1,
        history=SubjectHistory(cases=3, decided=2, wrong=1, overridden=1, last_decision="approve"),
    )
)
