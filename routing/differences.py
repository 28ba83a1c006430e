"""What differs between two versions of a policy: in words, and place by place, so that no change is ever silent."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import msgspec

from routing.documents import complete_document
from routing.engine.document import PolicyDocument, decode_document
from routing.models import PolicyVersion
from routing.payloads import FieldChange, document_changes
from routing.words import Section, words_of


@dataclass(frozen=True, slots=True)
class SectionDifference:
    """Sentences of one part of the document that went and that came."""

    title: str
    removed: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs, in words and as every place of the document; both empty only where both say the same."""

    sections: tuple[SectionDifference, ...]
    changes: tuple[FieldChange, ...]


class ChangeOut(msgspec.Struct, frozen=True):
    """One place; null means absent."""

    field: str
    before: str | None
    after: str | None


class SectionDifferenceOut(msgspec.Struct, frozen=True):
    """Sentences of one part of the document that went and that came."""

    title: str
    removed: list[str]
    added: list[str]


class DifferenceOut(msgspec.Struct, frozen=True):
    """What differs between two versions, in words and place by place; both empty where they say the same."""

    policy: str
    from_version: int
    to_version: int
    sections: list[SectionDifferenceOut]
    changes: list[ChangeOut]


def difference(before: dict[str, Any], after: dict[str, Any]) -> Difference:
    """Between two valid documents, with defaults written out on both sides."""
    old, new = decode_document(before), decode_document(after)
    if old == new:
        return Difference((), ())
    return Difference((*_told(words_of(old), words_of(new)), *_untold(old, new)), tuple(_places(old, new)))


def difference_out(before: PolicyVersion, after: PolicyVersion) -> DifferenceOut:
    """Both of one policy."""
    found = difference(before.document, after.document)
    return DifferenceOut(
        policy=before.policy.slug,
        from_version=before.number,
        to_version=after.number,
        sections=[SectionDifferenceOut(s.title, list(s.removed), list(s.added)) for s in found.sections],
        changes=[ChangeOut(c.field, c.before, c.after) for c in found.changes],
    )


def _told(before: tuple[Section, ...], after: tuple[Section, ...]) -> tuple[SectionDifference, ...]:
    """Section by section what one says and the other does not; the same sentences in another order say so."""
    was, now = ({section.title: section.lines for section in sections} for sections in (before, after))
    titles = [title for title in dict.fromkeys([*was, *now]) if was.get(title, ()) != now.get(title, ())]
    return tuple(_sentences(title, was.get(title, ()), now.get(title, ())) for title in titles)


def _sentences(title: str, was: tuple[str, ...], now: tuple[str, ...]) -> SectionDifference:
    removed = tuple((Counter(was) - Counter(now)).elements())
    added = tuple((Counter(now) - Counter(was)).elements())
    if removed or added:
        return SectionDifference(title, removed, added)
    return SectionDifference(title, _in_order(was), _in_order(now))


def _in_order(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{place}. {line}" for place, line in enumerate(lines, start=1))


def _untold(old: PolicyDocument, new: PolicyDocument) -> tuple[SectionDifference, ...]:
    """Parts whose change no sentence of `words` shows, told by their places."""
    found = []
    for key in _differing(old, new):
        halfway = msgspec.structs.replace(old, **{key: getattr(new, key)})
        if words_of(halfway) == words_of(old):
            changes = _places(old, halfway)
            removed = tuple(f"{c.field}: {c.before}" for c in changes if c.before is not None)
            added = tuple(f"{c.field}: {c.after}" for c in changes if c.after is not None)
            found.append(SectionDifference(key.replace("_", " ").capitalize(), removed, added))
    return tuple(found)


def _places(old: PolicyDocument, new: PolicyDocument) -> list[FieldChange]:
    """Every place that differs; the whole part where only its order does, or where two of its entries share a name."""
    was, now = complete_document(old), complete_document(new)
    found: list[FieldChange] = []
    for key in _differing(old, new):
        before, after = was[key], now[key]
        found += document_changes({key: before}, {key: after}) or (FieldChange(key, _text(before), _text(after)),)
    return found


def _differing(old: PolicyDocument, new: PolicyDocument) -> list[str]:
    return [key for key in old.__struct_fields__ if getattr(old, key) != getattr(new, key)]


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
