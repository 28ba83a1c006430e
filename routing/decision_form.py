"""How people decide a kind of case: the form, what it asks besides the label, and which labels or sets it takes.

Stored as JSON in `TaskType.form`; `{}` is choose-one with the common reasons. See docs/evidence-and-forms.md.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

JOIN = "|"  # between the labels of a set
LABEL_CHARS = 100  # what a judgement's and a decision's label column hold
RESERVED = frozenset({"label", "confidence", "amount", "text"})

Name = Annotated[str, Meta(min_length=1, max_length=40, pattern="^[a-z][a-z0-9_]*$")]
Title = Annotated[str, Meta(min_length=1, max_length=200)]
Value = Annotated[str, Meta(min_length=1, max_length=100)]
Pointer = Annotated[str, Meta(pattern="^(/.*)?$", max_length=200)]
Kind = Literal["choice", "binary", "multi_label", "amount", "text", "pairwise"]


class _Strict(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    pass


class Option(_Strict, frozen=True):
    value: Value
    title: Title


class Amount(_Strict, frozen=True):
    """A number to correct. `pointer`: where the input states it; `min`, `max` inclusive; `step`: 0.01 for cents."""

    pointer: Pointer | None = None
    title: str = ""
    unit: Annotated[str, Meta(max_length=20)] = ""
    min: float | None = None
    max: float | None = None
    step: Annotated[float, Meta(gt=0)] | None = None


class FreeText(_Strict, frozen=True):
    """A text of the input to be edited."""

    pointer: Pointer
    title: str = ""
    max_length: Annotated[int, Meta(ge=1, le=20_000)] = 10_000


class Pair(_Strict, frozen=True):
    """Two parts of the input to compare; the first label is for `a`, the second for `b`, a third for neither."""

    a: Pointer
    b: Pointer
    kind: Literal["text", "key_value", "table", "json", "image", "timeline", "link"] = "text"


class ExtraField(_Strict, frozen=True):
    """Something that may be said besides the label: severity, nuance, a parameter of the action, a follow-up.

    `baseline`: where the value stands that it differs from, below /input, /proposed_action or /prediction.
    """

    name: Name
    title: Title
    kind: Literal["choice", "number", "text", "yes_no"] = "text"
    options: Annotated[list[Option], Meta(max_length=50)] = []
    min: float | None = None
    max: float | None = None
    unit: Annotated[str, Meta(max_length=20)] = ""
    baseline: Pointer | None = None
    help: Annotated[str, Meta(max_length=500)] = ""

    @property
    def of_input(self) -> bool:
        """Whether its baseline is part of the evidence, which everybody sees."""
        return (self.baseline or "").startswith("/input/")


class DecisionForm(_Strict, frozen=True):
    """The whole of `TaskType.form`. `needed_for`: the labels that need the amount or text (default: all)."""

    kind: Kind = "choice"
    amount: Amount | None = None
    text: FreeText | None = None
    pair: Pair | None = None
    needed_for: list[Value] | None = None
    max_labels: Annotated[int, Meta(ge=1, le=50)] | None = None
    exclusive: list[Value] = []
    fields: Annotated[list[ExtraField], Meta(max_length=20)] = []
    override_categories: Annotated[list[Option], Meta(max_length=20)] = []
    suggest_labels: bool = True

    def needs_value(self, label: str) -> bool:
        """Whether this label comes with the amount or text."""
        return self.kind in ("amount", "text") and (self.needed_for is None or label in self.needed_for)


CHOICE = DecisionForm()


def form_of(stored: Any) -> DecisionForm:
    """The form a task type stores (checked when it was saved)."""
    return msgspec.convert(stored, DecisionForm) if stored else CHOICE


class LabelSpace(tuple[str, ...]):
    """The labels of a multi-label task type: iterates over single labels, contains sets of them.

    A set is written canonically, `a|b`: each label once, in the order of the taxonomy. So two equal sets are equal
    texts, and everything that compares, counts or groups labels works on sets unchanged.
    """

    __slots__ = ()

    def __contains__(self, label: object) -> bool:
        return isinstance(label, str) and bool(label) and self.canonical(label) == label

    def canonical(self, label: str) -> str | None:
        """The same set in the taxonomy's order; null where it names something that is no label."""
        parts = set(label.split(JOIN))
        if any(not tuple.__contains__(self, part) for part in parts):
            return None
        return JOIN.join(value for value in self if value in parts)


@lru_cache(maxsize=256)
def label_space(values: tuple[str, ...]) -> LabelSpace:
    return LabelSpace(values)


def form_problems(form: DecisionForm, labels: Sequence[str]) -> Iterator[str]:
    """What does not fit together, each with its cure."""
    known = set(labels)
    for name in (*(form.needed_for or ()), *form.exclusive):
        if name not in known:
            yield f"{name!r} is not one of the labels; use one of {', '.join(labels)}."
    yield from _kind_problems(form, labels)
    names = [field.name for field in form.fields]
    for field in form.fields:
        yield from _field_problems(field, names)
    values = [option.value for option in form.override_categories]
    if len(set(values)) != len(values):
        yield "Two override categories have the same value; rename one."


def _kind_problems(form: DecisionForm, labels: Sequence[str]) -> Iterator[str]:
    for kind, part in (("amount", form.amount), ("text", form.text), ("pairwise", form.pair)):
        name = "pair" if kind == "pairwise" else kind
        if (part is not None) != (form.kind == kind):
            yield f"“{name}” goes with the kind {kind!r} and with no other; " + (
                f"add it: {name}: {{…}}." if form.kind == kind else "remove it or change the kind."
            )
    if form.kind == "binary" and len(labels) != 2:
        yield f"A binary form needs exactly two labels, not {len(labels)}; use “choice”."
    if form.kind == "pairwise" and len(labels) not in (2, 3):
        yield f"A pairwise form needs two labels (a, b) or three (with a tie), not {len(labels)}."
    if form.kind != "multi_label" and (form.max_labels or form.exclusive):
        yield "“max_labels” and “exclusive” go with the kind “multi_label”."
    if form.kind not in ("amount", "text") and form.needed_for is not None:
        yield "“needed_for” goes with the kinds “amount” and “text”."
    if form.kind == "multi_label":
        yield from _set_problems(form, labels)
    amount = form.amount
    if amount and amount.min is not None and amount.max is not None and amount.min > amount.max:
        yield "The amount's min is above its max."


def _set_problems(form: DecisionForm, labels: Sequence[str]) -> Iterator[str]:
    if bad := next((value for value in labels if JOIN in value), None):
        yield f"The label {bad!r} contains “{JOIN}”, which joins the labels of a set; rename it."
    most = min(form.max_labels or len(labels), len(labels))
    longest = sum(sorted(map(len, labels))[-most:]) + most - 1
    if longest > LABEL_CHARS:
        yield f"A set of {most} labels may take {longest} characters; at most {LABEL_CHARS} fit. Set max_labels."


def _field_problems(field: ExtraField, names: Sequence[str]) -> Iterator[str]:
    if field.name in RESERVED:
        yield f"The field name {field.name!r} is taken; choose another."
    if names.count(field.name) > 1:
        yield f"Two fields are called {field.name!r}; rename one."
    if (field.kind == "choice") != bool(field.options):
        yield f"Field {field.name!r}: “options” go with the kind “choice”, which needs them."
    if field.baseline and not field.baseline.startswith(("/input/", "/proposed_action/", "/prediction/")):
        yield f"Field {field.name!r}: a baseline starts with /input/, /proposed_action/ or /prediction/."
