"""What was measured, as a table, as JSON, and as docs/performance.md."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

CHECKOUT = Path(__file__).resolve().parents[1]
RESULTS = CHECKOUT / "bench" / "results"
DOCUMENT = CHECKOUT / "docs" / "performance.md"
_BEGIN, _END = "<!-- results: begin -->", "<!-- results: end -->"


class Line(msgspec.Struct, frozen=True):
    """One measurement. `beside` is what it is compared with (the floor, or the small case); `ok` null: no goal."""

    metric: str
    product: str
    beside: str = ""
    ratio: float | None = None
    goal: str = ""
    ok: bool | None = None


class Machine(msgspec.Struct, frozen=True):
    cores: int
    memory_gib: int
    postgresql: str
    python: str
    system: str

    def __str__(self) -> str:
        return (
            f"{self.cores} cores, {self.memory_gib} GiB of memory, {self.system}, PostgreSQL {self.postgresql}, "
            f"Python {self.python}"
        )


class Results(msgspec.Struct, frozen=True):
    """`scale` says what was shortened, if anything."""

    at: str
    machine: Machine
    scale: str
    load_before: float
    lines: list[Line]


def rates(metric: str, unit: str, product: float, beside: float, least: float, wish: float | None = None) -> Line:
    """A line whose goal is a ratio of two rates."""
    ratio = product / beside
    goal = f"≥ {least:g}" + (f", wish {wish:g}" if wish else "")
    return Line(metric, f"{product:,.0f} {unit}", f"{beside:,.0f} {unit}", round(ratio, 2), goal, ratio >= least)


def describe_machine(postgresql: str) -> Machine:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    system = f"{platform.system()} {platform.machine()}"
    return Machine(os.cpu_count() or 1, round(memory / 2**30), postgresql, platform.python_version(), system)


def gather(lines: Sequence[Line], postgresql: str, scale: str, load_before: float) -> Results:
    at = datetime.now(UTC).isoformat(timespec="minutes")
    return Results(at, describe_machine(postgresql), scale, round(load_before, 1), list(lines))


def table(lines: Sequence[Line]) -> str:
    """A Markdown table that also reads well in a terminal."""
    rows = [("metric", "product", "beside", "ratio", "goal", "ok")]
    rows += [
        (x.metric, x.product, x.beside, "" if x.ratio is None else f"{x.ratio:.2f}", x.goal, _said(x.ok)) for x in lines
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(6)]
    text = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def _said(ok: bool | None) -> str:
    return "" if ok is None else "yes" if ok else "NO"


def keep(results: Results) -> Path:
    """Write the results as JSON; git ignores them."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{results.at.replace(':', '')[:15]}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results)))
    return path


def write_document(results: Results) -> None:
    """Replace the results in docs/performance.md; the words around them stay."""
    text = DOCUMENT.read_text()
    head, _, rest = text.partition(_BEGIN)
    tail = rest.partition(_END)[2]
    note = (
        f"Measured {results.at[:10]} on {results.machine}; {results.scale}. "
        f"Load average before: {results.load_before:g}."
    )
    DOCUMENT.write_text(f"{head}{_BEGIN}\n{note}\n\n{table(results.lines)}\n{_END}{tail}")
