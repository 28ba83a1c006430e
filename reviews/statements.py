"""Whether what a person said fits the task type's decision form, and what is stored of it.

Stored is one difference per field: `{field: {"from", "to", "against"}}`, where `against` tells what `from` is: the
`input`, the `machine`'s proposal, or this person's `first` judgement (null and absent where there is none of them).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from hitl.core.errors import FieldProblem, Refused
from reviews.models import Case, CaseContent, Judgement
from reviews.pointers import MISSING, resolve
from reviews.rationale import check_rationale
from reviews.text_changes import text_changes
from routing.decision_form import JOIN, DecisionForm, ExtraField, LabelSpace

# Offered alike on agreeing and on overriding; `none` for saying that nothing was amiss.
CATEGORIES = (
    "evidence_missed",
    "evidence_misread",
    "rule_misapplied",
    "context_not_visible",
    "data_wrong",
    "policy_gap",
    "other",
)
NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Statement:
    """A judgement's content as it is stored."""

    label: str
    adjustments: dict[str, Any]


def categories_of(form: DecisionForm) -> tuple[str, ...]:
    """The override categories of a task type, `none` last."""
    own = tuple(option.value for option in form.override_categories)
    return (*(value for value in own or CATEGORIES if value != NOTHING), NOTHING)


def check_statement(
    case: Case, label: str, adjustments: Mapping[str, Any], *, confidence: float | None, first: Judgement | None
) -> Statement:
    """Raises Refused with a pointer and the cure. `case` comes with content and task type.

    `first`: this person's first judgement when the final one is checked.
    """
    form = case.task_type.decision_form
    label = canonical_label(case, form, label)
    stored = dict(_differences(case.content, form, label, adjustments, first))
    if first is not None and confidence is not None and first.confidence not in (None, confidence):
        stored["confidence"] = {"from": first.confidence, "to": confidence, "against": "first"}
    return Statement(label, stored)


def check_rationale_of(case: Case, rationale: dict[str, Any] | None) -> None:
    """Marks lie inside this case's evidence. Raises Refused."""
    if rationale is not None:
        check_rationale(case.content.input, rationale)


def check_category(case: Case, category: str) -> None:
    """Refuse a category the task type does not have."""
    known = categories_of(case.task_type.decision_form)
    if category and category not in known:
        _refuse("/override_category", f"Use one of: {', '.join(known)}.", "unknown_category")


def canonical_label(case: Case, form: DecisionForm, label: str) -> str:
    """The label, or for a multi-label form the set `a|b` in the taxonomy's order. Raises Refused."""
    labels = case.task_type.label_values
    if not isinstance(labels, LabelSpace):
        return label
    found = labels.canonical(label)
    if not found:
        return label  # refused as an unknown label, with the list of those there are
    chosen = found.split(JOIN)
    if form.max_labels and len(chosen) > form.max_labels:
        _refuse("/label", f"Choose at most {form.max_labels} labels; you chose {len(chosen)}.", "too_many_labels")
    alone = next((value for value in form.exclusive if value in chosen), None)
    if alone and len(chosen) > 1:
        _refuse("/label", f"“{alone}” excludes all others; choose it alone or leave it out.", "exclusive_label")
    return found


def _differences(
    content: CaseContent, form: DecisionForm, label: str, given: Mapping[str, Any], first: Judgement | None
) -> Iterator[tuple[str, Any]]:
    """What is stored of each field given."""
    declared = {field.name: field for field in form.fields}
    main = form.kind if form.kind in ("amount", "text") else None
    if main:
        _check_needed(form, main, label, given)
    for name, value in given.items():
        pointer = f"/adjustments/{name}"
        if value is None or value == "":
            continue
        if name == main == "amount":
            yield name, _amount(content, form, pointer, value)
        elif name == main == "text":
            yield name, _text(content, form, pointer, value)
        elif name in declared:
            yield name, _extra(content, declared[name], pointer, value, first)
        elif declared or main:
            known = ", ".join([*([main] if main else []), *declared])
            _refuse(pointer, f"There is no such field; use one of: {known}.", "unknown_field")
        else:
            yield name, value


