"""Which model is asked for a prediction when the partner sends only the input."""

from collections.abc import Collection, Sequence
from typing import Annotated

import cel
import msgspec
from msgspec import Meta

from routing.engine.cel import Rule, RuleFailed, compile_rule, open_context
from routing.engine.record import Facts


class AdapterRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Ask the adapter at `endpoint` where `when` holds; the first such rule is taken.

    `revises`: a specialist that is asked once another adapter has answered, so that its `when` may read the prediction;
    its answer takes that one's place, which then counts as an ensemble vote.
    """

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    endpoint: Annotated[str, Meta(min_length=1, max_length=60)]
    when: str = "true"
    revises: bool = False
    retries: Annotated[int, Meta(ge=0, le=5)] = 2
    deadline_s: Annotated[float, Meta(ge=1, le=86_400)] = 120.0


CompiledAdapters = tuple[tuple[AdapterRule, Rule], ...]


def compile_adapters(rules: Sequence[AdapterRule]) -> CompiledAdapters:
    """The rules ready to run; CelError."""
    return tuple((rule, compile_rule(rule.when)) for rule in rules)


def choose_adapter(adapters: CompiledAdapters, facts: Facts, asked: Collection[str]) -> AdapterRule | None:
    """The first rule that holds and was not asked yet; null: nobody is asked. A rule that fails does not hold."""
    revising = facts.features.label is not None
    open_rules = [(r, c) for r, c in adapters if r.revises is revising and r.name not in asked]
    if not open_rules:
        return None
    try:
        context = open_context(facts, {path for _, compiled in open_rules for path in compiled.paths})
    except RuleFailed:
        return None
    return next((rule for rule, compiled in open_rules if _holds(compiled, context)), None)


def _holds(rule: Rule, context: cel.Context) -> bool:
    try:
        return rule.holds(context)
    except RuleFailed:
        return False
