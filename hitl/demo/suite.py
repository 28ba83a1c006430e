"""The demo's policy test suite: digits of the guideline's hard pairs that no model was trained on."""

from collections.abc import Sequence

from hitl.core.parsing import convert
from hitl.demo.cases import DemoCase
from reviews.suites import ExampleIn

TASK_TYPE = "digit-reading"
HARD = "145679"
"""The guideline's hard pairs: 1 and 7, 4 and 9, 5 and 6."""
_SURE, _WRONG = 2, 6


def digit_examples(cases: Sequence[DemoCase]) -> list[ExampleIn]:
    """Of each hard digit the two that the model reads rightly and surest, which need no person, and six that it reads
    wrongly, which must reach one. The predictions are the model's own.
    """
    by_confidence = sorted(cases, key=lambda case: -case.body["prediction"]["confidence"])
    hard = [case for case in by_confidence if case.truth in HARD]
    sure = [case for digit in HARD for case in [c for c in hard if c.right and c.truth == digit][:_SURE]]
    wrong = [case for case in hard if not case.right][:_WRONG]
    return [_example(case, "machine") for case in sure] + [_example(case, "people") for case in wrong]


def _example(case: DemoCase, route: str) -> ExampleIn:
    body = case.body
    given = {"name": f"{case.external_id}, a {case.truth}", "expected": case.truth, "section": "Hard pairs"}
    facts = {"input": body["input"], "prediction": body["prediction"], "context": body["context"]}
    return convert(given | facts | {"expected_route": route}, ExampleIn)