def _check_needed(form: DecisionForm, main: str, label: str, given: Mapping[str, Any]) -> None:
    said, needed = given.get(main) not in (None, ""), form.needs_value(label)
    if needed and not said:
        _refuse(f"/adjustments/{main}", f"The label “{label}” needs {_A[main]}; give it.", f"{main}_required")
    if said and not needed:
        cure = f"The label “{label}” takes no {main}; leave it out or choose another label."
        _refuse(f"/adjustments/{main}", cure, f"{main}_not_applicable")


_A = {"amount": "an amount", "text": "a text"}


def _amount(content: CaseContent, form: DecisionForm, pointer: str, value: Any) -> dict[str, Any]:
    spec = form.amount
    assert spec is not None
    _check_number(pointer, value, spec.min, spec.max, spec.unit)
    if spec.step and abs(value / spec.step - round(value / spec.step)) > 1e-6:
        _refuse(pointer, f"Give a multiple of {spec.step:g}.", "out_of_range")
    before = None if spec.pointer is None else resolve(content.input, spec.pointer)
    difference: dict[str, Any] = {"from": None if before is MISSING else before, "to": value, "against": "input"}
    return difference | ({"unit": spec.unit} if spec.unit else {})


def _text(content: CaseContent, form: DecisionForm, pointer: str, value: Any) -> dict[str, Any]:
    spec = form.text
    assert spec is not None
    if not isinstance(value, str):
        _refuse(pointer, "Give a text.", "invalid_type")
    if len(value) > spec.max_length:
        _refuse(pointer, f"Give at most {spec.max_length} characters; this has {len(value)}.", "out_of_range")
    found = resolve(content.input, spec.pointer)
    before = found if isinstance(found, str) else ""
    after = value.replace("\r\n", "\n")
    return {"from": before, "to": after, "against": "input", "changes": text_changes(before, after)}


def _extra(
    content: CaseContent, field: ExtraField, pointer: str, value: Any, first: Judgement | None
) -> dict[str, Any]:
    if field.kind == "number":
        _check_number(pointer, value, field.min, field.max, field.unit)
    elif field.kind == "yes_no" and not isinstance(value, bool):
        _refuse(pointer, "Give true or false.", "invalid_type")
    elif field.kind == "choice" and value not in [option.value for option in field.options]:
        _refuse(pointer, f"Use one of: {', '.join(o.value for o in field.options)}.", "unknown_option")
    elif field.kind == "text" and not (isinstance(value, str) and len(value) <= 2_000):
        _refuse(pointer, "Give a text of at most 2,000 characters.", "invalid_type")
    if field.baseline:
        before = baseline_of(content, field)
        return {"from": before, "to": value, "against": "input" if field.of_input else "machine"}
    said = (first.adjustments.get(field.name) or {}).get("to") if first else None
    return {"from": said, "to": value, "against": "first" if first else None}


def baseline_of(content: CaseContent, field: ExtraField) -> Any:
    """The value a field differs from, null where there is none. The machine's is only for who may see it."""
    root = {"input": content.input, "proposed_action": content.proposed_action, "prediction": content.prediction}
    found = resolve(root, field.baseline or "/")
    return None if found is MISSING else found


def _check_number(pointer: str, value: Any, low: float | None, high: float | None, unit: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(pointer, "Give a number.", "invalid_type")
    if (low is not None and value < low) or (high is not None and value > high):
        parts = [f"from {low:g}" if low is not None else "", f"up to {high:g}" if high is not None else "", unit]
        _refuse(pointer, f"Give a number {' '.join(part for part in parts if part)}.", "out_of_range")


def _refuse(pointer: str, detail: str, code: str) -> NoReturn:
    raise Refused(detail, code=code, errors=[FieldProblem(pointer, detail, code)])
