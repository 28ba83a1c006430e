"""Sample cases beside rules: what a rule says of them, as pure tables."""

from typing import Any

import pytest

from routing.engine.cel import compile_rule
from routing.engine.document import PolicyError, decode_document
from routing.engine.record import Facts
from routing.engine.route import RiskLevel
from routing.engine.rule_tests import ask_facts, ask_sample, run_all_tests, sample_of
from routing.engine.signals import compute_signals
from routing.engine.specs import TaskSpec
from tests.routing.engine.cases import features

TASK = TaskSpec(slug="loan", labels=("approve", "reject"))
BIG = "context.amount > 1000.0"


@pytest.mark.parametrize(
    ("rule", "sample", "holds"),
    [
        (BIG, {"context": {"amount": 5000}}, True),
        (BIG, {"context": {"amount": 5}}, False),
        (BIG, {}, None),
        ("has(context.amount) && context.amount > 1.0", {}, False),
        ("context.is_new_user", {}, False),
        ("input.country == 'DE'", {"input": {"country": "DE"}}, True),
        ("prediction.ensemble_agreement < 0.8", {"prediction": {"ensemble_agreement": 0.5}}, True),
        (
            "prediction.ensemble_agreement < 0.8",
            {"prediction": {"label": "approve", "ensemble": [{"model": "b", "label": "reject"}]}},
            True,
        ),
        ("prediction.margin > 0.5", {"prediction": {"probabilities": {"approve": 0.9, "reject": 0.1}}}, True),
        ("case.risk == 'high'", {"case": {"risk": "high"}}, True),
        ("case.task_type == 'loan'", {}, True),
        ("prediction.interpretable_disagrees", {"prediction": {"label": "a", "interpretable": {"label": "b"}}}, True),
        ("'credit' in context.required_expertise", {"context": {"required_expertise": ["credit"]}}, True),
        ("proposed_action.reversible == false", {"proposed_action": {"type": "pay", "reversible": False}}, True),
        (BIG, {"external_id": "a-1", "evidence": {"x": 1}, "context": {"amount": 5000}}, True),
    ],
)
def test_a_rule_answers_on_a_sample(rule: str, sample: dict[str, Any], holds: bool | None) -> None:
    answer = ask_sample(compile_rule(rule), sample, TASK)
    assert answer.holds is holds and (answer.error is None) is (holds is not None)


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        ({"context": {"amont": 5}}, "context.amont"),
        ({"context": {"amount": "much"}}, "amount"),
        ({"context": {"amount": True}}, "amount"),
        ({"context": 5}, "context"),
        ({"context": {"amount": 10**400}}, "range"),
        ({"context": {"amount": float("nan")}}, "amount"),
        ({"prediction": {"confidence": 7}}, "confidence"),
        ({"input": {"deep": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}, "nested"),
        ({"input": {"long": [1] * 1001}}, "1000 items"),
    ],
)
def test_a_sample_that_cannot_be_read_fails_and_says_where(sample: dict[str, Any], said: str) -> None:
    answer = ask_sample(compile_rule(BIG), sample, TASK)
    assert answer.holds is None and said in str(answer.error)


def test_what_a_rule_read_of_a_real_case_makes_a_sample_with_the_same_answer() -> None:

    rule = compile_rule("has(context.error_cost) || (context.amount > 10.0 && input.country == 'DE')")
    known = features(amount=50.0, input={"country": "DE", "name": "secret"})
    facts = Facts(known, TASK, compute_signals(known, TASK.labels), 0.9, RiskLevel.LOW)
    answer = ask_facts(rule, facts)
    sample = sample_of(answer.read)
    assert sample == {"context": {"amount": 50.0}, "input": {"country": "DE"}}, "only what the rule reads"
    assert ask_sample(rule, sample, TASK).holds is answer.holds is True


def document(**test: Any) -> dict[str, Any]:
    tests = [{"name": "big", "case": {"context": {"amount": 5000}}, "expect": True} | test]
    return {"rules": [{"name": "big amount", "when": BIG, "then": "review", "tests": tests}]}


def test_the_tests_of_a_document_are_run_in_order_and_named_by_place() -> None:
    (passing,) = run_all_tests(decode_document(document()), TASK)
    assert passing.passed and passing.pointer == "/rules/0/tests/0" and passing.rule == "big amount"
    (failing,) = run_all_tests(decode_document(document(expect=False)), TASK)
    assert not failing.passed and failing.answer.read == {"context.amount": 5000.0}
    (broken,) = run_all_tests(decode_document(document(case={}, expect=False)), TASK)
    assert not broken.passed, "a rule that fails to evaluate is not the same as false"


def test_a_test_without_a_name_is_refused_at_its_place() -> None:
    with pytest.raises(PolicyError) as refused:
        decode_document(document(name=""))
    assert refused.value.problems[0].pointer == "/rules/0/tests/0/name"


def test_a_document_without_tests_means_what_it_meant() -> None:
    old = decode_document({"rules": [{"name": "a", "when": "true", "then": "review"}]})
    assert old.rules[0].tests == () and run_all_tests(old, TASK) == ()
