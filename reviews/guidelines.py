"""Guidelines as they are read: rendered safely, compared, and in force."""

import difflib
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.permissions import Permission
from reviews.access import desk_of
from reviews.models import GuidelineAcknowledgement, GuidelineUse, GuidelineVersion, Queue
from routing.models import TaskType

_LOWEST = 6
_SHIFT = 2
"""A guideline's first heading comes below the page's own h1 and the panel's h2."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and where it is."""

    anchor: str
    title: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """Safe HTML and the sections in it."""

    html: SafeString
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a comparison. `kind`: same, added, removed."""

    kind: str
    text: str


@lru_cache(maxsize=256)
def render(text: str) -> Rendered:
    """Markdown to HTML without raw HTML, images, inline styles or links that run anything (CommonMark, escaped)."""
    parser = _parser()
    tokens = parser.parse(text)
    sections: list[Section] = []
    for place, token in enumerate(tokens):
        token.attrs.pop("style", None)  # alignment of tables; the policy of the pages allows no inline style
        if token.type == "heading_open":
            section = _section(tokens[place + 1], len(sections))
            sections.append(section)
            token.attrs["id"] = section.anchor
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(_LOWEST, int(token.tag[1]) + _SHIFT)}"
    html = parser.renderer.render(tokens, parser.options, {})
    return Rendered(mark_safe(html), tuple(sections))  # noqa: S308  # the parser escapes all text


def _section(inline: Token, place: int) -> Section:
    slug = re.sub(r"[^a-z0-9]+", "-", inline.content.lower()).strip("-")[:40]
    return Section(f"g{place + 1}-{slug}" if slug else f"g{place + 1}", inline.content)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("js-default").disable(["image", "html_inline", "html_block"], ignoreInvalid=True)


def difference(before: str, after: str) -> list[Line]:
    """Line by line; what stayed the same is kept so that changes are read in their place."""
    kinds = {" ": "same", "+": "added", "-": "removed"}
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [Line(kinds[line[0]], line[2:]) for line in lines if line[0] in kinds]


def in_force(queue_id: uuid.UUID) -> GuidelineUse | None:
    """The use in force in this queue now, with its version and task type; null where there is none."""
    rows = GuidelineUse.objects.filter(queue_id=queue_id, from_at__lte=now())
    return rows.select_related("version__task_type").order_by("-from_at", "-id").first()


def acknowledged(actor: Actor, version: GuidelineVersion) -> bool:
    """Whether this person said to have read it."""
    return GuidelineAcknowledgement.objects.filter(version=version, user_id=actor.person_id).exists()


def acknowledged_of(actor: Actor, versions: Iterable[GuidelineVersion]) -> set[uuid.UUID]:
    """Which of these this person said to have read."""
    rows = GuidelineAcknowledgement.objects.filter(version__in=versions, user_id=actor.person_id)
    return set(rows.values_list("version_id", flat=True))


def last_acknowledged(actor: Actor, version: GuidelineVersion) -> GuidelineVersion | None:
    """The newest earlier version this person has read; what changed since then is what they need."""
    read = GuidelineAcknowledgement.objects.filter(version=OuterRef("pk"), user_id=actor.person_id)
    rows = GuidelineVersion.objects.filter(Exists(read), task_type_id=version.task_type_id, number__lt=version.number)
    return rows.order_by("-number").first()


def visible_guidelines(actor: Actor) -> QuerySet[GuidelineVersion]:
    """The versions this person may read: of the workspace for who sees all, else of their queues' task types."""
    rows = GuidelineVersion.objects.filter(workspace_id=actor.workspace_id).select_related("task_type", "created_by")
    if actor.task_type_ids is not None:
        rows = rows.filter(task_type_id__in=actor.task_type_ids)
    if actor.may(Permission.SEE_ALL_CASES):
        return rows
    queues = desk_of(actor).queues
    if any(queue.task_type_id is None for queue in queues):
        return rows.filter(uses__queue_id__in=[q.id for q in queues]).distinct()
    return rows.filter(task_type_id__in=[q.task_type_id for q in queues])


def task_types_with_guidelines(actor: Actor) -> list[TaskType]:
    """Those this person may read a guideline of; supervisors see all, to write the first one."""
    rows = TaskType.objects.filter(workspace_id=actor.workspace_id).order_by("title")
    if not actor.may(Permission.CONFIGURE):
        rows = rows.filter(pk__in=visible_guidelines(actor).values("task_type_id"))
    return list(rows)


def uses_of(task_type: TaskType) -> list[GuidelineUse]:
    """Every use of its versions, newest first."""
    rows = GuidelineUse.objects.filter(version__task_type=task_type).select_related("version", "queue", "created_by")
    return list(rows.order_by("-from_at", "-id")[:200])


def queues_for(task_type: TaskType) -> QuerySet[Queue]:
    """Where a guideline of this task type may be in force: its own queues and general ones."""
    rows = Queue.objects.filter(workspace_id=task_type.workspace_id)
    return rows.filter(task_type=task_type) | rows.filter(task_type__isnull=True)
