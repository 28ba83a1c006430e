"""What differs between two versions: told in words, and never silent."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.differences import difference
from routing.documents import complete_document
from routing.engine.document import PolicyDocument, PolicyError, decode_document

SHARE = st.none() | st.sampled_from([0.5, 0.9, 0.95])
TEXT = st.sampled_from(["a", "b", "5", "null"])
THEN = st.sampled_from(["review", "gate"])
RULES = st.lists(
    st.fixed_dictionaries(
        {
            "name": TEXT,
            "when": st.sampled_from(["true", "context.has_appeal"]),
            "then": st.sampled_from(["review", "gate"]),
        },
        optional={"reason": st.none() | TEXT, "tier": st.none() | TEXT},
    ),
    max_size=3,
    unique_by=lambda rule: rule["name"],
)
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {"threshold": SHARE, "label": TEXT}, optional={"risk": st.none() | st.just("low"), "model_version": TEXT}
    ),
    max_size=3,
)
LAYERS = st.lists(
    st.fixed_dictionaries(
        {"kind": st.just("banned_terms"), "name": TEXT, "terms": st.lists(TEXT, min_size=1, max_size=2)}
    ),
    max_size=2,
    unique_by=lambda layer: layer["name"],
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "thresholds": st.fixed_dictionaries({"default": SHARE, "entries": ENTRIES}),
        "rules": RULES,
        "signals": st.fixed_dictionaries({}, optional={"max_amount": st.none() | st.sampled_from([5, 5.5, 1e6])}),
        "sampling": st.fixed_dictionaries({"audit_rate": st.sampled_from([0.1, 0.1000001, 0.2])}),
        "rollout": st.booleans(),
        "priority": st.fixed_dictionaries({"amount_scale": st.sampled_from([1.0, 2.0])}),
        "cascade": st.fixed_dictionaries({"layers": LAYERS}),
    },
)


def valid(document: dict[str, Any]) -> bool:
    try:
        decode_document(document)
    except PolicyError:
        return False
    return True


@settings(max_examples=400, deadline=None)
@given(before=DOCUMENTS.filter(valid), after=DOCUMENTS.filter(valid))
def test_two_documents_differ_in_words_and_places_exactly_when_they_differ(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    found = difference(before, after)
    same = decode_document(before) == decode_document(after)
    assert same == (not found.sections) == (not found.changes)
    assert all(section.removed or section.added for section in found.sections)


def test_every_single_field_of_a_document_is_told_when_it_changes() -> None:
    """Also of sections that came later: each leaf, changed alone, is named."""
    plain = complete_document(PolicyDocument())
    for section, value in plain.items():
        for changed in _changed(value):
            found = difference({}, {section: changed})
            assert found.sections and found.changes, (section, changed)


def _changed(value: Any) -> list[Any]:
    """The same value with one leaf changed, for each leaf that still decodes."""
    if isinstance(value, dict):
        return [value | {key: part} for key, old in value.items() for part in _changed(old)]
    if isinstance(value, bool):
        return [not value]
    return [0.25 if value == 0.5 else 0.5] if isinstance(value, float) else []


def test_rules_in_another_order_are_another_policy() -> None:
    rules = [{"name": n, "when": "true", "then": t} for n, t in (("first", "review"), ("second", "escalate"))]
    found = difference({"rules": rules}, {"rules": rules[::-1]})
    (section,) = found.sections
    assert section.removed[0].startswith("1. first") and section.added[0].startswith("1. second")


def test_a_change_reads_as_a_person_would_say_it() -> None:
    (section,) = difference({"thresholds": {"default": 0.9}}, {"thresholds": {"default": None}}).sections
    assert section.removed == ("By default from a calibrated confidence of 0.9.",)
    assert section.added == ("By default never.",)


def test_defaults_written_out_or_not_say_the_same() -> None:
    found = difference({}, msgspec.to_builtins(PolicyDocument()))
    assert found.sections == () and found.changes == ()
