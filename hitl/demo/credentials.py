"""`demo-credentials.json`: how the demo's people and its partner get in, readable by the owner alone."""

import os
from pathlib import Path

import msgspec


class UserCredentials(msgspec.Struct, frozen=True):
    """One person. `tier` is null for people who do not review."""

    username: str
    password: str
    role: str
    api_key: str
    tier: str | None
    queues: tuple[str, ...]


class Credentials(msgspec.Struct, frozen=True):
    """The whole file. `api_key` is the partner's, with all scopes."""

    base_url: str
    workspace: str
    api_key: str
    users: dict[str, UserCredentials]


def read_credentials(home: Path) -> Credentials | None:
    """Null when there is no such file, or it is not what we write."""
    try:
        return msgspec.json.decode(_path(home).read_bytes(), type=Credentials)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write_credentials(home: Path, credentials: Credentials) -> None:
    """Replace the file at once, so that nobody ever reads half of it; mode 0600 from its first byte on."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = _path(home).with_suffix(".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(credentials), indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(_path(home))


def _path(home: Path) -> Path:
    return home / "demo-credentials.json"
