"""The reasons a person marked in the evidence: `{"text", "spans", "regions", "fields"}`.

Spans: `{"pointer", "start", "end", "note"?}` in characters of the text at the pointer. Regions: `{"pointer", "x", "y",
"w", "h", "note"?}` as shares of the image. Fields: pointers. All pointers are into the input. Other keys are kept.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hitl.core.errors import FieldProblem, Refused
from reviews.pointers import MISSING, resolve

Share = Annotated[float, Meta(ge=0, le=1)]
Pointer = Annotated[str, Meta(max_length=200)]
Note = Annotated[str, Meta(max_length=500)]
MARKS_MAX = 100


class MarkedSpan(msgspec.Struct, frozen=True):
    pointer: Pointer
    start: Annotated[int, Meta(ge=0)]
    end: Annotated[int, Meta(ge=1)]
    note: Note = ""


class MarkedRegion(msgspec.Struct, frozen=True):
    pointer: Pointer
    x: Share
    y: Share
    w: Share
    h: Share
    note: Note = ""


class Rationale(msgspec.Struct, frozen=True):
    """What is known of a rationale."""

    text: Annotated[str, Meta(max_length=20_000)] = ""
    spans: Annotated[list[MarkedSpan], Meta(max_length=MARKS_MAX)] = []
    regions: Annotated[list[MarkedRegion], Meta(max_length=MARKS_MAX)] = []
    fields: Annotated[list[Pointer], Meta(max_length=MARKS_MAX)] = []


def check_rationale(case_input: Mapping[str, Any], stored: dict[str, Any]) -> Rationale:
    """The rationale, once every mark lies inside the evidence. Raises Refused naming the mark and the cure."""
    try:
        read = msgspec.convert(stored, Rationale)
    except msgspec.ValidationError as error:
        raise _refused("/rationale", f"Not a rationale: {error}") from None
    for place, span in enumerate(read.spans):
        text = resolve(case_input, span.pointer)
        if not isinstance(text, str):
            raise _refused(f"/rationale/spans/{place}/pointer", "Name a text of the case's input.")
        if not span.start < span.end <= len(text):
            detail = f"Give start below end, both within the {len(text)} characters of the text."
            raise _refused(f"/rationale/spans/{place}", detail)
    for place, region in enumerate(read.regions):
        if resolve(case_input, region.pointer) is MISSING:
            raise _refused(f"/rationale/regions/{place}/pointer", "Name an image of the case's input.")
        if region.x + region.w > 1.0001 or region.y + region.h > 1.0001 or not (region.w and region.h):
            raise _refused(f"/rationale/regions/{place}", "The region must have a size and lie inside the image (0–1).")
    for place, pointer in enumerate(read.fields):
        if resolve(case_input, pointer) is MISSING:
            raise _refused(f"/rationale/fields/{place}", "Name a part of the case's input.")
    return read


def _refused(pointer: str, detail: str) -> Refused:
    return Refused(detail, code="invalid_rationale", errors=[FieldProblem(pointer, detail, "invalid_rationale")])
