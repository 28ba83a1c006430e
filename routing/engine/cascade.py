"""The cascade of a policy as written: validators in the order of their cost, all passed before the machine may decide.

Layers that compute (JSON Schema, patterns, banned terms) come first; judges, which ask a model over HTTP, come last and
are asked only where nothing else keeps the machine from deciding.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Pointer = Annotated[str, Meta(max_length=200, pattern="^(/.*)?$")]
Price = Annotated[float, Meta(ge=0, le=1000)]


class _Layer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """`on_fail` also says where an error or a time-out goes; a case of high risk escalates in any event."""

    name: Name
    on_fail: Literal["review", "escalate"] = "review"


class JsonSchemaLayer(_Layer, frozen=True, tag="json_schema"):
    """The input keeps `schema` (2020-12)."""

    schema: dict[str, Any]


class PatternLayer(_Layer, frozen=True, tag="pattern"):
    """Every text at `pointer` of the input matches `pattern` somewhere, or with `must: not_match` none does."""

    pattern: Annotated[str, Meta(min_length=1, max_length=1000)]
    pointer: Pointer = ""
    must: Literal["match", "not_match"] = "match"


class BannedTermsLayer(_Layer, frozen=True, tag="banned_terms"):
    """None of `terms` occurs as whole words in the texts at `pointers` of the input (none given: in any text)."""

    terms: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=100)], ...], Meta(min_length=1, max_length=1000)
    ]
    pointers: Annotated[tuple[Pointer, ...], Meta(max_length=20)] = ()


class VerdictShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the judge's JSON says what; any value in neither list is a malformed answer."""

    pointer: Pointer = "/verdict"
    passes: Annotated[tuple[str, ...], Meta(min_length=1, max_length=20)] = ("pass",)
    fails: Annotated[tuple[str, ...], Meta(min_length=1, max_length=20)] = ("fail",)
    reason_pointer: Pointer = "/reason"


class JudgeLayer(_Layer, frozen=True, tag="judge"):
    """A model behind `endpoint` (OpenAI-compatible chat completions) is asked `prompt`.

    `{{path}}` in the prompt is a field of the record that rules see, as JSON; nothing else of the case leaves.
    Prices are per 1,000 tokens; `deadline_s` from submission, with all retries.
    """

    endpoint: Annotated[str, Meta(min_length=1, max_length=60)]
    model: Name
    prompt: Annotated[str, Meta(min_length=1, max_length=8000)]
    system: Annotated[str, Meta(max_length=8000)] = ""
    verdict: VerdictShape = VerdictShape()
    max_tokens: Annotated[int, Meta(ge=1, le=32_000)] = 300
    retries: Annotated[int, Meta(ge=0, le=5)] = 2
    deadline_s: Annotated[float, Meta(ge=1, le=86_400)] = 120.0
    price_in: Price = 0.0
    price_out: Price = 0.0


LocalLayer = JsonSchemaLayer | PatternLayer | BannedTermsLayer
Layer = LocalLayer | JudgeLayer


class Cascade(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Layers in order; the first that does not pass ends it."""

    layers: Annotated[tuple[Layer, ...], Meta(max_length=20)] = ()

    @property
    def judges(self) -> tuple[JudgeLayer, ...]:
        return tuple(layer for layer in self.layers if isinstance(layer, JudgeLayer))
