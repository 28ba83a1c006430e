"""How evidence is shown at first to one person, and whether they were promised a reminder of a break."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Sum

from hitl.core.actors import Actor
from hitl.core.clock import now
from reviews.content_tags import care_for, today
from reviews.models import Case, CaseContent, Exposure, Judgement, Veil

PAUSE = timedelta(minutes=15)
"""A gap this long between two judgements counts as a break."""
MIN_PEOPLE = 5
"""Sums over fewer people would tell what single ones were given."""


@dataclass(frozen=True, slots=True)
class Shown:
    """`style`: blur, grey or none; `on`: from the start; `tags`: the case's; `break_due`: remind."""

    style: str
    on: bool
    tags: tuple[str, ...]
    break_due: bool


def veil_of(user_id: uuid.UUID, workspace_id: uuid.UUID) -> Veil:
    """The person's wishes, or the defaults."""
    return Veil.objects.filter(pk=user_id).first() or Veil(user_id=user_id, workspace_id=workspace_id)


def veil_shown(actor: Actor, case: Case, content: CaseContent) -> Shown:
    """For one page; one query, another where a reminder is wished for."""
    care = care_for(case.workspace_id, case.task_type_id)
    tags = care.tags_of(content.input, content.context) if care else ()
    if actor.user_id is None:
        return Shown(Veil.Style.NONE, False, tags, False)
    veil = veil_of(actor.user_id, actor.workspace_id)
    on = veil.style != Veil.Style.NONE and (veil.scope == Veil.Scope.ALL or bool(tags))
    due = bool(veil.break_after_min) and _break_due(actor.user_id, timedelta(minutes=veil.break_after_min))
    return Shown(veil.style if veil.style != Veil.Style.NONE else Veil.Style.BLUR, on, tags, due)


def _break_due(user_id: uuid.UUID, after: timedelta) -> bool:
    """Whether the person has judged for that long without a pause."""
    at = now()
    times = Judgement.objects.filter(user_id=user_id, created_at__gte=at - after - PAUSE)
    return worked_since(list(times.order_by("-created_at").values_list("created_at", flat=True)[:2_000]), at) >= after


def worked_since(times: list[datetime], at: datetime) -> timedelta:
    """How long, up to `at`, these judgements (newest first) follow each other without a pause."""
    start = at
    for time in times:
        if start - time > PAUSE:
            break
        start = time
    return at - start


@dataclass(frozen=True, slots=True)
class TagCount:
    """Cases with a tag: for one person today and in seven days, or for all together."""

    tag: str
    today: int
    week: int
    people: int = 1


def own_counts(actor: Actor) -> list[TagCount]:
    """What the acting person was given; nobody else may ask."""
    rows = Exposure.objects.filter(workspace_id=actor.workspace_id, user_id=actor.person_id)
    day = today().date()
    week = rows.filter(day__gt=day - timedelta(days=7)).values("tag").annotate(n=Sum("count")).order_by("tag")
    of_today = dict(rows.filter(day=day).values_list("tag", "count"))
    return [TagCount(row["tag"], of_today.get(row["tag"], 0), row["n"]) for row in week]


def sums(workspace_id: uuid.UUID) -> list[TagCount]:
    """Per tag over all people in seven days; tags that fewer than `MIN_PEOPLE` were given are left out."""
    day = today().date()
    rows = (
        Exposure.objects.filter(workspace_id=workspace_id, day__gt=day - timedelta(days=7))
        .values("tag")
        .annotate(n=Sum("count"), people=Count("user_id", distinct=True))
        .filter(people__gte=MIN_PEOPLE)
        .order_by("tag")
    )
    return [TagCount(row["tag"], 0, row["n"], row["people"]) for row in rows]
