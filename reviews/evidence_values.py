"""What each kind of evidence looks like to a template: small frozen values built from JSON.

Every builder answers None when the value does not fit its kind; the caller then falls back to another kind.
Nothing here is marked safe: the templates escape it all.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeGuard
from urllib.parse import urlsplit

from reviews.json_tree import Json, Tree

TEXT_SHOWN = 2_000
ROWS_SHOWN = 60
GRID_SIDE_MAX = 64
INK_MAX = 65_535
PICTURE_CHARS_MAX = 2_000_000
PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")
# How each format begins (no SVG: it is a document, not a picture).
SIGNATURES = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff", "gif": b"GIF8", "webp": b"RIFF"}
VIDEO = re.compile(r"\.(mp4|webm|mov|m4v|ogv|mkv|avi)$", re.IGNORECASE)
LINK = re.compile(r"https?://[^\s]+")
TIME_KEYS = ("at", "time", "date", "when", "timestamp")
TEXT_KEYS = ("text", "title", "event", "what", "description", "name")


@dataclass(frozen=True, slots=True)
class Text:
    """`shown` is the beginning, `rest` what is folded away (empty when short)."""

    shown: str
    rest: str


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    numeric: bool


@dataclass(frozen=True, slots=True)
class Field:
    """`token`: the name as a part of a pointer."""

    name: str
    value: Cell
    token: str = ""


@dataclass(frozen=True, slots=True)
class Fields:
    shown: tuple[Field, ...]
    rest: tuple[Field, ...]
    many: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table; `cells` pairs each cell with its column's header."""

    head: str | None
    cells: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`stub` is the header over the row names, null when rows have none."""

    stub: str | None
    columns: tuple[tuple[str, bool], ...]
    shown: tuple[Row, ...]
    rest: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Pixel:
    """One dark cell; `ink` is 0–1 as an SVG opacity."""

    x: int
    y: int
    ink: str


@dataclass(frozen=True, slots=True)
class Grid:
    width: int
    height: int
    pixels: tuple[Pixel, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    src: str


@dataclass(frozen=True, slots=True)
class Link:
    """`host`: where it leads, as the browser will read it."""

    url: str
    label: str
    host: str = ""
    video: bool = False


@dataclass(frozen=True, slots=True)
class Links:
    items: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Unloaded:
    """A picture elsewhere, which is not loaded."""

    link: Link


@dataclass(frozen=True, slots=True)
class Moment:
    """A step of a timeline; `at` is null when the value names no time that can be read."""

    at: datetime | None
    when: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One field before and after; null where it was not there. `kind`: same, changed, added or removed."""

    name: str
    before: Cell | None
    after: Cell | None
    kind: str
    token: str


@dataclass(frozen=True, slots=True)
class Changes:
    """`names`: what the two columns are called, empty for before and after. `marked`: how many differ."""

    rows: tuple[Change, ...]
    marked: int
    names: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with its unit, digits grouped for reading."""

    text: str
    unit: str


Content = (
    Text
    | Fields
    | Changes
    | Table
    | Grid
    | Picture
    | Link
    | Links
    | Cell
    | Amount
    | Tree
    | Unloaded
    | tuple[Moment, ...]
)


def is_number(value: Json) -> bool:
    """True for int and float; JSON's true and false are not numbers."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_list(value: Json) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def is_scalar(value: Json) -> bool:
    return not is_list(value) and not isinstance(value, Mapping)


def is_flat(value: Json) -> bool:
    """An object without nested lists or objects."""
    return isinstance(value, Mapping) and bool(value) and all(is_scalar(item) for item in value.values())


