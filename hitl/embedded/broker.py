"""A broker without a server: one directory per queue, one file per message, for processes of one machine.

kombu's own filesystem transport writes in place and moves across directories, so readers met half-written files and
messages got lost. Here a message appears by `os.replace` and belongs to the one reader whose `unlink` succeeds.
Bindings live in each process' memory: Celery declares its queues before it publishes and uses direct exchanges.
"""

import re
import time
import uuid
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any, ClassVar
from urllib.parse import quote

from kombu.exceptions import ChannelError
from kombu.log import get_logger
from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.utils.json import dumps, loads

SCHEME = "hitlfs"
POLLING_S = 0.05
_QUEUE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_READY, _WRITING, _BROKEN = ".msg", ".tmp", ".broken"

logger = get_logger(__name__)


class Channel(virtual.Channel):
    """Queues as directories below the folder that the broker URL names."""

    @property
    def _root(self) -> str:
        assert self.connection.client is not None
        return self.connection.client.virtual_host

    def _put(self, queue: str, message: Any, **_: Any) -> None:
        folder = self._folder(queue)
        name = f"{time.time_ns():020}-{uuid.uuid4().hex}"
        writing = folder / (name + _WRITING)
        writing.touch(mode=0o600, exist_ok=False)
        writing.write_text(dumps(message))
        writing.replace(folder / (name + _READY))

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        folder = self._folder(queue)
        for name in self._waiting(queue):
            try:
                content = (folder / name).read_bytes()
                message = loads(content)
                (folder / name).unlink()
            except FileNotFoundError:
                continue  # another process took it
            except ValueError:
                self._set_aside(folder / name)
                continue
            return message
        raise Empty

    def _size(self, queue: str) -> int:
        return len(self._waiting(queue))

    def _purge(self, queue: str) -> int:
        purged = 0
        for name in self._waiting(queue):
            try:
                (self._folder(queue) / name).unlink()
            except FileNotFoundError:
                continue
            purged += 1
        return purged

    def _waiting(self, queue: str) -> list[str]:
        """Names of complete messages, oldest first."""
        return sorted(path.name for path in self._folder(queue).iterdir() if path.suffix == _READY)

    def _folder(self, queue: str) -> Path:
        if not _QUEUE_NAME.fullmatch(queue):
            raise ChannelError(f"Invalid queue name: {queue!r}")
        folder = Path("/", self._root, queue)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def _set_aside(self, path: Path) -> None:
        logger.error("Unreadable message set aside: %s", path.with_suffix(_BROKEN))
        try:
            path.replace(path.with_suffix(_BROKEN))
        except FileNotFoundError:
            return


class Transport(virtual.Transport):
    """`hitlfs:///absolute/folder`.

    Polls from the worker's event loop: without one, the pool's processes share a lock, and one killed while it holds
    the lock stops all others for ever.
    """

    Channel = Channel
    default_port = 0
    driver_type = driver_name = SCHEME
    polling_interval = POLLING_S
    default_connection_params: ClassVar = {}  # no host, no port
    implements = virtual.Transport.implements.extend(asynchronous=True)
    connection_errors = (*virtual.Transport.connection_errors, OSError)

    def driver_version(self) -> str:
        return "1"

    def establish_connection(self) -> Any:
        assert self.client is not None
        Path("/", self.client.virtual_host).mkdir(mode=0o700, parents=True, exist_ok=True)
        return super().establish_connection()

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        loop.call_repeatedly(POLLING_S, self._deliver_waiting)

    def _deliver_waiting(self) -> None:
        assert self.cycle is not None
        with suppress(Empty):
            while True:
                self.cycle.get(self._deliver)


def register_transport() -> None:
    """Make kombu (and Celery) understand `hitlfs:` URLs in this process."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"


def filesystem_broker(home: Path) -> tuple[str, dict[str, Any]]:
    """Broker URL and transport options for Celery; registers the transport and makes its folder (0700)."""
    register_transport()
    folder = home.resolve() / "broker"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return f"{SCHEME}:///{quote(str(folder).lstrip('/'))}", {"polling_interval": POLLING_S}
