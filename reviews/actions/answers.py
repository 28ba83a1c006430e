"""A person's answers to the questions of a case: checked, and what is written of them."""

from collections.abc import Mapping

from hitl.core.errors import FieldProblem, Refused
from hitl.core.rows import new_row
from reviews.answers import Asked, asked_of, derived_label
from reviews.models import Judgement, QuestionAnswer, ReviewTask
from routing.engine.questions import QuestionIn


def label_from(review: ReviewTask, label: str, answers: Mapping[str, str], *, unseen: bool) -> str:
    """The label of a judgement: what was said, or what follows from the answers.

    Raises Refused: `answer_required`, `unknown_question`, `unknown_answer`, `label_required` where none follows,
    `label_contradicts_answers` where another does.
    """
    task_type = review.case.task_type
    asked = asked_of(task_type, review.case.content, review, unseen=unseen)
    problems = [*_wrong(asked.questions, answers), *_wrong_choice(asked, answers)]
    if problems:
        raise Refused(problems[0].detail, code=problems[0].code, errors=problems)
    derived = derived_label(task_type, asked, dict(answers)) if task_type.questions else None
    if derived is None:
        if not label:
            raise _refused("label_required", "Give a label.")
        return label
    if label and label != derived:
        raise _refused("label_contradicts_answers", f"From these answers follows {derived!r}; leave the label out.")
    return derived


def _wrong(questions: list[QuestionIn], answers: Mapping[str, str]) -> list[FieldProblem]:
    options = {q.key: [o.value for o in q.labels] for q in questions}
    found: list[FieldProblem] = []
    for key, values in options.items():
        said = answers.get(key)
        if said is None:
            found.append(FieldProblem(f"/answers/{key}", "Answer this question.", "answer_required"))
        elif said not in values:
            found.append(FieldProblem(f"/answers/{key}", f"Use one of: {', '.join(values)}.", "unknown_answer"))
    return found


def _wrong_choice(asked: Asked, answers: Mapping[str, str]) -> list[FieldProblem]:
    """Answers to other questions: to the machine's, which a person may answer otherwise, and to nobody's."""
    mine = {q.key for q in asked.questions}
    more = {q.key: [o.value for o in q.labels] for q in asked.open_to_them}
    found = []
    for key, said in answers.items():
        if key in mine:
            continue
        if key not in more:
            found.append(FieldProblem(f"/answers/{key}", "You are not asked this question.", "unknown_question"))
        elif said not in more[key]:
            found.append(FieldProblem(f"/answers/{key}", f"Use one of: {', '.join(more[key])}.", "unknown_answer"))
    return found


def answer_rows(judgement: Judgement, review: ReviewTask, answers: Mapping[str, str]) -> list[QuestionAnswer]:
    """The unsaved answers of a judgement; whoever gave them is responsible for them."""
    return [
        new_row(
            QuestionAnswer,
            workspace_id=judgement.workspace_id,
            case_id=judgement.case_id,
            question=key,
            label=label,
            source=QuestionAnswer.Source.PERSON.value,
            confidence=None,
            judgement_id=judgement.pk,
            user_id=judgement.user_id,
            seat=review.seat,
            created_at=judgement.created_at,
        )
        for key, label in answers.items()
    ]


def _refused(code: str, detail: str) -> Refused:
    return Refused(detail, code=code, errors=[FieldProblem("/label", detail, code)])
