"""Keeps services running: passes their output on, restarts what dies, stops all in order. One thread, one loop."""

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from hitl.embedded.binaries import EmbeddedPostgresError
from hitl.embedded.console import Console, LineReader
from hitl.embedded.services import Service

_FIRST_DELAY_S, _LONGEST_DELAY_S = 0.5, 10.0
_SETTLED_S = 30.0  # whoever ran this long starts again without delay growing
_TURN_S = 0.2
_CHUNK = 1 << 16


class StopRequested(Exception):
    """Somebody pressed Ctrl-C, sent SIGTERM, or closed the terminal."""


@dataclass(slots=True)
class _Kept:
    """A service to keep: `output` is null while it is down, `restart_at` (monotonic) while it is up."""

    service: Service
    restarts: bool
    reader: LineReader
    output: int | None = None
    started_at: float = 0.0
    restart_at: float | None = None
    delay_s: float = _FIRST_DELAY_S
    exit_code: int | None = None

    @property
    def running(self) -> bool:
        process = self.service.process
        return process is not None and process.poll() is None


class Supervisor:
    """Make it on the main thread: it takes over SIGINT, SIGTERM, SIGHUP and SIGCHLD."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._selector = selectors.DefaultSelector()
        self._kept: list[_Kept] = []
        self._stop_signals = 0
        self._listen_to_signals()

    def keep(self, service: Service) -> None:
        """Start a service and, from now on, start it again whenever it ends."""
        self._start(self._add(service, restarts=True))

    def run_once(self, service: Service) -> int:
        """Start a program and answer its exit code, while everything kept goes on."""
        kept = self._add(service, restarts=False)
        self._start(kept)
        self.wait_until(lambda: kept.exit_code is not None, None)
        self._kept.remove(kept)
        return kept.exit_code or 0

    def wait_until(self, condition: Callable[[], bool], patience_s: float | None) -> bool:
        """Keep everything running until the condition holds; false when patience (null: endless) ran out first."""
        deadline = None if patience_s is None else time.monotonic() + patience_s
        while not condition():
            if deadline is not None and time.monotonic() > deadline:
                return False
            self._turn()
        return True

    def stop(self, *phases: tuple[str, ...]) -> None:
        """Stop the named services phase by phase, then all others. A further Ctrl-C ends patience."""
        self._stop_signals = 0
        others = tuple(k.service.name for k in self._kept if not any(k.service.name in phase for phase in phases))
        for phase in (*phases, others):
            self._stop_together([k for k in self._kept if k.service.name in phase])

    def _stop_together(self, phase: list[_Kept]) -> None:
        for kept in phase:
            kept.service.ask_to_stop()
        deadline = time.monotonic() + max((k.service.patience_s for k in phase), default=0.0)
        while any(k.running for k in phase) and time.monotonic() < deadline and not self._stop_signals:
            self._pass_output_on()
        for kept in phase:
            if kept.running:
                self._console.line("hitl", f"{kept.service.name} did not stop in time and is killed")
            kept.service.stop()
            self._close_output(kept)

    def _turn(self) -> None:
        self._pass_output_on()
        if self._stop_signals or self._console.gone:
            raise StopRequested
        for kept in list(self._kept):
            if kept.output is not None and not kept.running:
                self._note_end(kept)
            elif kept.restart_at is not None and time.monotonic() >= kept.restart_at:
                self._restart(kept)

    def _note_end(self, kept: _Kept) -> None:
        process = kept.service.process
        kept.exit_code = process.returncode if process is not None else None
        kept.service.stop()  # ends children that outlived it: granian's would keep the port
        self._close_output(kept)
        if kept.restarts:
            self._schedule(kept, f"{kept.service.name} ended ({_describe(kept.exit_code)})")

    def _schedule(self, kept: _Kept, what_happened: str) -> None:
        if time.monotonic() - kept.started_at > _SETTLED_S:
            kept.delay_s = _FIRST_DELAY_S
        self._console.line("hitl", f"{what_happened}; starting it again in {kept.delay_s:g} s")
        kept.restart_at = time.monotonic() + kept.delay_s
        kept.delay_s = min(2 * kept.delay_s, _LONGEST_DELAY_S)

    def _restart(self, kept: _Kept) -> None:
        try:
            self._start(kept)
        except EmbeddedPostgresError as error:
            self._schedule(kept, str(error))

    def _add(self, service: Service, *, restarts: bool) -> _Kept:
        kept = _Kept(service, restarts, LineReader(self._console, service.name))
        self._kept.append(kept)
        return kept

    def _start(self, kept: _Kept) -> None:
        kept.restart_at = None
        kept.started_at = time.monotonic()
        try:
            kept.service.start()
        except Exception:
            self._open_output(kept)
            if not kept.running:
                self._close_output(kept)  # it said why
            raise
        self._open_output(kept)

    def _open_output(self, kept: _Kept) -> None:
        process = kept.service.process
        if process is None or process.stdout is None:
            return
        kept.output = process.stdout.fileno()
        os.set_blocking(kept.output, False)
        self._selector.register(kept.output, selectors.EVENT_READ, kept)

    def _close_output(self, kept: _Kept) -> None:
        if kept.output is None:
            return
        while self._read(kept):
            pass
        kept.reader.finish()
        if kept.output in self._selector.get_map():
            self._selector.unregister(kept.output)
        kept.output = None
        process = kept.service.process
        if process is not None and process.stdout is not None:
            process.stdout.close()

    def _pass_output_on(self) -> None:
        for key, _ in self._selector.select(_TURN_S):
            if isinstance(key.data, _Kept):
                if not self._read(key.data):
                    self._selector.unregister(key.fd)
            else:
                self._wakeup.recv(_CHUNK)

    def _read(self, kept: _Kept) -> bool:
        """Pass one chunk on; false at the end of the output, or when there is none for now."""
        try:
            chunk = os.read(kept.output, _CHUNK) if kept.output is not None else b""
        except BlockingIOError:
            return False
        kept.reader.feed(chunk)
        return bool(chunk)

    def _listen_to_signals(self) -> None:
        """A byte on a socket wakes the loop; without it, a signal between check and wait would go unseen."""
        self._wakeup, waker = socket.socketpair()
        for end in (self._wakeup, waker):
            end.setblocking(False)
        self._waker = waker
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        self._selector.register(self._wakeup, selectors.EVENT_READ, None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _note_stop(self, number: int, frame: FrameType | None) -> None:
        self._stop_signals += 1


def _describe(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return signal.Signals(-exit_code).name
    return f"exit code {exit_code}"
