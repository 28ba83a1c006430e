"""Which content tags a case has, which a person has had enough of, and the SQL that passes such cases over."""

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from hitl.core.clock import now
from reviews.checked_tags import TagRule
from reviews.models import Claim, ContentCare, Exposure

_FRESH_S = 15.0
_cares: dict[uuid.UUID, tuple[float, tuple["Care", ...]]] = {}


@dataclass(frozen=True, slots=True)
class Care:
    """A task type's content tags, read once in a while per process."""

    task_type_id: uuid.UUID
    rules: tuple[TagRule, ...]
    path: tuple[str, ...]

    def tags_of(self, case_input: Mapping[str, Any], context: Mapping[str, Any]) -> tuple[str, ...]:
        """The declared tags this case has, in the order of their declaration."""
        named = {*_words(context.get("content_tags")), *_words(_at(case_input, self.path))}
        return tuple(rule.tag for rule in self.rules if rule.always or rule.tag in named)


def cares_of(workspace_id: uuid.UUID) -> tuple[Care, ...]:
    """Every declaration of the workspace, at most 15 s old; empty for most, which then costs nothing more."""
    at, found = _cares.get(workspace_id, (0.0, ()))
    if workspace_id in _cares and time.monotonic() - at < _FRESH_S:
        return found
    rows = ContentCare.objects.filter(workspace_id=workspace_id)
    found = tuple(
        Care(r.task_type_id, msgspec.convert(r.tags, tuple[TagRule, ...]), tuple(r.pointer.split("/")[1:]))
        for r in rows
        if r.tags
    )
    _cares[workspace_id] = (time.monotonic(), found)
    return found


def forget_cares() -> None:
    """Read the declarations anew; for whoever has just changed them in this process."""
    _cares.clear()


def care_for(workspace_id: uuid.UUID, task_type_id: uuid.UUID) -> Care | None:
    return next((c for c in cares_of(workspace_id) if c.task_type_id == task_type_id), None)


def today() -> datetime:
    """The start of the day, UTC, by which exposures are counted."""
    return now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def spared_sql(user_id: uuid.UUID, workspace_id: uuid.UUID) -> tuple[str, ...]:
    """Conditions on a review `r`, to be tried in turn; just the empty one where nothing is declared or reached.

    First without the tags whose cap is reached and those that came too often in a row, then without the former only.
    """
    cares = cares_of(workspace_id)
    if not any(rule.daily_cap or rule.run for care in cares for rule in care.rules):
        return ("",)
    seen: dict[str, int] = dict(
        Exposure.objects.filter(workspace_id=workspace_id, user_id=user_id, day=today().date()).values_list(
            "tag", "count"
        )
    )
    capped = {
        c.task_type_id: [r.tag for r in c.rules if r.daily_cap and seen.get(r.tag, 0) >= r.daily_cap] for c in cares
    }
    in_a_row = _in_a_row(user_id, workspace_id, cares)
    tired = {c.task_type_id: [*capped[c.task_type_id], *in_a_row.get(c.task_type_id, ())] for c in cares}
    first, then = _without(cares, tired), _without(cares, capped)
    return (first,) if first == then else (first, then)


def _in_a_row(user_id: uuid.UUID, workspace_id: uuid.UUID, cares: Sequence[Care]) -> dict[uuid.UUID, list[str]]:
    """Per task type the tags that each of the person's last `run` cases had."""
    longest = max((r.run or 0 for c in cares for r in c.rules), default=0)
    if not longest:
        return {}
    last = (
        Claim.objects.filter(workspace_id=workspace_id, user_id=user_id, claimed_at__gte=today())
        .select_related("review__case__content")
        .order_by("-claimed_at")[:longest]
    )
    by_type = {c.task_type_id: c for c in cares}
    had: list[tuple[str, ...]] = []
    for claim in last:
        case = claim.review.case
        care = by_type.get(case.task_type_id)
        had.append(care.tags_of(case.content.input, case.content.context) if care else ())
    return {
        c.task_type_id: [
            r.tag for r in c.rules if r.run and len(had) >= r.run and all(r.tag in tags for tags in had[: r.run])
        ]
        for c in cares
    }


def _without(cares: Sequence[Care], tags: Mapping[uuid.UUID, Sequence[str]]) -> str:
    """Tags, paths and ids hold no quotes (`checked_tags`), so they may stand in the text."""
    parts = [_has_any(care, tags[care.task_type_id]) for care in cares if tags.get(care.task_type_id)]
    if not parts:
        return ""
    return (
        " AND NOT EXISTS (SELECT 1 FROM reviews_case k JOIN reviews_casecontent kc ON kc.case_id = k.id"
        f" WHERE k.id = r.case_id AND ({' OR '.join(parts)}))"
    )


def _has_any(care: Care, tags: Sequence[str]) -> str:
    of_type = f"k.task_type_id = '{care.task_type_id}'"
    if any(rule.always and rule.tag in tags for rule in care.rules):
        return of_type
    listed = ", ".join(f"'{tag}'" for tag in sorted(set(tags)))
    places = ["kc.context -> 'content_tags'"]
    if care.path:
        places.append(f"kc.input #> '{{{','.join(care.path)}}}'")
    found = " OR ".join(f"COALESCE(jsonb_exists_any({place}, ARRAY[{listed}]), false)" for place in places)
    return f"({of_type} AND ({found}))"


def _at(value: Any, path: Iterable[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []
