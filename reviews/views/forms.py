"""The decision form as the templates are given it, and what it sends back. Nothing is chosen beforehand."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from reviews.evidence import choice_keys
from reviews.models import Case, CaseContent, Judgement
from reviews.pointers import resolve
from reviews.statements import CATEGORIES, NOTHING, baseline_of
from routing.decision_form import JOIN, DecisionForm, ExtraField

TITLES = {
    "evidence_missed": gettext_noop("Evidence missed"),
    "evidence_misread": gettext_noop("Evidence misread"),
    "rule_misapplied": gettext_noop("Rule misapplied"),
    "context_not_visible": gettext_noop("Context the model cannot see"),
    "data_wrong": gettext_noop("Data wrong"),
    "policy_gap": gettext_noop("Policy gap"),
    "other": gettext_noop("Other"),
    NOTHING: gettext_noop("Nothing amiss"),
}
EXTRA = "field-"
MARKS = ("spans", "regions", "fields")


@dataclass(frozen=True, slots=True)
class Choice:
    """One label; `depth` 0–3 in the hierarchy; `key` the digit that chooses it or nothing."""

    value: str
    title: str
    definition: str
    examples: list[str]
    guidance: str
    key: str
    depth: int
    needs_value: bool
    checked: bool


@dataclass(frozen=True, slots=True)
class Reason:
    value: str
    title: str
    key: str


@dataclass(frozen=True, slots=True)
class Extra:
    """A field beside the label. `baseline`: the proposed value in words, only where it may be seen."""

    id: str
    name: str
    title: str
    kind: str
    options: list[tuple[str, str]]
    unit: str
    help: str
    baseline: str
    value: str


@dataclass(frozen=True, slots=True)
class FormShown:
    """All that the templates in forms/ need."""

    kind: str
    multiple: bool
    choices: list[Choice]
    guided: bool
    amount: dict[str, Any] | None
    text: dict[str, Any] | None
    extras: list[Extra]
    reasons: list[Reason]
    reason_required: bool
    reason_share: str
    suggest: bool
    marks: str
    rationale_text: str
    suggested_label: str


def form_shown(
    case: Case,
    content: CaseContent,
    *,
    draft: Mapping[str, Any] | None,
    first: Judgement | None,
    machine_seen: bool,
    reason: float | None = None,
) -> FormShown:
    """The form of one case. `machine_seen`: baselines of the machine may be named. `reason`: asked at this share."""
    form, said = case.task_type.decision_form, draft or {}
    choices = list(_choices(case, form, said))
    own = {o.value: o.title for o in form.override_categories} or {v: _(TITLES[v]) for v in CATEGORIES}
    titled = [(v, t) for v, t in own.items() if v != NOTHING] + [(NOTHING, own.get(NOTHING) or _(TITLES[NOTHING]))]
    marked = _marks_before(said, first)
    return FormShown(
        kind=form.kind,
        multiple=form.kind == "multi_label",
        choices=choices,
        guided=any(c.definition or c.examples or c.guidance for c in choices),
        amount=_amount(content, form, said, first),
        text=_text(content, form, said, first),
        extras=[_extra(content, field, said, machine_seen) for field in form.fields],
        reasons=[Reason(v, t, str(n) if n <= 9 else "") for n, (v, t) in enumerate(titled, start=1)],
        reason_required=reason is not None,
        reason_share=f"{(reason or 0) * 100:g}",
        suggest=form.suggest_labels,
        marks=marked,
        rationale_text=said.get("rationale_text", ""),
        suggested_label=said.get("suggested_label", ""),
    )


def _choices(case: Case, form: DecisionForm, said: Mapping[str, Any]) -> Iterator[Choice]:
    chosen = str(said.get("label") or "").split(JOIN)
    ordered = list(by_hierarchy(case.task_type.labels))
    keys = choice_keys([label["value"] for label, _depth in ordered])
    for (label, depth), key in zip(ordered, keys, strict=True):
        yield Choice(
            value=label["value"],
            title=label["title"],
            definition=label.get("definition", ""),
            examples=label.get("examples", []),
            guidance=label.get("guidance", ""),
            key=key,
            depth=min(depth, 3),
            needs_value=form.needs_value(label["value"]),
            checked=label["value"] in chosen,
        )


def by_hierarchy(labels: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], int]]:
    """The taxonomy's order with narrower labels under their broader one, and each one's depth. A cycle stands last."""
    found: list[tuple[Mapping[str, Any], int]] = []

    def below(parent: str | None, depth: int) -> None:
        for label in labels:
            if (label.get("parent") or None) == parent and all(label is not seen for seen, _depth in found):
                found.append((label, depth))
                below(label["value"], depth + 1)

    below(None, 0)
    return found + [(label, 0) for label in labels if all(label is not seen for seen, _depth in found)]


def _amount(
    content: CaseContent, form: DecisionForm, said: Mapping[str, Any], first: Judgement | None
) -> dict[str, Any] | None:
    spec = form.amount
    if spec is None:
        return None
    given = None if spec.pointer is None else resolve(content.input, spec.pointer)
    own = (first.adjustments.get("amount") or {}).get("to") if first else None
    return {
        "title": spec.title or _("Amount"),
        "unit": spec.unit,
        "min": spec.min,
        "max": spec.max,
        "given": given if isinstance(given, int | float | str) else None,
        "own": own,
        "value": said.get("amount", ""),
    }


def _text(
    content: CaseContent, form: DecisionForm, said: Mapping[str, Any], first: Judgement | None
) -> dict[str, Any] | None:
    spec = form.text
    if spec is None:
        return None
    found = resolve(content.input, spec.pointer)
    given = found if isinstance(found, str) else ""
    own = (first.adjustments.get("text") or {}).get("to") if first else None
    value = said.get("text") or own or given
    return {"title": spec.title or _("Text"), "given": given, "value": value, "max_length": spec.max_length}


def _extra(content: CaseContent, field: ExtraField, said: Mapping[str, Any], machine_seen: bool) -> Extra:
    baseline = baseline_of(content, field) if field.of_input or machine_seen else None
    options = [(o.value, o.title) for o in field.options]
    if field.kind == "yes_no":
        options = [("yes", _("Yes")), ("no", _("No"))]
    words = {True: _("yes"), False: _("no")}.get(baseline) if isinstance(baseline, bool) else baseline
    return Extra(
        id=f"{EXTRA}{field.name}",
        name=f"{EXTRA}{field.name}",
        title=field.title,
        kind="choice" if options else field.kind,
        options=options,
        unit=field.unit,
        help=field.help,
        baseline="" if words is None else dict(options).get(str(words), str(words)),
        value=said.get(f"{EXTRA}{field.name}", ""),
    )


def _marks_before(said: Mapping[str, Any], first: Judgement | None) -> str:
    """The marks sent before, else those of one's own first judgement."""
    if said.get("rationale_marks"):
        return str(said["rationale_marks"])
    kept = {name: (first.rationale or {}).get(name, []) for name in MARKS} if first and first.rationale else {}
    return json.dumps(kept) if any(kept.values()) else ""


