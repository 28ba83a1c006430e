"""Where an embedded PostgreSQL keeps its files, and as whom it runs.

PostgreSQL refuses to run as root, and whoever root drops to cannot enter a closed home directory. So for root the
files live below /var/lib/hitl, owned by `nobody` (a bare Debian has no better user, and one without a passwd entry
will not do); HITL_HOME only notes where. For anyone else they live in HITL_HOME.
"""

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hitl.embedded.binaries import EmbeddedPostgresError

SHELF = Path("/var/lib/hitl")
PORT = 5432  # only part of the socket's name
_SOCKET_PATH_MAX = 92  # bytes; systems allow 103 to 107, and PostgreSQL adds its lock file's suffix


@dataclass(frozen=True, slots=True)
class Place:
    """`base` holds our notes; `data` and `sockets` belong to the server's user (null: whoever runs this)."""

    base: Path
    data: Path
    sockets: Path
    uid: int | None
    gid: int | None


def place_for(home: Path) -> Place:
    """Make (or find again) the place that belongs to this HITL_HOME."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    uid = gid = None
    if os.geteuid() == 0:
        user = pwd.getpwnam("nobody")
        uid, gid = user.pw_uid, user.pw_gid
        base = _noted_base(home)
    else:
        base = home / "postgres"
        base.mkdir(mode=0o700, exist_ok=True)
    sockets = _socket_folder(base)
    private_folder(sockets, uid, gid)
    return Place(base, base / "data", sockets, uid, gid)


def forget_place(home: Path) -> None:
    """Delete the data that belongs to this HITL_HOME, wherever it is. The server must be stopped."""
    place = place_for(home)
    shutil.rmtree(place.sockets, ignore_errors=True)
    shutil.rmtree(place.base)
    _note(home).unlink(missing_ok=True)


def private_folder(folder: Path, uid: int | None, gid: int | None) -> None:
    """Make a folder only `uid` may enter. One that somebody else prepared, as anyone may in /tmp, is refused."""
    try:
        folder.mkdir(mode=0o700)
        if uid is not None and gid is not None:
            os.chown(folder, uid, gid)
    except FileExistsError:
        found = folder.lstat()
        expected = os.geteuid() if uid is None else uid
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (expected, os.geteuid()):
            raise EmbeddedPostgresError(f"{folder} belongs to somebody else; remove it.") from None
        if found.st_uid != expected:  # stopped between making it and giving it away
            os.chown(folder, expected, gid if gid is not None else -1)
        folder.chmod(0o700)


def _noted_base(home: Path) -> Path:
    """A HITL_HOME that moves keeps its database, because the note moves with it."""
    _open_folder(SHELF)
    note = _note(home)
    if note.exists():
        noted = Path(note.read_text().strip())
        if noted.parent == SHELF and noted.is_dir():
            return noted
    base = SHELF / _fingerprint(home)
    _open_folder(base)
    note.write_text(f"{base}\n")
    return base


def _open_folder(folder: Path) -> None:
    """Root's own, but the server's user must pass through it."""
    try:
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
    except OSError as error:
        raise EmbeddedPostgresError(f"Root needs {folder} for the embedded PostgreSQL: {error}") from error


def _note(home: Path) -> Path:
    return home / "postgres-place"


def _fingerprint(home: Path) -> str:
    return hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]


def _socket_folder(base: Path) -> Path:
    folder = base / "sockets"
    if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= _SOCKET_PATH_MAX:
        return folder
    return Path(tempfile.gettempdir(), f"hitl-{os.geteuid()}-{_fingerprint(base)}")
