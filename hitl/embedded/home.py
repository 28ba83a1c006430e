"""HITL_HOME: one directory for everything a run on one machine keeps, for one run at a time."""

import fcntl
import os
import secrets
from pathlib import Path
from typing import IO

import msgspec

CHECKOUT = Path(__file__).resolve().parents[2]


class HomeInUseError(RuntimeError):
    """Another run uses this HITL_HOME."""


class DemoUser(msgspec.Struct, frozen=True):
    username: str
    password: str
    role: str


class DemoCredentials(msgspec.Struct, frozen=True):
    """What we show of `demo-credentials.json`, which `load_demo` writes."""

    workspace: str
    users: dict[str, DemoUser]


class Home:
    """Made on first use, closed to others (0700)."""

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
        self.path = path.resolve()
        self._lock: IO[str] | None = None

    @classmethod
    def from_environment(cls) -> "Home":
        return cls(Path(os.environ.get("HITL_HOME") or CHECKOUT / "var"))

    @property
    def records(self) -> Path:
        """Where the process groups of the current run are noted."""
        folder = self.path / "run"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def lock(self) -> None:
        """Claim it until this process ends, however it ends. Raises HomeInUseError."""
        lock = (self.path / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise HomeInUseError(f"hitl already runs on {self.path} (process {holder}).") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def secret_key(self) -> str:
        """Random, made once, readable by the owner alone."""
        path = self.path / "secret-key"
        if not path.exists():
            draft = path.with_suffix(".new")
            draft.unlink(missing_ok=True)
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(50))
            draft.replace(path)
        return path.read_text()

    def environment(self, port: int) -> dict[str, str]:
        """What every process of this home is started with; what the caller's environment sets stands."""
        environment = dict(os.environ)
        environment.setdefault("DJANGO_SETTINGS_MODULE", "hitl.settings.dev")
        environment.setdefault("HITL_SECRET_KEY", self.secret_key())
        return environment | {"HITL_HOME": str(self.path), "PORT": str(port), "PYTHONUNBUFFERED": "1"}

    def demo_credentials(self) -> DemoCredentials | None:
        """Null while there is no demo, or its file is not what we know."""
        try:
            return msgspec.json.decode((self.path / "demo-credentials.json").read_bytes(), type=DemoCredentials)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
