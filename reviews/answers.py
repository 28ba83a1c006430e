"""Which questions a person is asked about a case, and what was answered so far."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hitl.core.rows import new_row
from reviews.engine.declared import read_scheme
from reviews.models import Case, CaseContent, Panel, QuestionAnswer, ReviewTask
from routing.engine.questions import QuestionIn, for_person, label_of, machine_answers, read_label_rules, read_questions
from routing.models import TaskType


@dataclass(frozen=True, slots=True)
class Asked:
    """What one person has to answer, and what the machine has answered already, which they may answer otherwise."""

    questions: list[QuestionIn]
    by_machine: dict[str, str]
    open_to_them: list[QuestionIn]


def asked_of(task_type: TaskType, content: CaseContent, review: ReviewTask, *, unseen: bool) -> Asked:
    """The questions of this review's holder; nothing is read where the task type has none.

    `unseen`: they are never to know what the machine said, so they answer everything themselves.
    """
    if not task_type.questions:
        return Asked([], {}, [])
    questions = read_questions(task_type.questions)
    machine = machine_answers(questions, content.prediction)
    decides: dict[str, str] = {}
    if review.panel_id is not None:
        scheme = read_scheme(Panel.objects.get(pk=review.panel_id).scheme)
        decides = {key: role.name for role in scheme.roles for key in role.decides}
    asked = for_person(questions, machine, unseen=unseen, seat=review.seat, decides=decides)
    keep = {} if unseen else {key: answer.label for key, answer in machine.items()}
    mine = for_person(questions, (), unseen=True, seat=review.seat, decides=decides)
    return Asked(asked, keep, [q for q in mine if q not in asked])


def derived_label(task_type: TaskType, asked: Asked, answers: dict[str, str]) -> str | None:
    """The label that follows from what machine and person answered; null where nothing is declared."""
    questions, rules = read_questions(task_type.questions), read_label_rules(task_type.label_rules)
    return label_of(questions, rules, asked.by_machine | answers)


def machine_answer_rows(case: Case, task_type: TaskType, prediction: Any, at: datetime) -> list[QuestionAnswer]:
    """The machine's answers it is responsible for, unsaved."""
    if not task_type.questions or case.status == Case.Status.SHADOW:
        return []
    found = machine_answers(read_questions(task_type.questions), prediction)
    return [
        new_row(
            QuestionAnswer,
            workspace_id=case.workspace_id,
            case_id=case.pk,
            question=key,
            label=answer.label,
            source=QuestionAnswer.Source.MACHINE.value,
            confidence=answer.confidence,
            model_version=case.model_version,
            created_at=at,
        )
        for key, answer in found.items()
    ]


def answers_of(case: Case) -> list[QuestionAnswer]:
    """Every standing answer, oldest first."""
    rows = QuestionAnswer.objects.filter(case_id=case.pk, judgement__undone_at__isnull=True)
    return list(rows.select_related("user").order_by("created_at", "pk"))
