"""hitl as it is deployed, on a database and a broker of its own: web server, workers and beat as real processes."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from django.db import connections

from hitl.embedded.processes import process_table, tie_to_parent, wait_until
from tests.delivery.race import own_database
from tests.factories import World, make_world
from tests.soak.brokers import Broker, open_broker

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE_S = 30.0
_POLL_S = 0.1  # the processes need the machine more than the question


class Stack:
    """Named processes, each in a group of its own with its output in `home`/<name>.log. `world` is each test's own."""

    world: World

    def __init__(self, home: Path, broker: Broker) -> None:
        self.broker = broker
        self._home = home
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = os.environ | broker.environment
        self._environment |= {"HITL_HOME": str(home), "DATABASE_URL": _database_url(), "HITL_SECRET_KEY": "soak"}
        self._port = _free_port()
        self._url = f"http://127.0.0.1:{self._port}"

    def new_world(self) -> None:
        """Another workspace with its cast, so that tests that share the processes do not see each other's cases."""
        self.world = make_world(f"soak-{uuid.uuid4().hex[:8]}")

    def keep(self, *names: str) -> None:
        """Start what is not running of these and kill all others. Names: web, beat; everything else is a worker."""
        for name in self._running.keys() - set(names):
            self.kill(name)
        for name in names:
            if name not in self._running or self._running[name].poll() is not None:
                self._start(name)

    def wait_for_web(self) -> None:
        self.eventually(self._web_answers)

    def post(self, name: str, path: str, body: Any = None) -> Any:
        """POST below /api/v1/ of the web process with this person's (or the partner's) key; the answer's JSON."""
        headers = {"authorization": f"Bearer {self.world.keys[name]}"}
        answer = httpx.post(f"{self._url}/api/v1/{path}", json=body or {}, headers=headers, timeout=20)
        assert answer.is_success, answer.text
        return answer.json()

    def run(self, code: str) -> None:
        """Execute Python inside hitl in a process of its own, which talks to the broker."""
        code = f"import django; django.setup(); import hitl.celery; {code}"
        subprocess.run([sys.executable, "-c", code], env=self._environment, cwd=CHECKOUT, check=True, timeout=60)

    def kill(self, name: str) -> None:
        """SIGKILL to the first process alone: what it started has to notice."""
        process = self._running.pop(name)
        process.kill()
        process.wait()
        assert wait_until(lambda: not _group(process.pid), PATIENCE_S)

    def kill_pool(self, name: str = "worker") -> None:
        """SIGKILL to every process that works for this worker."""
        leader = self._running[name].pid
        children = _group(leader) - {leader}
        assert children
        for pid in children:
            os.kill(pid, signal.SIGKILL)

    def said(self, name: str) -> str:
        """Its output so far."""
        return (self._home / f"{name}.log").read_text(errors="replace")

    def eventually(self, condition: Callable[[], object]) -> None:
        """Wait until it holds; otherwise fail with what the processes said."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, self._last_words()
            time.sleep(_POLL_S)

    def _start(self, name: str) -> None:
        with (self._home / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", *self._command(name).split()],
                env=self._environment | {"HITL_ROLE": name, "PGAPPNAME": name, "PYTHONUNBUFFERED": "1"},
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=tie_to_parent(signal.SIGTERM),  # noqa: PLW1509 - it only makes two system calls
            )

    def _command(self, name: str) -> str:
        """As `make run` starts them, but for the web server's second process."""
        if name == "web":
            options = f"--interface wsgi --host 127.0.0.1 --port {self._port} --no-ws"
            return f"granian {options} hitl.embedded.web:application"
        if name == "beat":
            schedule = self._home / "celerybeat-schedule"
            return f"celery -A hitl beat --loglevel INFO --pidfile= --schedule {schedule}"
        options = f"--concurrency 2 --loglevel INFO --include hitl.embedded.pool -n {name}@%h"
        options += " --without-gossip --without-mingle --without-heartbeat"
        return f"celery -A hitl worker {options}"

    def _web_answers(self) -> bool:
        try:
            return httpx.get(f"{self._url}/readyz").is_success
        except httpx.TransportError:
            return False

    def _last_words(self) -> str:
        return "\n".join(f"--- {name}\n{self.said(name)[-6000:]}" for name in self._running)


@contextmanager
def running(kind: str, home: Path) -> Iterator[Stack]:
    """A database and a broker without any process yet; everything ends with the block."""
    broker = open_broker(kind, home)
    with own_database():
        stack = Stack(home, broker)
        try:
            yield stack
        finally:
            stack.keep()
            broker.purge()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _group(leader: int) -> set[int]:
    return {p.pid for p in process_table() if p.group == leader and p.alive}


def _database_url() -> str:
    """Of the database that this test uses just now."""
    values = connections.settings["default"]
    login = f"{quote(values['USER'])}:{quote(values['PASSWORD'])}@" if values["USER"] else ""
    port = f":{values['PORT']}" if values["PORT"] else ""
    return f"postgres://{login}{quote(values['HOST'], safe='')}{port}/{values['NAME']}"
