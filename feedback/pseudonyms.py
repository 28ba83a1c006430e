"""Names that stand for people and ids in exports: the same for the same person in a workspace, and no way back."""

import hashlib
import hmac
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from reviews.pointers import MISSING, resolve

_DIGITS = 16  # 64 bits: among ten million names, two are the same with a probability of 3 in a million


class Pseudonyms:
    """HMAC-SHA256 (RFC 2104) under a key made of `HITL_PSEUDONYM_KEY`, else of the secret key, and the workspace.

    Names of different kinds never meet: a subject's pseudonym says nothing about an external id of the same text.
    """

    def __init__(self, workspace_id: uuid.UUID) -> None:
        secret = settings.HITL_PSEUDONYM_KEY or settings.SECRET_KEY
        self._key = hmac.digest(secret.encode(), b"hitl.pseudonyms:" + workspace_id.bytes, "sha256")

    @property
    def fingerprint(self) -> str:
        """Tells two keys apart and gives neither away."""
        return self.of("key", "fingerprint").partition("-")[2]

    def of(self, kind: str, value: object) -> str:
        """`kind`-xxxxxxxxxxxxxxxx."""
        digest = hmac.new(self._key, f"{kind}:{value}".encode(), hashlib.sha256)
        return f"{kind}-{digest.hexdigest()[:_DIGITS]}"

    def maybe(self, kind: str, value: object | None) -> str | None:
        """The same; null stays null."""
        return None if value is None else self.of(kind, value)


def hide_fields(document: Any, pointers: Sequence[str], names: Pseudonyms) -> Any:
    """`document` with a pseudonym in place of each value a pointer names (an object or list: null); a copy."""
    for pointer in pointers:
        value = resolve(document, pointer)
        if value is not MISSING and pointer:
            hidden = None if isinstance(value, (Mapping, list)) else names.maybe("field", value)
            document = _with(document, pointer.split("/")[1:], hidden)
    return document


def _with(document: Any, tokens: Sequence[str], value: object) -> Any:
    if not tokens:
        return value
    name = tokens[0].replace("~1", "/").replace("~0", "~")
    if isinstance(document, list):
        place = int(name)
        return [*document[:place], _with(document[place], tokens[1:], value), *document[place + 1 :]]
    return {**document, name: _with(document[name], tokens[1:], value)}
