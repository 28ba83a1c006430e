"""What is wrong with a submitted case: first against itself (400), then against what is stored (422)."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import jsonschema_rs
import msgspec

from hitl.core.errors import FieldProblem, InvalidInput, Refused
from reviews.structs import CaseIn, PredictionIn
from routing.selectors import InForce

_SUM_TOLERANCE = 0.001
_MAX_SCHEMA_PROBLEMS = 20
_HORIZON = timedelta(days=3650)
_FLOAT32_MAX = 3.4e38


def check_body(case: CaseIn, now: datetime) -> None:
    """Ranges that span fields. Raises InvalidInput with pointers."""
    problems: list[FieldProblem] = []
    if case.prediction and case.prediction.probabilities:
        total = sum(case.prediction.probabilities.values())
        if abs(total - 1.0) > _SUM_TOLERANCE:
            problems.append(
                FieldProblem(
                    "/prediction/probabilities",
                    f"The probabilities sum to {total:.4f}; they must sum to 1 within {_SUM_TOLERANCE}.",
                    "probabilities_off_one",
                )
            )
    if case.required_by is not None and not now < case.required_by < now + _HORIZON:
        problems.append(FieldProblem("/required_by", "Give a time in the future, within ten years.", "out_of_range"))
    if case.wait_seconds and case.mode not in ("inline", msgspec.UNSET):
        problems.append(FieldProblem("/wait_seconds", "Only mode “inline” waits.", "not_applicable"))
    if case.prediction and max(map(abs, case.prediction.embedding), default=0.0) > _FLOAT32_MAX:
        problems.append(
            FieldProblem("/prediction/embedding", "An embedding's numbers must fit 32-bit floats.", "out_of_range")
        )
    explanation = case.prediction.explanation if case.prediction else None
    for place, span in enumerate(explanation.spans if explanation else ()):
        if span.end < span.start:
            problems.append(
                FieldProblem(
                    f"/prediction/explanation/spans/{place}/end", "The end lies before the start.", "out_of_range"
                )
            )
    if problems:
        raise InvalidInput(errors=problems)


def with_mode(case: CaseIn, force: InForce) -> CaseIn:
    """The case in the mode it names, or else in its task type's. Raises Refused where that does not wait."""
    if case.mode is not msgspec.UNSET:
        return case
    mode = force.task_type.default_mode
    if case.wait_seconds and mode != "inline":
        detail = f"The mode of this task type is “{mode}”, which does not wait; send mode “inline”."
        raise Refused(detail, code="not_applicable", errors=[FieldProblem("/wait_seconds", detail, "not_applicable")])
    return msgspec.structs.replace(case, mode=mode)


def check_against(case: CaseIn, force: InForce) -> None:
    """Labels and the input schema of the task type. Raises Refused with pointers."""
    problems = _label_problems(case.prediction, force.task_type.label_values) + _schema_problems(case.input, force)
    if problems:
        code = problems[0].code
        raise Refused("The case does not fit its task type.", code=code, errors=problems)


def prediction_problem(prediction: PredictionIn, labels: Collection[str]) -> str | None:
    """What is wrong with a prediction that no request brought; null where it may be used."""
    shares = prediction.probabilities.values()
    if shares and abs(sum(shares) - 1.0) > _SUM_TOLERANCE:
        return "the probabilities do not sum to 1"
    return next((problem.detail for problem in _label_problems(prediction, labels)), None)


def _label_problems(prediction: PredictionIn | None, known: Collection[str]) -> list[FieldProblem]:
    if prediction is None:
        return []
    named = [("/prediction/label", prediction.label)]
    named += [(f"/prediction/probabilities/{escape(label)}", label) for label in prediction.probabilities]
    named += [(f"/prediction/ensemble/{i}/label", vote.label) for i, vote in enumerate(prediction.ensemble)]
    if prediction.interpretable is not None:
        named.append(("/prediction/interpretable/label", prediction.interpretable.label))
    return [
        FieldProblem(pointer, f"“{label}” is not a label of this task type.", "unknown_label")
        for pointer, label in named
        if label not in known
    ]


def _schema_problems(value: dict[str, Any], force: InForce) -> list[FieldProblem]:
    problems: list[FieldProblem] = []
    for error in force.validator.iter_errors(value):
        pointer = "/input" + "".join(f"/{escape(str(part))}" for part in error.instance_path)
        problems.append(FieldProblem(pointer, shorten(error), "input_schema"))
        if len(problems) == _MAX_SCHEMA_PROBLEMS:
            break
    return problems


def shorten(error: jsonschema_rs.ValidationError) -> str:
    """The validator's sentence, without repeating a huge value."""
    message = str(error.message)
    return message if len(message) <= 300 else f"{message[:300]} …"


def escape(part: str) -> str:
    """RFC 6901 escaping."""
    return part.replace("~", "~0").replace("/", "~1")
