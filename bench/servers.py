"""Databases to measure in, and the two applications served as `make run` serves the product."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg
from psycopg import sql

from bench.load import Job, Outcome

CHECKOUT = Path(__file__).resolve().parents[1]
HOME = CHECKOUT / "var" / "bench"
# The same as hitl.embedded.run gives: two workers of two threads.
_GRANIAN = ["--interface", "wsgi", "--host", "127.0.0.1", "--no-ws", "--workers", "2", "--blocking-threads", "2"]
_PATIENCE_S = 60.0


class Databases:
    """Databases of one server, by short name; all are dropped again."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._made: set[str] = set()

    def url(self, name: str) -> str:
        head, _, tail = self._server_url.partition("://")
        address, question, options = tail.partition("?")
        return f"{head}://{address.partition('/')[0]}/hitl_bench_{name}{question}{options}"

    def create(self, name: str, *, like: str | None = None) -> str:
        """A fresh database, empty or a copy of another (which nobody may be connected to)."""
        self.drop(name)
        template = sql.Identifier(f"hitl_bench_{like}" if like else "template0")
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(f"hitl_bench_{name}"), template)
            )
        self._made.add(name)
        return self.url(name)

    def drop(self, name: str) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(f"hitl_bench_{name}"))
            )
        self._made.discard(name)

    def drop_all(self) -> None:
        for name in list(self._made):
            self.drop(name)

    def version(self) -> str:
        with psycopg.connect(self._server_url) as connection:
            return str(connection.execute("SHOW server_version").fetchone()[0])  # type: ignore[index]


def environment(database_url: str, **more: str) -> dict[str, str]:
    """For a process of the product."""
    return os.environ | {
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "hitl.settings.dev",
        "HITL_SECRET_KEY": "bench",
        "HITL_HOME": str(HOME),
        "HITL_LOG_LEVEL": "WARNING",
        "CELERY_BROKER_URL": "",
        "PYTHONUNBUFFERED": "1",
        **more,
    }


def run_python(arguments: list[str], env: dict[str, str], stdin: bytes = b"") -> bytes:
    """Run a module or script to its end; answers its standard output."""
    return subprocess.run(
        [sys.executable, *arguments], env=env, cwd=CHECKOUT, input=stdin, stdout=subprocess.PIPE, check=True
    ).stdout


class Served:
    """A running application."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self._pid = pid

    def load(self, scenario: str, **job: object) -> Outcome:
        """One run of the load client. Raises RuntimeError when the server answered something else than expected."""
        wanted = msgspec.convert({"scenario": scenario, "port": self.port, **job}, type=Job)
        answer = run_python(["-m", "bench.load"], dict(os.environ), msgspec.json.encode(wanted))
        outcome = msgspec.json.decode(answer, type=Outcome)
        if outcome.error:
            raise RuntimeError(f"{scenario}: {outcome.error}")
        return outcome

    def workers(self) -> list[int]:
        """Process numbers of granian's workers."""
        children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split()
        return [int(child) for child in children if b"resource_tracker" not in _command(int(child))]


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@contextmanager
def product(database_url: str) -> Iterator[Served]:
    """hitl as the web role."""
    with _serve("hitl.embedded.web:application", environment(database_url, HITL_ROLE="web"), "/livez") as served:
        yield served


@contextmanager
def floor(database_url: str) -> Iterator[Served]:
    """The bare application."""
    env = os.environ | {"DATABASE_URL": database_url, "DJANGO_SETTINGS_MODULE": "bench.floor.settings"}
    with _serve("bench.floor.wsgi:application", env, "/") as served:
        yield served


@contextmanager
def _serve(target: str, env: dict[str, str], path: str) -> Iterator[Served]:
    port = _free_port()
    log = HOME / f"{target.split('.')[0]}-{port}.log"
    command = [sys.executable, "-m", "granian", *_GRANIAN, "--port", str(port), target]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=env, cwd=CHECKOUT, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(process, port, path, log)
        yield Served(port, process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _wait(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            connection.getresponse()
            return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise RuntimeError(f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-3000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
