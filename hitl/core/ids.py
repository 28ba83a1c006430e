"""Identifiers: UUIDv7, so that order of id is order of arrival (within a process)."""

import uuid

from uuid_utils.compat import uuid7


def new_id() -> uuid.UUID:
    """A new UUIDv7 (RFC 9562)."""
    return uuid7()
