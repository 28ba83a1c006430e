"""A case split into questions, each answered by the machine or a person (mission C9), and the label that follows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Key = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
Value = Annotated[str, Meta(min_length=1, max_length=100)]
Title = Annotated[str, Meta(min_length=1, max_length=200)]


class OptionIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One answer."""

    value: Value
    title: Title


class QuestionIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """`answered_by` machine: a person where its confidence is below `threshold`. `main`: a person's, and the label."""

    key: Key
    title: Title
    labels: Annotated[list[OptionIn], Meta(min_length=2, max_length=100)]
    answered_by: Literal["machine", "person"] = "person"
    threshold: Annotated[float, Meta(ge=0, le=1)] = 0.9
    main: bool = False


class LabelRuleIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where all of these answers were given, this is the label."""

    when: dict[Key, Value]
    label: Value


@dataclass(frozen=True, slots=True)
class Answer:
    """The machine's answer to one question. confidence: 0-1, as stated."""

    label: str
    confidence: float


def read_questions(document: Any) -> list[QuestionIn]:
    """The questions a task type declares. Raises ValueError in words."""
    found: list[QuestionIn] = _read(document, list[QuestionIn])
    return found


def read_label_rules(document: Any) -> list[LabelRuleIn]:
    """How answers make the label, in order. Raises ValueError in words."""
    found: list[LabelRuleIn] = _read(document, list[LabelRuleIn])
    return found


def _read(document: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(document or [], kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def problems_of(questions: Sequence[QuestionIn], rules: Sequence[LabelRuleIn], labels: Collection[str]) -> list[str]:
    """What is wrong with the questions and the rules of a task type with these labels, each with its cure."""
    options = {q.key: [o.value for o in q.labels] for q in questions}
    found = [] if len(options) == len(questions) else ["Two questions have the same key; give each its own."]
    main = [q for q in questions if q.main]
    if len(main) > 1:
        found.append("Only one question can be the main one.")
    for q in main:
        found += [
            f"{q.key}: {value!r} is not a label of the task type; the main question's answers are its labels."
            for value in options[q.key]
            if value not in labels
        ]
    for place, rule in enumerate(rules):
        if rule.label not in labels:
            found.append(f"Rule {place + 1}: {rule.label!r} is not a label; use one of: {', '.join(labels)}.")
        found += [
            f"Rule {place + 1}: there is no answer {value!r} to a question {key!r}."
            for key, value in rule.when.items()
            if value not in options.get(key, ())
        ]
    return found


def machine_answers(questions: Sequence[QuestionIn], prediction: Mapping[str, Any] | None) -> dict[str, Answer]:
    """What the machine answers: where the question is its own, the answer is one of the options and it is sure."""
    said = {a["question"]: a for a in (prediction or {}).get("answers", [])}
    found = {}
    for q in questions:
        answer = said.get(q.key)
        if q.answered_by != "machine" or answer is None or answer["label"] not in [o.value for o in q.labels]:
            continue
        if answer["confidence"] >= q.threshold:
            found[q.key] = Answer(answer["label"], answer["confidence"])
    return found


def for_person(
    questions: Sequence[QuestionIn],
    by_machine: Collection[str],
    *,
    unseen: bool,
    seat: str = "",
    decides: Mapping[str, str] | None = None,
) -> list[QuestionIn]:
    """The questions one person has to answer: always the main one. `unseen`: they are not to know what the machine
    answered, so they get all; `decides`: the role that alone answers a question.
    """
    roles = decides or {}
    asked = [q for q in questions if unseen or q.main or q.key not in by_machine]
    return [q for q in asked if roles.get(q.key, seat) == seat]


def label_of(questions: Sequence[QuestionIn], rules: Sequence[LabelRuleIn], answers: Mapping[str, str]) -> str | None:
    """The label that follows: of the first rule whose answers were all given, else the main question's; else null."""
    for rule in rules:
        if all(answers.get(key) == value for key, value in rule.when.items()):
            return rule.label
    return next((answers[q.key] for q in questions if q.main and q.key in answers), None)
