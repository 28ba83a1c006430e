"""What an edit changed, word by word (Python's difflib; Ratcliff and Metzener 1988)."""

import re
from difflib import SequenceMatcher
from typing import TypedDict

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
WORDS_MAX = 4_000  # beyond that a change is told as one replacement: difflib is quadratic


class TextChange(TypedDict):
    """At character `at` of the text before, `removed` gave way to `added`."""

    at: int
    removed: str
    added: str


def text_changes(before: str, after: str) -> list[TextChange]:
    """The changes in order; applied from the last to the first they turn `before` into `after`."""
    if before == after:
        return []
    a, b = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(a), len(b)) > WORDS_MAX:
        return [{"at": 0, "removed": before, "added": after}]
    starts = [0]
    for word in a:
        starts.append(starts[-1] + len(word))
    return [
        {"at": starts[i], "removed": "".join(a[i:j]), "added": "".join(b[k:m])}
        for what, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
        if what != "equal"
    ]