def humanise(name: str) -> str:
    """`repair_total` → `Repair total`."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def cell(value: Json) -> Cell:
    """One value on one line: numbers as JSON writes them, null as a dash, nested values as compact JSON."""
    if value is None:
        return Cell("–", numeric=False)
    if isinstance(value, str):
        return Cell(value, numeric=False)
    return Cell(json.dumps(value, ensure_ascii=False), numeric=is_number(value))


def text(value: Json) -> Text | None:
    """Plain text; what lies beyond the first 2,000 characters is folded away."""
    if not isinstance(value, str):
        return None
    return Text(shown=value[:TEXT_SHOWN], rest=value[TEXT_SHOWN:])


def token(name: str) -> str:
    """A member's name as a part of an RFC 6901 pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def changes(value: Json, names: tuple[str, str] = ("", "")) -> Changes | None:
    """`{"before": {…}, "after": {…}}`, or `{field: {"before", "after"}}`, with what differs marked."""
    if not isinstance(value, Mapping) or not value:
        return None
    before, after = value.get("before"), value.get("after")
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return compared(before, after, names, place="after/*")
    sides_of = {"before", "after"}
    pairs = {name: item for name, item in value.items() if isinstance(item, Mapping) and set(item) & sides_of}
    if len(pairs) != len(value):
        return None
    sides = [{name: item[side] for name, item in pairs.items() if side in item} for side in ("before", "after")]
    return compared(sides[0], sides[1], names, place="*/after")


def compared(
    before: Mapping[str, Json], after: Mapping[str, Json], names: tuple[str, str] = ("", ""), place: str = "*"
) -> Changes:
    """Two objects field by field, in the order of the first and then what only the second has.

    `place`: where below the block a later value stands, `*` for its name.
    """
    rows = []
    for name in dict.fromkeys((*before, *after)):
        kind = "added" if name not in before else "removed" if name not in after else "changed"
        if name in before and name in after and before[name] == after[name]:
            kind = "same"
        old = cell(before[name]) if name in before else None
        new = cell(after[name]) if name in after else None
        rows.append(Change(humanise(str(name)), old, new, kind, place.replace("*", token(str(name)))))
    return Changes(tuple(rows), sum(row.kind != "same" for row in rows), names)


def key_value(value: Json) -> Fields | Table | None:
    """Names and values in the order given; measurements that form a matrix (`mean area`, `worst area`) as a table."""
    if not isinstance(value, Mapping) or not value:
        return None
    matrix = _matrix(value)
    if matrix is not None:
        return matrix
    fields = tuple(Field(humanise(str(name)), cell(item), token(str(name))) for name, item in value.items())
    return Fields(shown=fields[:ROWS_SHOWN], rest=fields[ROWS_SHOWN:], many=len(fields) > 10)


def _matrix(value: Mapping[str, Json]) -> Table | None:
    """Numbers named by stem and variant become stems × variants, when every combination occurs exactly once."""
    if len(value) < 6 or not all(is_number(item) for item in value.values()):
        return None
    names = {name: name.replace("_", " ").split() for name in value}
    if any(len(words) < 2 for words in names.values()):
        return None
    ends = Counter(word for words in names.values() for word in {words[0], words[-1]})
    variants = [word for word, count in ends.items() if count == max(ends.values())]
    found: dict[str, dict[str, Json]] = {}
    for name, words in names.items():
        variant = next((word for word in (words[0], words[-1]) if word in variants), "")
        stem = " ".join(words[1:] if words[0] == variant else words[:-1])
        found.setdefault(stem, {})[variant] = value[name]
    complete = all(set(row) == set(variants) for row in found.values()) and "" not in found
    if len(variants) < 2 or len(found) < 3 or not complete or len(found) * len(variants) != len(value):
        return None
    order = sorted(variants, key=list(next(iter(found.values()))).index)
    rows = tuple(Row(humanise(stem), tuple((humanise(v), cell(row[v])) for v in order)) for stem, row in found.items())
    return Table(stub="", columns=tuple((humanise(v), True) for v in order), shown=rows, rest=())


