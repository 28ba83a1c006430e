"""Many programs' output on one terminal: whole lines, each with the aligned, coloured name of who said it."""

import os
import sys
from collections.abc import Iterable

_COLOURS = {"hitl": 1, "web": 32, "worker": 36, "beat": 35, "postgres": 34, "migrate": 33, "demo": 33}
_WIDTH = max(len(name) for name in _COLOURS)
_ERASE = "\r\x1b[K"


class Console:
    """Writes to standard output. One that went away (a closed pipe or terminal) sets `gone` and stays silent."""

    def __init__(self) -> None:
        self.gone = False
        self._terminal = sys.stdout.isatty()
        self._coloured = self._terminal and "NO_COLOR" not in os.environ
        self._passing = False

    def line(self, name: str, text: str) -> None:
        self._write(f"{self._prefix(name)} {text}\n", passing=False)

    def lines(self, name: str, texts: Iterable[str]) -> None:
        for text in texts:
            self.line(name, text)

    def passing_line(self, name: str, text: str) -> None:
        """A progress bar's state, overwritten by whatever comes next; only a terminal shows it."""
        if self._terminal:
            self._write(f"{self._prefix(name)} {text}", passing=True)

    def _prefix(self, name: str) -> str:
        label = f"{name:>{_WIDTH}} |"
        return f"\x1b[{_COLOURS.get(name, 0)}m{label}\x1b[0m" if self._coloured else label

    def _write(self, text: str, *, passing: bool) -> None:
        if self.gone:
            return
        try:
            sys.stdout.write((_ERASE if self._passing else "") + text)
            sys.stdout.flush()
        except OSError:
            self.gone = True
            # Python flushes standard output once more on exit; let that succeed.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        self._passing = passing


class LineReader:
    """Splits what one program writes into lines for the console. Carriage returns mark progress, not lines."""

    def __init__(self, console: Console, name: str) -> None:
        self._console = console
        self._name = name
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self._console.lines(self._name, map(_last_state, lines))
        if b"\r" in self._rest:
            self._console.passing_line(self._name, _last_state(self._rest))

    def finish(self) -> None:
        if self._rest:
            self._console.line(self._name, _last_state(self._rest))
        self._rest = b""


def _last_state(line: bytes) -> str:
    return line.rstrip(b"\r").rpartition(b"\r")[2].decode(errors="replace")
