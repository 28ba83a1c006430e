"""What the supervisor runs: programs of ours, and PostgreSQL, behind one small interface."""

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from hitl.embedded.processes import GroupRecord, end_recorded_group, tie_to_parent

_NO_MERCY = ((signal.SIGKILL, 5.0),)
_LEFTOVER_LADDER = ((signal.SIGTERM, 3.0), *_NO_MERCY)


class Service(Protocol):
    """`process` is null before the first start; its standard output is a pipe. `patience_s` limits a polite stop."""

    @property
    def name(self) -> str: ...
    @property
    def patience_s(self) -> float: ...
    @property
    def process(self) -> subprocess.Popen[bytes] | None: ...
    def start(self) -> object: ...
    def ask_to_stop(self) -> None: ...
    def stop(self) -> None:
        """End at once whatever is left of it, however it came to end; nothing to do is fine."""


class Program:
    """A command in a process group of its own, recorded in `records` so that a later run can end it."""

    def __init__(
        self, name: str, command: list[str], *, environment: Mapping[str, str], records: Path, patience_s: float = 10.0
    ) -> None:
        self.name = name
        self.patience_s = patience_s
        self.process: subprocess.Popen[bytes] | None = None
        self._command = command
        self._environment = environment
        self._record = records / f"{name}.group"

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment,
            cwd=Path(__file__).resolve().parents[2],
            start_new_session=True,
            preexec_fn=tie_to_parent(signal.SIGTERM),  # noqa: PLW1509 - the supervisor has no threads
        )
        GroupRecord.of_leader(self.process.pid).save(self._record)

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGTERM)

    def stop(self) -> None:
        end_recorded_group(self._record, _NO_MERCY)
        if self.process is not None:
            self.process.wait()


def end_leftovers(records: Path) -> list[str]:
    """End the programs an earlier, killed supervisor left behind; answers whose records there were."""
    found = sorted(records.glob("*.group"))
    for record in found:
        end_recorded_group(record, _LEFTOVER_LADDER)
    return [record.stem for record in found]
