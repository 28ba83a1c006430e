"""Sentences that are made and kept in English, in the reader's language.

The engine is pure, refusals serve REST too, and what is stored must read alike for everybody: all of them speak
English. Pages pass such a sentence through `said`, which finds it among `sentences.SENTENCES`, fills what stood in its
places into the translation, and leaves alone what it does not know (somebody's own words).
"""

import re
from functools import lru_cache

from django.utils import formats
from django.utils.translation import get_language, gettext

from hitl.core.sentences import SENTENCES

_PLACE = re.compile(r"%\((\w+)\)s")
_DECIMAL = re.compile(r"\d\.\d")
_FIGURE = r"[-+]?[\d.,e]+ ?%?|-?inf|nan"
_FEW = 16  # characters
_AS_IT_IS = ("version", "model", "name", "label", "value", "path")  # may look like a number and be none


def said(text: str) -> str:
    """`text` in the active language; unchanged where it is not one of ours."""
    if not text or (get_language() or "en").startswith("en"):
        return text
    whole = _translated(text)
    if whole is not None:
        return whole
    parts = [text]
    for mark in (r"(?<=[.!?]) |\n", r"[:;] |\.$"):  # sentence by sentence; what is not one of ours, part by part
        parts = [piece for part in parts for piece in _pieces(part, mark)]
    return "".join(parts)


def _pieces(text: str, mark: str) -> list[str]:
    """`text` cut at `mark`, marks kept, each piece translated that can be; a piece that is done stays whole."""
    if (whole := _translated(text)) is not None:
        return [whole]
    pieces = re.split(f"({mark})", text)
    return [piece if place % 2 else (_translated(piece) or piece) for place, piece in enumerate(pieces)]


def _translated(text: str) -> str | None:
    bare = text.strip()
    if not bare:
        return None
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    for candidate in (text, bare):
        if candidate in _fixed():
            return gettext(candidate) if candidate == text else f"{before}{gettext(bare)}{after}"
    for pattern, template in _patterns():
        if found := pattern.fullmatch(bare):
            values = {name: _value(name, value) for name, value in found.groupdict().items()}
            return f"{before}{(gettext(template) % values).strip()}{after}"
    return None


def _value(name: str, value: str) -> str:
    """What stood in a place: a number as the reader writes it, a sentence within the sentence, else as it is."""
    if re.fullmatch(_FIGURE, value) and not name.startswith(_AS_IT_IS):
        return _DECIMAL.sub(lambda digits: digits[0].replace(".", str(formats.get_format("DECIMAL_SEPARATOR"))), value)
    return _translated(value) or value if " " in value.strip() else value


@lru_cache(maxsize=1)
def _fixed() -> frozenset[str]:
    return frozenset(text for text in SENTENCES if not _PLACE.search(text))


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Each sentence with places as a pattern; those with most words of their own first."""
    templates = sorted((t for t in SENTENCES if _PLACE.search(t)), key=lambda t: -len(_PLACE.sub("", t)))
    return tuple((re.compile(_regex(template), re.DOTALL), template) for template in templates)


def _regex(template: str) -> str:
    """The template as a pattern; with few words of its own it stays within a part of a sentence."""
    anything = ".*?" if len(_PLACE.sub("", template)) > _FEW else "[^:;]*?"
    known: set[str] = set()
    parts = []
    for place, part in enumerate(_PLACE.split(template.strip())):
        if place % 2 == 0:
            parts.append(re.escape(part.replace("%%", "%")))
        elif part in known:
            parts.append(f"(?P={part})")
        else:
            known.add(part)
            parts.append(f"(?P<{part}>{_FIGURE if part.startswith('number') else anything})")
    return "".join(parts)
