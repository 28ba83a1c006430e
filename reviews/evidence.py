"""Turns a case's input into blocks of evidence, as the task type presents them or by sensible defaults."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from django.utils.translation import gettext as _

from reviews import evidence_values as values
from reviews.evidence_values import Content
from reviews.json_tree import Json, Tree, tree
from reviews.machine_marks import NO_MARKS, MachineMarks, Region, Segment, highlight
from reviews.pointers import MISSING, resolve

__all__ = [
    "Content",
    "EvidenceBlock",
    "Json",
    "Kind",
    "Presentation",
    "Segment",
    "blocks",
    "choice_keys",
    "highlight",
    "key_statements",
    "parse_presentation",
]

LONG_TEXT = 120


class Kind(StrEnum):
    TEXT = "text"
    KEY_VALUE = "key_value"
    CHANGES = "changes"
    TABLE = "table"
    JSON = "json"
    IMAGE = "image"
    NUMBER = "number"
    TIMELINE = "timeline"
    LINK = "link"


class Presentation(msgspec.Struct, frozen=True):
    """How a task type shows one part of its input. `pointer` is an RFC 6901 pointer, "" the whole.

    `before`, `names`: for changes, where the earlier form stands and what the two are called. `side`: one of a pair.
    """

    pointer: str
    kind: Kind
    title: str = ""
    before: str | None = None
    names: tuple[str, str] = ("", "")
    side: bool = False


@dataclass(frozen=True, slots=True)
class EvidenceBlock:
    """One thing to look at. `content` is null when the input has nothing there; `key` marks what matters most.

    `misfit`: the kind asked for, where the value did not fit it. `segments`, `regions`: where the machine looked, empty
    while sealed.
    """

    id: str
    pointer: str
    title: str
    kind: Kind
    key: bool
    content: Content | None
    misfit: str = ""
    segments: tuple[Segment, ...] = ()
    regions: tuple[Region, ...] = ()
    side: bool = False

    @property
    def marked(self) -> bool:
        """Whether the machine's marks are in it."""
        return bool(self.segments or self.regions)

    @property
    def template(self) -> str:
        """Chosen by the shape of the content: a key-value block of measurements is drawn as a table."""
        return f"evidence/{_TEMPLATES.get(type(self.content), self.kind)}.html"

    @property
    def wide(self) -> bool:
        """Whether the block wants the full width."""
        if self.side:
            return False
        if isinstance(self.content, values.Fields):
            return self.content.many
        return isinstance(self.content, values.Text | values.Table | values.Changes | Tree | tuple)


_TEMPLATES: dict[type, str] = {
    type(None): "missing",
    values.Table: "table",
    values.Fields: "key_value",
    values.Link: "link",
    values.Links: "link",
    values.Unloaded: "unloaded",
}

_BUILDERS: dict[Kind, Callable[[Json], Content | None]] = {
    Kind.TEXT: values.text,
    Kind.KEY_VALUE: values.key_value,
    Kind.CHANGES: values.changes,
    Kind.TABLE: values.table,
    Kind.JSON: tree,
    Kind.IMAGE: values.shown_image,
    Kind.NUMBER: values.number,
    Kind.TIMELINE: values.timeline,
    Kind.LINK: values.link,
}


def parse_presentation(stored: Json) -> tuple[Presentation, ...]:
    """Reads a task type's stored presentation. Raises msgspec.ValidationError with the path of the mistake."""
    return msgspec.convert(stored, tuple[Presentation, ...])


def blocks(
    case_input: Json,
    presentation: Sequence[Presentation] = (),
    key_evidence: Sequence[str] = (),
    pair: Sequence[Presentation] = (),
    marks: MachineMarks = NO_MARKS,
) -> tuple[EvidenceBlock, ...]:
    """The evidence in reading order: the two sides of a `pair`, then key evidence, then the rest.

    `key_evidence`: pointers into the input mark their block; anything else is a statement (see `key_statements`).
    A pointer to nothing gives a block without content; a value that does not fit its kind is shown by its type.
    """
    sides = {item.pointer for item in pair}
    others = [
        item
        for item in presentation or (_members(case_input) if pair else _defaults(case_input))
        if item.pointer not in sides and not (pair and not presentation and _holds(item.pointer, sides))
    ]
    marks = _placed(case_input, [*pair, *others], marks)
    wanted = [*pair, *others]
    built = [_block(case_input, item, set(key_evidence), n, marks) for n, item in enumerate(wanted, start=1)]
    return tuple(sorted(built, key=lambda block: not (block.key or block.side)))


