"""RFC 6901 pointers into a case's JSON."""

import re
from collections.abc import Mapping, Sequence

MISSING = object()


def resolve(root: object, pointer: str) -> object:
    """What the pointer names, or `MISSING`. The empty pointer is the whole."""
    if pointer and not pointer.startswith("/"):
        return MISSING
    here: object = root
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(here, Mapping) and name in here:
            here = here[name]
        elif isinstance(here, Sequence) and not isinstance(here, str) and _is_index(name, len(here)):
            here = here[int(name)]
        else:
            return MISSING
    return here


def _is_index(name: str, length: int) -> bool:
    """An array index of RFC 6901: ASCII digits, no leading zero, inside the array."""
    return re.fullmatch(r"0|[1-9][0-9]{0,8}", name) is not None and int(name) < length
