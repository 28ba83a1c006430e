"""A scheme as it is declared (JSON on a queue, YAML in the configuration) and read, with what is wrong with it."""

from collections.abc import Collection
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from reviews.engine.schemes import RESERVED, SINGLE, Agreement, Kind, OnConflict, Role, Scheme

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
Slug = Annotated[str, Meta(min_length=1, max_length=60)]


class RoleIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    name: Name
    title: Annotated[str, Meta(max_length=200)] = ""
    queue: Slug | Literal[""] = ""
    decides: Annotated[list[Name], Meta(max_length=50)] = []


class SchemeIn(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """What a queue declares. An empty object: a single reviewer."""

    kind: Kind = Kind.SINGLE
    on_conflict: OnConflict = OnConflict.ADJUDICATE
    roles: Annotated[list[RoleIn], Meta(max_length=9)] = []
    order: Literal["parallel", "sequence"] = "parallel"
    agreement: Agreement = Agreement.UNANIMOUS
    defer_to: str = ""
    tie_break: Annotated[str, Meta(max_length=100)] = ""
    adjudication_queue: Slug | Literal[""] = ""


def read_scheme(document: Any) -> Scheme:
    """The scheme a document declares. Raises ValueError in words where it declares none."""
    try:
        said = msgspec.convert(document or {}, SchemeIn)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    return Scheme(
        kind=said.kind,
        on_conflict=said.on_conflict,
        roles=tuple(Role(r.name, r.title, r.queue, tuple(r.decides)) for r in said.roles),
        in_sequence=said.order == "sequence",
        agreement=said.agreement,
        defer_to=said.defer_to,
        tie_break=said.tie_break,
        adjudication_queue=said.adjudication_queue,
    )


@lru_cache(maxsize=256)
def decode_scheme(text: str) -> Scheme:
    """A stored scheme from its JSON text; kept, since every case of a queue has the same."""
    return SINGLE if text == "{}" else read_scheme(msgspec.json.decode(text))


def problems_of(
    scheme: Scheme,
    *,
    labels: Collection[str] | None = None,
    queues: Collection[str] | None = None,
    questions: Collection[str] | None = None,
) -> list[tuple[str, str]]:
    """(field, what is wrong and the cure) for each problem; null: not known, so not checked."""
    found = [*_shape_problems(scheme)]
    if scheme.tie_break and labels is not None and scheme.tie_break not in labels:
        found.append(("tie_break", f"{scheme.tie_break!r} is not a label; use one of: {', '.join(labels)}."))
    named = [("adjudication_queue", scheme.adjudication_queue)]
    named += [(f"roles/{n}/queue", role.queue) for n, role in enumerate(scheme.roles)]
    for field, slug in named:
        if slug and queues is not None and slug not in queues:
            there_are = ", ".join(sorted(queues)) or "none"
            found.append((field, f"There is no queue {slug!r} for people; name one of: {there_are}."))
    for n, role in enumerate(scheme.roles):
        for key in role.decides:
            if questions is not None and key not in questions:
                there_are = ", ".join(questions) or "none declared"
                found.append((f"roles/{n}/decides", f"There is no question {key!r}; the task type has: {there_are}."))
    return found


def _shape_problems(scheme: Scheme) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    names = [role.name for role in scheme.roles]
    if scheme.kind is Kind.PANEL:
        if len(names) < 2:
            found.append(("roles", "A panel needs at least two roles."))
        if scheme.agreement is Agreement.ROLE_DEFERENCE and scheme.defer_to not in names:
            found.append(("defer_to", f"Name the role whose word holds, one of: {', '.join(names) or 'none yet'}."))
    elif names:
        found.append(("roles", "Only the kind “panel” has roles; remove them or choose that kind."))
    for n, name in enumerate(names):
        if name in names[:n]:
            found.append((f"roles/{n}/name", f"{name!r} is there twice; give each role its own name."))
        if name in RESERVED:
            found.append((f"roles/{n}/name", f"{name!r} is taken by the schemes themselves; choose another name."))
    decided = [key for role in scheme.roles for key in role.decides]
    for key in sorted({key for key in decided if decided.count(key) > 1}):
        found.append(("roles", f"Two roles decide {key!r}; one question has one responsible role."))
    if scheme.on_conflict is OnConflict.TIE_BREAK and not scheme.tie_break:
        found.append(("tie_break", "Say which label breaks a tie, or choose another on_conflict."))
    return found
