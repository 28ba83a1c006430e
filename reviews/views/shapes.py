"""What the templates of reviewing are given."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.utils.translation import gettext as _

from hitl.core.actors import Actor
from hitl.core.clock import now
from reviews.models import Case, Judgement
from routing.decision_form import JOIN
from routing.models import TaskType


@dataclass(frozen=True, slots=True)
class Progress:
    """`goal` null where none is set."""

    done: int
    goal: int | None


@dataclass(frozen=True, slots=True)
class CaseHead:
    """What names a case on a page; nothing the machine said."""

    id: uuid.UUID
    title: str
    external_id: str | None
    subject: str | None
    task_type: TaskType
    created_at: datetime
    status: str


@dataclass(frozen=True, slots=True)
class Undo:
    """The last judgement while its effects still wait."""

    judgement_id: uuid.UUID
    text: str
    effects_at: datetime


def case_head(case: Case) -> CaseHead:
    """A case's heading: its external id, or a short form of its own."""
    title = f"{case.task_type.title} {case.external_id or str(case.pk)[-6:]}"
    return CaseHead(
        case.pk, title, case.external_id, case.subject, case.task_type, case.created_at, case.get_status_display()
    )


def pending_undo(request: HttpRequest, actor: Actor) -> Undo | None:
    """This person's last judgement if it can still be undone."""
    last = (
        Judgement.objects.filter(user_id=actor.person_id, stage="final", undone_at__isnull=True, effects_at__gt=now())
        .select_related("case__task_type")
        .order_by("-id")
        .first()
    )
    if last is None:
        return None
    name = last.case.external_id or str(last.case.pk)[-6:]
    text = _("%(case)s recorded as %(label)s.") % {"case": name, "label": title_of(last.case.task_type, last.label)}
    return Undo(last.pk, text, last.effects_at)


def title_of(task_type: TaskType, value: str) -> str:
    """A label's title for people; of a set (`a|b`) all of them."""
    titles = {label["value"]: label["title"] for label in task_type.labels}
    if value in titles or task_type.decision_form.kind != "multi_label":
        return str(titles.get(value, value))
    return ", ".join(titles.get(part, part) for part in value.split(JOIN))