def _holds(pointer: str, sides: set[str]) -> bool:
    """Whether a part shown by default is, or contains, one side of the pair."""
    return any(side.startswith(pointer) for side in sides)


def _placed(case_input: Json, wanted: Sequence[Presentation], marks: MachineMarks) -> MachineMarks:
    """Marks that name no pointer go to the longest text and to the first image."""
    spans, regions = dict(marks.spans), dict(marks.regions)
    if "" in spans:
        texts = [(p.pointer, resolve(case_input, p.pointer)) for p in wanted]
        found = [(pointer, text) for pointer, text in texts if isinstance(text, str)]
        if found:
            spans.setdefault(max(found, key=lambda item: len(item[1]))[0], spans.pop(""))
    if "" in regions:
        image = next((p.pointer for p in wanted if p.kind is Kind.IMAGE), None)
        if image is not None:
            regions.setdefault(image, regions.pop(""))
    return MachineMarks(spans, regions)


def key_statements(case_input: Json, key_evidence: Sequence[str]) -> tuple[str, ...]:
    """The entries of `key_evidence` that are words for the reviewer rather than pointers into the input."""
    return tuple(entry for entry in key_evidence if resolve(case_input, entry) is MISSING)


def choice_keys(labels: Sequence[str]) -> tuple[str, ...]:
    """The key that chooses each label: itself where all labels are digits, else 1–9 by position, then none."""
    if all(len(label) == 1 and label in "0123456789" for label in labels):
        return tuple(labels)
    return tuple(str(n) if n <= 9 else "" for n in range(1, len(labels) + 1))


def _block(case_input: Json, item: Presentation, key_evidence: set[str], n: int, marks: MachineMarks) -> EvidenceBlock:
    value = resolve(case_input, item.pointer)
    kind, content, misfit = item.kind, None, ""
    if value is not MISSING:
        content = _content(case_input, item, value)  # type: ignore[arg-type]
        if content is None:
            misfit, kind = kind, _kind_of(value)  # type: ignore[arg-type]
            content = _BUILDERS[kind](value)  # type: ignore[arg-type]
    title = item.title or values.humanise(item.pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~"))
    return EvidenceBlock(
        id=f"evidence-{n}",
        pointer=item.pointer,
        title=title or "Input",
        kind=kind,
        key=bool(item.pointer) and item.pointer in key_evidence,
        content=content,
        misfit=misfit,
        segments=_segments(content, marks.spans.get(item.pointer, ())),
        regions=tuple(marks.regions.get(item.pointer, ())) if kind is Kind.IMAGE else (),
        side=item.side,
    )


def _content(case_input: Json, item: Presentation, value: Json) -> Content | None:
    if item.kind is not Kind.CHANGES:
        return _BUILDERS[item.kind](value)
    if item.before is None:
        return values.changes(value, item.names)
    before = resolve(case_input, item.before)
    if not isinstance(before, Mapping) or not isinstance(value, Mapping):
        return None
    return values.compared(before, value, item.names)


def _segments(content: Content | None, spans: Sequence[tuple[int, int]]) -> tuple[Segment, ...]:
    return highlight(content.shown + content.rest, spans) if isinstance(content, values.Text) and spans else ()


def _kind_of(value: Json) -> Kind:
    """How a value is shown when nobody said."""
    if isinstance(value, str):
        return Kind.IMAGE if values.image(value) else Kind.TEXT
    if values.is_number(value):
        return Kind.NUMBER
    if values.is_flat(value):
        return Kind.KEY_VALUE
    if isinstance(value, Sequence):
        if value and all(values.is_flat(item) for item in value):
            return Kind.TABLE
        if values.image(value):
            return Kind.IMAGE
    return Kind.JSON


def _defaults(case_input: Json) -> tuple[Presentation, ...]:
    """A flat object whole; else one block for each member."""
    if not isinstance(case_input, Mapping) or not case_input:
        return (Presentation("", _kind_of(case_input), _("Input")),)
    long = any(isinstance(item, str) and (len(item) > LONG_TEXT or "\n" in item) for item in case_input.values())
    if values.is_flat(case_input) and not long:
        return (Presentation("", Kind.KEY_VALUE, _("Details")),)
    return _members(case_input)


def _members(case_input: Json) -> tuple[Presentation, ...]:
    """One block for each member of an object; nothing of anything else."""
    if not isinstance(case_input, Mapping):
        return ()
    return tuple(Presentation(f"/{values.token(str(name))}", _kind_of(item)) for name, item in case_input.items())
