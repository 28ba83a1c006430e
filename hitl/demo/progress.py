"""A progress bar on a terminal, plain lines in a log."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

Advance = Callable[[int], object]
"""Called with how many more steps are finished."""


@contextmanager
def progress(title: str, total: int, stream: TextIO | None = None) -> Iterator[Advance]:
    """Show how far a stage of `total` steps is: a bar on a terminal where tqdm is installed, else a few lines."""
    out = stream or sys.stdout
    if out.isatty():
        try:
            from tqdm import tqdm
        except ImportError:
            pass
        else:
            with tqdm(total=total, desc=title, file=out, unit="") as shown:
                yield shown.update
            return
    lines = _Lines(title, total, out)
    yield lines.advance


class _Lines:
    """A line at the start and at every quarter."""

    def __init__(self, title: str, total: int, out: TextIO) -> None:
        self._title, self._total, self._out = title, total, out
        self._done, self._quarter = 0, 0
        self._say()

    def advance(self, done: int) -> None:
        self._done += done
        quarter = 4 * self._done // self._total if self._total else 4
        if quarter > self._quarter:
            self._quarter = quarter
            self._say()

    def _say(self) -> None:
        print(f"{self._title}: {self._done} of {self._total}", file=self._out, flush=True)
