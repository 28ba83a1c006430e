"""What the page reports of a judgement's course, and how it is read back: kinds and times, never keystrokes."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from reviews.models import Interactions, Judgement

Kind = Literal[
    "shown",
    "hidden",
    "returned",
    "evidence_opened",
    "evidence_closed",
    "details_opened",
    "details_closed",
    "evidence_visited",
    "choice_changed",
    "zoomed",
    "unblurred",
    "guideline_opened",
    "note_started",
    "reason_started",
    "draft_restored",
    "held_longer",
    "offline",
    "online",
    "lease_warned",
    "sent",
    "revealed",
    "recorded",
]


class InteractionIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing a person did. `ms` since the page showed the case; `about` names a part of the page, never its text."""

    kind: Kind
    ms: Annotated[int, Meta(ge=0, le=86_400_000)]
    about: Annotated[str, Meta(max_length=60, pattern="^[a-z0-9-]*$")] = ""


class InteractionsIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A batch in order. `ms` is the page's clock when it was sent, so that the server can place it on its own."""

    ms: Annotated[int, Meta(ge=0, le=86_400_000)]
    events: Annotated[list[InteractionIn], Meta(min_length=1, max_length=50)]


class AcceptedOut(msgspec.Struct, frozen=True):
    """How many of the batch were kept; 500 per claim at most."""

    accepted: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the course: `kind` of interaction, or `judgement` with what was said."""

    at: datetime
    ms: int
    kind: str
    about: str = ""
    stage: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """One person's work on a case under one claim, in order."""

    claim_id: uuid.UUID
    reviewer: str
    started_at: datetime
    guideline_version: int | None
    visibility: str
    decision_time_s: float | None
    steps: tuple[Step, ...]


def courses_of(rows: Sequence[Interactions]) -> list[Course]:
    """What happened under each claim, with the judgements among it; `rows` come with claim and user selected."""
    said: dict[uuid.UUID, list[Judgement]] = {}
    for judgement in Judgement.objects.filter(claim_id__in=[r.pk for r in rows]).order_by("id"):
        said.setdefault(judgement.claim_id, []).append(judgement)
    return [_course(row, said.get(row.pk, [])) for row in rows]


def _course(row: Interactions, said: list[Judgement]) -> Course:
    start = row.started_at
    steps = [
        Step(start + timedelta(milliseconds=e["ms"]), e["ms"], e["kind"], about=e.get("about", "")) for e in row.events
    ]
    for judgement in said:
        ms = max(0, round((judgement.created_at - start).total_seconds() * 1000))
        steps.append(Step(judgement.created_at, ms, "judgement", stage=judgement.stage, label=judgement.label))
    final = next((j for j in said if j.stage == Judgement.Stage.FINAL), None)
    return Course(
        claim_id=row.pk,
        reviewer=row.claim.user.get_username(),
        started_at=start,
        guideline_version=row.guideline_version,
        visibility=said[0].visibility if said else "",
        decision_time_s=final.decision_time_s if final else None,
        steps=tuple(sorted(steps, key=lambda step: step.ms)),
    )
