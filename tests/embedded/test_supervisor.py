"""The supervisor: passes output on, starts again what dies, leaves nobody behind. Stand-in programs, real processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hitl.embedded.processes import GroupRecord, end_recorded_group, process_table, wait_until
from hitl.embedded.services import end_leftovers

PATIENCE_S = 60.0

# A service with a child of its own, as granian and Celery have; both write their numbers, so a test can find them.
SERVICE = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()} {child.pid}\\n")
print("up", flush=True)
time.sleep(600)
"""
SUPERVISOR = """
import sys
from pathlib import Path
from hitl.embedded.console import Console
from hitl.embedded.services import Program
from hitl.embedded.supervisor import StopRequested, Supervisor
service, started, records = sys.argv[1:]
supervisor = Supervisor(Console())
def program(name, *command):
    return Program(name, [sys.executable, *command], environment={}, records=Path(records))
try:
    supervisor.keep(program("web", "-c", service, started))
    chatter = "print('10%\\\\r100%'); print('last', end=''); raise SystemExit(3)"
    code = supervisor.run_once(program("migrate", "-c", chatter))
    print("exit code", code, flush=True)
    supervisor.wait_until(lambda: False, None)
except StopRequested:
    pass
finally:
    supervisor.stop(("web",))
"""

QUICK = """
import sys
from pathlib import Path
from hitl.embedded.console import Console
from hitl.embedded.services import Program
from hitl.embedded.supervisor import Supervisor
class Quick(Program):
    def start(self):
        super().start()
        self.process.wait()
program = Quick("quick", [sys.executable, "-c", "raise SystemExit(3)"], environment={}, records=Path(sys.argv[1]))
print("exit code", Supervisor(Console()).run_once(program))
"""


class Run:
    """One supervisor as a process; its log is a file, so that reading it never waits."""

    def __init__(self, folder: Path) -> None:
        self.started = folder / "started"
        self.records = folder / "records"
        self.records.mkdir(exist_ok=True)
        self.log = folder / "log"
        with self.log.open("wb") as log:
            command = [sys.executable, "-c", SUPERVISOR, SERVICE, str(self.started), str(self.records)]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def families(self) -> list[list[int]]:
        """Per start of the service: its number and its child's."""
        if not self.started.exists():
            return []
        return [[int(pid) for pid in line.split()] for line in self.started.read_text().splitlines()]

    def wait_for_start(self, number: int) -> list[int]:
        assert wait_until(lambda: len(self.families()) >= number, PATIENCE_S), self.log.read_text()
        return self.families()[number - 1]

    def wait_for_log(self, text: str) -> None:
        assert wait_until(lambda: text in self.log.read_text(), PATIENCE_S), self.log.read_text()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path)
    yield run
    run.process.kill()
    run.process.wait()
    end_leftovers(run.records)


def all_gone(pids: list[int]) -> bool:
    return not any(p.alive for p in process_table() if p.pid in pids)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_good_order(run: Run, number: signal.Signals) -> None:
    family = run.wait_for_start(1)
    run.wait_for_log("exit code")
    run.process.send_signal(number)
    assert run.process.wait(PATIENCE_S) == 0
    assert all_gone(family)
    assert list(run.records.iterdir()) == []


def test_output_comes_in_whole_lines_with_the_name_of_who_said_it(run: Run) -> None:
    run.wait_for_log("exit code 3")
    run.wait_for_log("up")
    lines = run.log.read_text().splitlines()
    assert {"     web | up", " migrate | 100%", " migrate | last"} <= set(lines)


def test_a_program_that_ends_before_anyone_looks_is_noticed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", QUICK, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert "exit code 3" in ended.stdout


def test_a_killed_service_starts_again_without_its_old_children(run: Run) -> None:
    first = run.wait_for_start(1)
    os.kill(first[0], signal.SIGKILL)
    second = run.wait_for_start(2)
    assert all_gone(first)
    assert not all_gone(second)
    run.wait_for_log("web ended (SIGKILL); starting it again")


def test_a_killed_supervisor_takes_its_services_with_it_and_the_next_run_the_rest(run: Run) -> None:
    family = run.wait_for_start(1)
    run.process.kill()
    run.process.wait()
    assert wait_until(lambda: all_gone(family[:1]), PATIENCE_S)
    assert end_leftovers(run.records)
    assert all_gone(family)


def test_a_record_whose_number_now_belongs_to_somebody_else_ends_nobody(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    true_record = GroupRecord.of_leader(stranger.pid)
    record = tmp_path / "web.group"
    for stale in (
        GroupRecord(true_record.group, true_record.started - 1, true_record.boot),
        GroupRecord(true_record.group, true_record.started, "another-boot"),
    ):
        stale.save(record)
        end_recorded_group(record, [(signal.SIGKILL, 1.0)])
        assert stranger.poll() is None
    true_record.save(record)
    end_recorded_group(record, [(signal.SIGKILL, 10.0)])
    assert stranger.wait() == -signal.SIGKILL


def test_an_orphaned_worker_ends_by_itself(tmp_path: Path) -> None:
    """What web workers and pool processes do when their server or worker was killed."""
    child = "from hitl.embedded.lifeline import exit_with_parent; exit_with_parent(); import time; time.sleep(600)"
    parent_code = "import subprocess, sys, time\np = subprocess.Popen([sys.executable, '-c', sys.argv[1]])\n"
    parent_code += "print(p.pid, flush=True); time.sleep(600)"
    parent = subprocess.Popen([sys.executable, "-c", parent_code, child], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    orphan = int(parent.stdout.readline())
    wait_until_running_python(orphan)
    parent.kill()
    parent.wait()
    assert wait_until(lambda: all_gone([orphan]), PATIENCE_S)


def wait_until_running_python(pid: int) -> None:
    """Its lifeline thread is there: two tasks."""
    assert wait_until(lambda: len(list(Path(f"/proc/{pid}/task").iterdir())) == 2, PATIENCE_S)
