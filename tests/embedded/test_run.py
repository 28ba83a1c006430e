"""`make run` as a person starts it: ready, private, one at a time, back after kills, and gone after Ctrl-C."""

import http.client
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hitl.embedded.home import Home, HomeInUseError
from hitl.embedded.postgres import EmbeddedPostgres
from hitl.embedded.processes import GroupRecord, wait_until
from hitl.embedded.services import end_leftovers

PATIENCE_S = 120.0
OWN_SERVERS = {"DATABASE_URL", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE", "HITL_SECRET_KEY"}


class Run:
    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port = home, port
        environment = {k: v for k, v in os.environ.items() if k not in OWN_SERVERS}
        environment |= {"HITL_HOME": str(home), "PORT": str(port), "HITL_DEMO": "0"}
        self.log = home.parent / "log"
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "hitl.embedded.run"]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)

    def ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def wait_until_ready(self) -> None:
        assert wait_until(self.ready, PATIENCE_S), self.log.read_text()

    def says(self, text: str) -> bool:
        return text in self.log.read_text()

    def leader(self, name: str) -> int:
        """Number of the program's first process, 0 while it is down."""
        record = GroupRecord.load(self.home / "run" / f"{name}.group")
        return record.group if record is not None and record.members() else 0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "home"
    yield path
    end_leftovers(Home(path).records)
    EmbeddedPostgres(path).destroy()


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_secret_key_is_random_kept_and_private(home: Path) -> None:
    key = Home(home).secret_key()
    assert len(key) >= 50
    assert Home(home).secret_key() == key
    assert stat.S_IMODE((home / "secret-key").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_home_has_one_user_at_a_time(home: Path) -> None:
    first = Home(home)
    first.lock()
    with pytest.raises(HomeInUseError, match=str(os.getpid())):
        Home(home).lock()


def test_a_taken_port_is_refused_by_number(home: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        run = Run(home, port)
        assert run.process.wait(PATIENCE_S) == 1
    assert run.says(f"Port {port}")


@pytest.mark.soak
def test_everything_runs_survives_kills_and_stops(home: Path, port: int) -> None:
    run = Run(home, port)
    run.wait_until_ready()
    assert wait_until(lambda: run.says(" ready.") and run.says("maxinterval"), PATIENCE_S), run.log.read_text()
    for name in ("web", "worker", "beat"):
        killed = run.leader(name)
        os.kill(killed, signal.SIGKILL)
        assert wait_until(lambda n=name, k=killed: run.leader(n) not in (0, k), PATIENCE_S), run.log.read_text()
    run.wait_until_ready()
    run.process.kill()
    run.process.wait()
    again = Run(home, port)
    again.wait_until_ready()
    again.process.send_signal(signal.SIGINT)
    assert again.process.wait(PATIENCE_S) == 0
    assert not again.ready()
    assert list((home / "run").iterdir()) == []