# --- what the form sends ----------------------------------------------------------------------------------------------


def read_label(post: QueryDict) -> str:
    """The label, or the set of them."""
    return JOIN.join(post.getlist("label"))


def read_adjustments(post: QueryDict, form: DecisionForm) -> dict[str, Any]:
    """The fields that were filled in; a number that is none stays text, and is refused by name."""
    found: dict[str, Any] = {}
    if form.needs_value(post.get("label", "")):
        if form.kind == "amount" and (amount := post.get("amount", "").strip()):
            found["amount"] = _number(amount)
        if form.kind == "text" and (text := post.get("text", "")):
            found["text"] = text.replace("\r\n", "\n")
    for field in form.fields:
        raw = post.get(EXTRA + field.name, "").strip()
        if raw:
            found[field.name] = _value(field, raw)
    return found


def _value(field: ExtraField, raw: str) -> Any:
    if field.kind == "yes_no":
        return {"yes": True, "no": False}.get(raw, raw)
    return _number(raw) if field.kind == "number" else raw


def _number(raw: str) -> float | str:
    """`1 234,50` and `1234.50` alike."""
    plain = raw.strip().replace(" ", "").replace("\u00a0", "")
    if "," in plain and "." not in plain:
        plain = plain.replace(",", ".")
    try:
        value = float(plain)
    except ValueError:
        return raw
    return value if abs(value) < 1e15 else raw


def read_rationale(post: QueryDict) -> dict[str, Any] | None:
    """Marks and words, null where there are none. Marks that are no JSON are not marks."""
    try:
        marks = json.loads(post.get("rationale_marks") or "{}")
    except ValueError:
        marks = {}
    found: dict[str, Any] = {name: marks[name] for name in MARKS if isinstance(marks, dict) and marks.get(name)}
    if text := post.get("rationale_text", "").strip():
        found["text"] = text
    return found or None


def draft_of(post: QueryDict, form: DecisionForm) -> dict[str, Any]:
    """Everything that was sent, to be shown again."""
    names = ["amount", "text", "suggested_label", "rationale_text", "rationale_marks"]
    names += [EXTRA + field.name for field in form.fields]
    return {"label": read_label(post)} | {name: post.get(name, "") for name in names}
