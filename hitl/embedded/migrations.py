"""Whether `migrate` would find nothing to do, known without starting Django: that is half of a second start's time."""

import hashlib
import importlib.metadata
from pathlib import Path

import psycopg

from hitl.embedded.home import CHECKOUT

_APPLIED = "SELECT app || '.' || name FROM django_migrations ORDER BY id"


def migrated_state(database_url: str) -> str | None:
    """One digest of our migration files, the installed packages and what the database has applied.

    Equal to the digest noted after an earlier `migrate`, it means that nothing changed since. Null when the database
    has no migrations yet, or is not to be reached this way.
    """
    try:
        with psycopg.connect(database_url, connect_timeout=5) as connection:
            applied = [str(row[0]) for row in connection.execute(_APPLIED)]
    except psycopg.Error:
        return None
    packages = sorted(f"{d.name}=={d.version}" for d in importlib.metadata.distributions())
    digest = hashlib.sha256("\n".join([*applied, *packages]).encode())
    for file in _our_migrations():
        digest.update(bytes(file) + file.read_bytes())
    return digest.hexdigest()


def _our_migrations() -> list[Path]:
    found = [*CHECKOUT.glob("*/migrations/*.py"), *CHECKOUT.glob("hitl/*/migrations/*.py")]
    return sorted(found)
