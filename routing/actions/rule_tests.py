"""The tests that stand beside rules: a version with a failing one is not approved."""

from typing import Any

from hitl.core.errors import FieldProblem, Refused
from routing.engine.document import decode_document
from routing.engine.rule_tests import RuleTestResult, run_all_tests
from routing.models import TaskType
from routing.selectors import task_spec


def require_passing_tests(task_type: TaskType, document: dict[str, Any]) -> None:
    """Refuse a stored document with failing tests (`rule_tests_fail`), naming each."""
    results = run_all_tests(decode_document(document), task_spec(task_type))
    failing = [result for result in results if not result.passed]
    if failing:
        raise Refused(
            "A rule does not answer its tests as expected; propose a version that does.",
            code="rule_tests_fail",
            errors=[FieldProblem(f"/document{r.pointer}", failure_of(r), "rule_test_fails") for r in failing],
        )


def failure_of(result: RuleTestResult) -> str:
    """What a failing test expected and what it got, in words."""
    wanted = "true" if result.test.expect else "false"
    got = {True: "it is true", False: "it is false", None: f"it fails: {result.answer.error}"}[result.answer.holds]
    return f"Test “{result.test.name}” of rule “{result.rule}”: expected {wanted}, but {got}."
