"""`make run`: database, migrations, web server, Celery worker and beat, and the demo, until Ctrl-C.

PORT (8000) and HITL_HOME (`var/`) relocate it; DATABASE_URL and CELERY_BROKER_URL, where set, name servers to use
instead of our own; HITL_DEMO=0 leaves the demo out.
"""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping

from hitl.embedded.binaries import EmbeddedPostgresError
from hitl.embedded.console import Console
from hitl.embedded.home import CHECKOUT, Home, HomeInUseError
from hitl.embedded.migrations import migrated_state
from hitl.embedded.postgres import EmbeddedPostgres
from hitl.embedded.services import Program, end_leftovers
from hitl.embedded.supervisor import StopRequested, Supervisor

HOST = "127.0.0.1"
_READY_PATIENCE_S = 90.0
# Nobody asks for more work, then the worker finishes what it has, then the database.
_STOP_ORDER = (("demo", "migrate", "beat", "web"), ("worker",), ("postgres",))


class StartError(RuntimeError):
    """hitl cannot start here; the message says why."""


def main() -> int:
    console = Console()
    supervisor = Supervisor(console)
    try:
        port = _port()
        home = Home.from_environment()
        home.lock()
        end_leftovers(home.records)
        _refuse_taken(port)
    except (StartError, HomeInUseError) as error:
        console.line("hitl", str(error))
        return 1
    try:
        _run(supervisor, console, home, port)
    except StopRequested:
        console.line("hitl", "stopping; press Ctrl-C again to stop at once")
        return 0
    except (StartError, EmbeddedPostgresError) as error:
        console.line("hitl", str(error))
        return 1
    finally:
        supervisor.stop(*_STOP_ORDER)
        console.line("hitl", "stopped")
    return 0


def _run(supervisor: Supervisor, console: Console, home: Home, port: int) -> None:
    """Ends only by an exception."""
    environment = home.environment(port)
    if not environment.get("DATABASE_URL"):
        postgres = EmbeddedPostgres(home.path, log=subprocess.PIPE)
        supervisor.keep(postgres)
        environment["DATABASE_URL"] = postgres.url
    if not environment.get("CELERY_BROKER_URL"):
        from hitl.embedded.broker import filesystem_broker  # kombu is slow to import, and may not be needed

        environment["CELERY_BROKER_URL"] = filesystem_broker(home.path)[0]
    programs = _Programs(home, environment, port)
    _migrate(supervisor, programs, home, environment["DATABASE_URL"])
    supervisor.keep(programs.web())
    if not supervisor.wait_until(_Readiness(port), _READY_PATIENCE_S):
        raise StartError(f"The web server was not ready within {_READY_PATIENCE_S:g} s; it says why above.")
    console.line("hitl", f"ready at http://{HOST}:{port}")
    for program in (programs.worker(), programs.beat()):  # not beside the web server: it would be ready seconds later
        supervisor.keep(program)
    if os.environ.get("HITL_DEMO") != "0":
        if supervisor.run_once(programs.manage("demo", "load_demo")):
            console.line("hitl", "the demo was not loaded; it says why above")
        _show_logins(console, home, port)
    supervisor.wait_until(lambda: False, None)


def _migrate(supervisor: Supervisor, programs: "_Programs", home: Home, database_url: str) -> None:
    noted = home.path / "migrated"
    state = migrated_state(database_url)
    if state is not None and noted.exists() and noted.read_text() == state:
        return
    if supervisor.run_once(programs.manage("migrate", "migrate", "--noinput", "--skip-checks")):
        raise StartError("The migrations failed; they say why above.")
    noted.write_text(migrated_state(database_url) or "")


class _Programs:
    """The commands, with the environment each needs."""

    def __init__(self, home: Home, environment: Mapping[str, str], port: int) -> None:
        self._home = home
        self._environment = environment
        self._port = port

    def manage(self, name: str, *arguments: str) -> Program:
        return self._program(name, [str(CHECKOUT / "manage.py"), *arguments])

    def web(self) -> Program:
        options = ["--interface", "wsgi", "--host", HOST, "--port", str(self._port), "--no-ws"]
        options += ["--workers", "2", "--blocking-threads", "2", "--workers-kill-timeout", "5"]
        options += ["--respawn-failed-workers", "--respawn-interval", "0.5"]
        return self._program("web", ["-m", "granian", *options, "hitl.embedded.web:application"])

    def worker(self) -> Program:
        options = ["--concurrency", "2", "--loglevel", "INFO", "--include", "hitl.embedded.pool"]
        options += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        return self._program("worker", ["-m", "celery", "-A", "hitl", "worker", *options], patience_s=20.0)

    def beat(self) -> Program:
        schedule = self._home.path / "celerybeat-schedule"
        options = ["--loglevel", "INFO", "--pidfile=", "--schedule", str(schedule)]
        return self._program("beat", ["-m", "celery", "-A", "hitl", "beat", *options])

    def _program(self, name: str, arguments: list[str], patience_s: float = 10.0) -> Program:
        return Program(
            name,
            [sys.executable, *arguments],
            environment={**self._environment, "HITL_ROLE": name},
            records=self._home.records,
            patience_s=patience_s,
        )


def _port() -> int:
    text = os.environ.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 1 << 16:
        raise StartError(f"PORT is {text!r}, not a number from 1 to 65535.")
    return int(text)


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise StartError(f"Port {port}: {error.strerror}. Choose another, say PORT=8001 make run") from None


class _Readiness:
    """Whether /readyz says so; asked at most every quarter of a second, because each question is a line in the log."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ask_at = 0.0

    def __call__(self) -> bool:
        if time.monotonic() < self._ask_at:
            return False
        self._ask_at = time.monotonic() + 0.25
        connection = http.client.HTTPConnection(HOST, self._port, timeout=1.0)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _show_logins(console: Console, home: Home, port: int) -> None:
    demo = home.demo_credentials()
    if demo is None:
        return
    console.line("hitl", f"sign in at http://{HOST}:{port}/login (workspace {demo.workspace})")
    for user in demo.users.values():
        console.line("hitl", f"  {user.username:<8} {user.password}  {user.role}")


if __name__ == "__main__":
    sys.exit(main())