def table(value: Json) -> Table | None:
    """A list of objects; columns in the order they first occur, numeric where every value is a number."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return None
    records = [item for item in value if isinstance(item, Mapping)]
    if len(records) != len(value):
        return None
    names = tuple(dict.fromkeys(name for record in records for name in record))
    rows = tuple(Row(None, tuple((humanise(n), cell(record.get(n))) for n in names)) for record in records)
    columns = tuple((humanise(n), all(is_number(record.get(n)) for record in records)) for n in names)
    return Table(stub=None, columns=columns, shown=rows[:ROWS_SHOWN], rest=rows[ROWS_SHOWN:])


def image(value: Json) -> Grid | Picture | None:
    """A grid of numbers as pixels (0 is paper, the scale's top is ink), or a picture in a data address."""
    if isinstance(value, str):
        fits = PICTURE.fullmatch(value) if len(value) <= PICTURE_CHARS_MAX else None
        return Picture(value) if fits and _begins_as(value, fits[1]) else None
    return _grid(value)


def _begins_as(address: str, kind: str) -> bool:
    """Whether the bytes are what the address says, so that a wrong upload is told instead of drawn broken."""
    try:
        return base64.b64decode(address.partition(",")[2][:16] + "==").startswith(SIGNATURES[kind])
    except ValueError:
        return False


def shown_image(value: Json) -> Grid | Picture | Unloaded | None:
    """An image, or for an address elsewhere a link: the page loads nothing from other hosts."""
    found = image(value)
    if found is None and isinstance(value, str) and (elsewhere := _link(value, "")):
        return Unloaded(elsewhere)
    return found


def _grid(value: Json) -> Grid | None:
    if not is_list(value) or not isinstance(value, Sequence) or not 2 <= len(value) <= GRID_SIDE_MAX:
        return None
    rows: list[list[float]] = []
    for line in value:
        if not isinstance(line, Sequence) or isinstance(line, str):
            return None
        rows.append([float(item) for item in line if _is_ink(item)])
        if not 2 <= len(line) <= GRID_SIDE_MAX or not len(rows[0]) == len(rows[-1]) == len(line):
            return None
    width, top = len(rows[0]), max(max(row) for row in rows)
    scale = next((limit for limit in (1.0, 16.0, 255.0) if top <= limit), top)
    dark = ((x, y, ink / scale) for y, row in enumerate(rows) for x, ink in enumerate(row) if ink > 0)
    return Grid(width, len(rows), tuple(Pixel(x, y, f"{ink:.3f}") for x, y, ink in dark))


def _is_ink(value: Json) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= INK_MAX


def number(value: Json) -> Amount | None:
    """A number, bare or as `{"value", "unit"}`; digits grouped from five on."""
    bare, unit = (value.get("value"), value.get("unit")) if isinstance(value, Mapping) else (value, "")
    if isinstance(bare, bool) or not isinstance(bare, int | float):
        return None
    grouped = f"{bare:,}".replace(",", "\u202f") if 10_000 <= abs(bare) < 1e15 else cell(bare).text
    return Amount(grouped, unit if isinstance(unit, str) else "")


def link(value: Json) -> Link | Links | None:
    """An http(s) address, bare or as `{"url", "title"}`, or a list of them; any other scheme is no link."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        found = [_link_of(item) for item in value]
        items = tuple(item for item in found if item)
        return Links(items) if items and len(items) == len(found) else None
    return _link_of(value)


def _link_of(value: Json) -> Link | None:
    url, label = (value.get("url"), value.get("title")) if isinstance(value, Mapping) else (value, None)
    return _link(url, label if isinstance(label, str) else "") if isinstance(url, str) else None


def _link(url: str, label: str) -> Link | None:
    if not LINK.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    return Link(url=url, label=label or url, host=host, video=bool(VIDEO.search(parts.path))) if host else None


def timeline(value: Json) -> tuple[Moment, ...] | None:
    """A list of `{"at", "text"}` (or alike names) or of strings, in the order given."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return None
    moments = tuple(_moment(item) for item in value)
    return tuple(moment for moment in moments if moment) if all(moments) else None


def _moment(item: Json) -> Moment | None:
    if isinstance(item, str):
        return Moment(at=None, when="", text=item)
    if not isinstance(item, Mapping):
        return None
    when = next((str(item[key]) for key in TIME_KEYS if item.get(key) is not None), "")
    said = next((str(item[key]) for key in TEXT_KEYS if item.get(key) is not None), cell(item).text)
    return Moment(at=_time(when), when=when, text=said)


def _time(written: str) -> datetime | None:
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None
