"""The course of a judgement in words, with a chart that replays it."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reviews.interactions import Course, Step
from reviews.views.shapes import title_of
from routing.models import TaskType

WIDTH = 1000
_WORDS = {
    "shown": gettext_lazy("Case shown"),
    "hidden": gettext_lazy("Left the page"),
    "returned": gettext_lazy("Came back to the page"),
    "evidence_opened": gettext_lazy("Opened evidence"),
    "evidence_closed": gettext_lazy("Closed evidence"),
    "evidence_visited": gettext_lazy("Went to evidence"),
    "details_opened": gettext_lazy("Opened details"),
    "details_closed": gettext_lazy("Closed details"),
    "choice_changed": gettext_lazy("Chose or changed an answer"),
    "zoomed": gettext_lazy("Zoomed"),
    "unblurred": gettext_lazy("Looked at blurred content"),
    "guideline_opened": gettext_lazy("Opened the guideline"),
    "note_started": gettext_lazy("Began a note"),
    "reason_started": gettext_lazy("Began to give a reason"),
    "draft_restored": gettext_lazy("Draft put back"),
    "held_longer": gettext_lazy("Held the case longer"),
    "offline": gettext_lazy("Went offline"),
    "online": gettext_lazy("Came back online"),
    "lease_warned": gettext_lazy("Warned that the time runs out"),
    "sent": gettext_lazy("Sent"),
    "revealed": gettext_lazy("Seal lifted"),
    "recorded": gettext_lazy("Recorded"),
}


@dataclass(frozen=True, slots=True)
class StepShown:
    """`x` on a chart `WIDTH` wide; `lane`: 0 reading, 1 deciding, 2 judged."""

    words: str
    about: str
    clock: str
    kind: str
    x: float
    lane: int


@dataclass(frozen=True, slots=True)
class CourseShown:
    """One claim's course for the page."""

    course: Course
    steps: list[StepShown]
    length: str
    looked: int
    changes: int
    width: int = WIDTH


def course_shown(course: Course, task_type: TaskType) -> CourseShown:
    """The steps in words and on a line as long as the whole took."""
    last = max((step.ms for step in course.steps), default=0) or 1
    return CourseShown(
        course=course,
        steps=[_step(step, last, task_type) for step in course.steps],
        length=clock(last),
        looked=sum(s.kind in ("evidence_opened", "details_opened", "evidence_visited") for s in course.steps),
        changes=sum(s.kind == "choice_changed" for s in course.steps),
    )


def _step(step: Step, last: int, task_type: TaskType) -> StepShown:
    words: Any = _WORDS.get(step.kind, step.kind)
    lane = 1 if step.kind in ("choice_changed", "note_started", "reason_started", "sent") else 0
    if step.kind == "judgement":
        said = _("First judgement: %(label)s") if step.stage == "first" else _("Final judgement: %(label)s")
        words, lane = said % {"label": title_of(task_type, step.label)}, 2
    return StepShown(
        words=str(words),
        about=step.about,
        clock=clock(step.ms),
        kind="person" if step.kind == "judgement" else "machine" if step.kind == "revealed" else "system",
        x=round(12 + (WIDTH - 24) * step.ms / last, 1),
        lane=lane,
    )


def clock(ms: int) -> str:
    """Minutes, seconds and tenths since the case was shown."""
    seconds = ms / 1000
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"
