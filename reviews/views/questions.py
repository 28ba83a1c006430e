"""The questions of a case on its page."""

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from reviews.answers import Asked, asked_of
from reviews.models import Case, CaseContent, Claim
from routing.engine.questions import QuestionIn

_FIELD = "answer:"


@dataclass(frozen=True, slots=True)
class QuestionShown:
    """`said`: one's own kept draft; nothing is chosen otherwise. `machine`: what it answered, where that stands."""

    key: str
    title: str
    labels: list[dict[str, str]]
    said: str
    machine: str
    required: bool
    main: bool


def questions_shown(
    case: Case, content: CaseContent, claim: Claim | None, *, sealed: bool, draft: dict[str, Any] | None
) -> list[QuestionShown]:
    """What the holder of `claim` is asked; `sealed`: everything, since which are theirs would tell of the machine."""
    if claim is None or not case.task_type.questions:
        return []
    asked = asked_of(case.task_type, content, claim.review, unseen=sealed)
    kept = (draft or {}).get("answers", {})
    return [_shown(q, asked, kept) for q in [*asked.questions, *asked.open_to_them]]


def _shown(question: QuestionIn, asked: Asked, kept: dict[str, str]) -> QuestionShown:
    titles = {o.value: o.title for o in question.labels}
    return QuestionShown(
        key=question.key,
        title=question.title,
        labels=[{"value": value, "title": title} for value, title in titles.items()],
        said=kept.get(question.key, ""),
        machine="" if question in asked.questions else titles.get(asked.by_machine.get(question.key, ""), ""),
        required=question in asked.questions,
        main=question.main,
    )


def label_follows(questions: list[QuestionShown]) -> bool:
    """Whether the label is the answer to a question shown, so that nobody is asked for it again."""
    return any(question.main for question in questions)


def read_answers(sent: QueryDict) -> dict[str, str]:
    """The answers a form sent."""
    names = [name for name in list(sent)[:200] if name.startswith(_FIELD)]
    return {name.removeprefix(_FIELD)[:60]: sent.get(name, "")[:100] for name in names if sent.get(name)}
