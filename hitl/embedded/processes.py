"""Processes that may outlive whoever started them: tie them to their parent, recognise them later, end them."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.02
_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Process:
    """One row of the process table. `started` is only comparable within one boot; `state` Z is a zombie."""

    pid: int
    group: int
    state: str
    started: int

    @property
    def alive(self) -> bool:
        return self.state not in ("Z", "X")


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """What identifies a process group later: its leader's number and start, and the boot they belong to."""

    group: int
    started: int
    boot: str

    @classmethod
    def of_leader(cls, pid: int) -> "GroupRecord":
        started = next((p.started for p in process_table() if p.pid == pid), 0)
        return cls(pid, started, _boot_id())

    @classmethod
    def load(cls, path: Path) -> "GroupRecord | None":
        """Null when there is no record, or one that a crash cut short."""
        try:
            group, started, boot = path.read_text().split()
            return cls(int(group), int(started), boot)
        except (FileNotFoundError, ValueError):
            return None

    def save(self, path: Path) -> None:
        temporary = path.with_suffix(".new")
        temporary.write_text(f"{self.group} {self.started} {self.boot}")
        temporary.replace(path)

    def members(self) -> list[Process]:
        """Living processes of the group; none when the number now belongs to somebody else."""
        if self.boot != _boot_id():
            return []
        group = [p for p in process_table() if p.group == self.group]
        if any(p.pid == self.group and p.started != self.started for p in group):
            return []
        return [p for p in group if p.alive and p.started >= self.started]


def process_table() -> list[Process]:
    return _from_proc() if Path("/proc/self/stat").exists() else _from_ps()


def _from_proc() -> list[Process]:
    table = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            stat = Path(entry.path, "stat").read_text(errors="replace")
        except OSError:
            continue  # it ended while we looked
        fields = stat.rpartition(")")[2].split()  # the command before ')' may hold anything
        table.append(Process(int(entry.name), int(fields[2]), fields[0], int(fields[19])))
    return table


def _from_ps() -> list[Process]:
    """Where there is no /proc (macOS): start times in whole seconds."""
    command = ["ps", "-A", "-o", "pid=,pgid=,state=,lstart="]
    listing = subprocess.run(command, env=os.environ | {"LC_ALL": "C"}, capture_output=True, text=True, check=True)
    table = []
    for line in listing.stdout.splitlines():
        pid, group, state, started = line.split(None, 3)
        seconds = int(time.mktime(time.strptime(started.strip())))
        table.append(Process(int(pid), int(group), state[0], seconds))
    return table


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except FileNotFoundError:
        return "-"  # start times from `ps` are absolute, so they alone tell boots apart


def tie_to_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn`: the kernel sends `death_signal` when the thread that starts the child dies (Linux only).

    Runs after the change of user, which would clear it again. Start children from the main thread.
    """
    parent = os.getpid()

    def tie() -> None:
        if _prctl is None:
            return
        _prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before the call
            os._exit(1)

    return tie


def wait_until(condition: Callable[[], bool], patience_s: float) -> bool:
    """Poll until the condition holds; false when patience ran out first."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def end(find: Callable[[], Iterable[int]], ladder: Iterable[tuple[signal.Signals, float]]) -> None:
    """Send each signal of the ladder to the processes still found, waiting its seconds for them to go."""
    for number, patience_s in ladder:
        for pid in find():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        if wait_until(lambda: not list(find()), patience_s):
            return


def end_recorded_group(path: Path, ladder: Iterable[tuple[signal.Signals, float]]) -> None:
    """End what an earlier run left in the group recorded at `path`, and forget the record."""
    record = GroupRecord.load(path)
    if record is not None:
        end(lambda: [p.pid for p in record.members()], ladder)
    path.unlink(missing_ok=True)
