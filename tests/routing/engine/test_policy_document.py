"""A policy that cannot work is refused on save, with the place of each problem."""

from typing import Any

import pytest

from routing.engine.document import PolicyError, decode_document, problems_in_place
from tests.routing.engine.cases import rule


def test_an_empty_document_is_a_careful_policy() -> None:
    document = decode_document({})
    assert (document.thresholds.default, document.rollout) == (0.95, False)
    assert document.sampling.exploration_rate > 0 < document.sampling.audit_rate


RISK_RULE = {"name": "r", "when": "true", "level": "high"}


@pytest.mark.parametrize(
    "value, pointer, code",
    [
        ([], "", "invalid"),
        ({"threshold": {}}, "/threshold", "unknown_field"),
        ({"signals": {"max_sadness": 1}}, "/signals/max_sadness", "unknown_field"),
        ({"rules": [{"name": "a", "then": "review"}]}, "/rules/0/when", "required"),
        ({"rules": [rule("true", "automate")]}, "/rules/0/then", "invalid"),
        ({"rules": [rule("true", name="")]}, "/rules/0/name", "invalid"),
        ({"rules": [rule("true"), rule("true")]}, "/rules/1/name", "duplicate"),
        ({"risk_rules": [RISK_RULE | {"level": "enormous"}]}, "/risk_rules/0/level", "invalid"),
        ({"thresholds": {"default": 1.1}}, "/thresholds/default", "invalid"),
        ({"thresholds": {"default": float("nan")}}, "/thresholds/default", "invalid"),
        ({"thresholds": {"default": "0.9"}}, "/thresholds/default", "invalid"),
        ({"thresholds": {"entries": [{"risk": "low"}]}}, "/thresholds/entries/0/threshold", "required"),
        ({"thresholds": {"entries": [{"threshold": 0.9}]}}, "/thresholds/entries/0", "required"),
        (
            {"thresholds": {"entries": [{"risk": "critical", "threshold": 0.9}]}},
            "/thresholds/entries/0/threshold",
            "never_automated",
        ),
        ({"signals": {"max_amount": float("inf")}}, "/signals/max_amount", "invalid"),
        ({"sampling": {"exploration_rate": 0}}, "/sampling/exploration_rate", "invalid"),
        ({"sampling": {"audit_rate": 0.001}}, "/sampling/audit_rate", "invalid"),
        (
            {"sampling": {"audit_rate": 0.2, "audit_rate_bounds": {"lowest": 0.3, "highest": 0.4}}},
            "/sampling/audit_rate",
            "out_of_bounds",
        ),
        ({"sampling": {"reservoir": {"one_in": 0}}}, "/sampling/reservoir/one_in", "invalid"),
        (
            {"sampling": {"reservoir": {"one_in": 9, "entries": [{"one_in": 2, "zone": "queue"}]}}},
            "/sampling/reservoir/entries/0/zone",
            "invalid",
        ),
        ({"zones": {"provisional": {"default": 0.96}}}, "/zones/provisional/default", "out_of_order"),
        (
            {"zones": {"provisional": {"entries": [{"risk": "high", "threshold": 0.6}]}}},
            "/zones/provisional/entries/0/threshold",
            "never_provisional",
        ),
        ({"zones": {"latency": "never"}}, "/zones/latency", "invalid"),
        ({"fail_safe": {"database": {}}}, "/fail_safe/database", "unknown_field"),
        ({"rollout": "yes"}, "/rollout", "invalid"),
        ({"priority": {"weights": {"luck": 1}}}, "/priority/weights/luck", "unknown_field"),
        ({"priority": {"amount_scale": 0}}, "/priority/amount_scale", "invalid"),
        (
            {"calibrations": [{"model_version": "m", "confidence_source": "p", "version": n} for n in (1, 2)]},
            "/calibrations/1",
            "duplicate",
        ),
    ],
)
def test_problems_name_their_place(value: Any, pointer: str, code: str) -> None:
    with pytest.raises(PolicyError) as refused:
        decode_document(value)
    assert [(problem.pointer, problem.code) for problem in refused.value.problems] == [(pointer, code)]


def test_every_problem_of_meaning_is_told_at_once_with_line_and_column() -> None:
    rules = [rule("context.amont > 1.0"), rule("context.amount > 1.0 &&\n  && true", name="b")]
    with pytest.raises(PolicyError) as refused:
        decode_document({"rules": rules, "risk_rules": [RISK_RULE | {"when": "1"}]})
    found = [(problem.pointer, problem.code, problem.line, problem.column) for problem in refused.value.problems]
    assert found == [
        ("/risk_rules/0/when", "not_boolean", 1, 1),
        ("/rules/0/when", "unknown_field", 1, 9),
        ("/rules/1/when", "syntax", 2, 3),
    ]
    assert "Did you mean context.amount?" in str(refused.value)


def test_labels_and_tiers_that_do_not_exist_are_pointed_out() -> None:
    entries = [{"label": "aprove", "threshold": 0.99}, {"label": "reject", "threshold": 0.99}]
    document = decode_document({"thresholds": {"entries": entries}, "rules": [rule("true", tier="wizard")]})
    problems = problems_in_place(document, labels=("approve", "reject"), tiers=("expert",))
    assert [problem.pointer for problem in problems] == ["/thresholds/entries/0/label", "/rules/0/tier"]


def test_labels_and_tiers_are_looked_for_in_every_section() -> None:
    unknown = [{"label": "aprove", "threshold": 0.7}]
    document = decode_document(
        {
            "zones": {"provisional": {"entries": unknown}},
            "sampling": {"reservoir": {"one_in": 9, "entries": [{"label": "aprove", "one_in": 2}]}},
            "fail_safe": {"judge": {"tier": "wizard"}},
        }
    )
    problems = problems_in_place(document, labels=("approve",), tiers=("expert",))
    assert [(problem.pointer, problem.code) for problem in problems] == [
        ("/zones/provisional/entries/0/label", "unknown_label"),
        ("/sampling/reservoir/entries/0/label", "unknown_label"),
        ("/fail_safe/judge/tier", "unknown_tier"),
    ]
