"""Against the floor: submit, batch, claim and decide; and what a web worker weighs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psycopg

from bench.fill import fill
from bench.floor.views import SCHEMA
from bench.load import Outcome
from bench.report import Line, rates
from bench.scale import Scale
from bench.servers import Databases, Served, floor, product
from bench.world import World

_FLOOR_ROWS = """
INSERT INTO floor_case (priority, payload)
SELECT random(), jsonb_build_object('text', repeat('The applicant asks for a loan. ', 31)) FROM generate_series(1, %s)
"""
_CLIENT_SHARE = 0.5  # of one core; above it the client itself would be measured
_MIB = 1 << 20


def against_the_floor(databases: Databases, world: World, scale: Scale) -> Iterator[Line]:
    """Rounds alternate between product and floor, so that both meet the same weather."""
    with _both(databases, world, scale) as (ours, bare):
        yield _submit(ours, bare, world, scale)
        yield _batch(ours, world, scale)
        yield from _claim_and_decide(ours, bare, world, scale)
        yield from _weight(ours)


@contextmanager
def _both(databases: Databases, world: World, scale: Scale) -> Iterator[tuple[Served, Served]]:
    ours = databases.create("main", like="world")
    for queue in (world.open_queue, world.sealed_queue):
        fill(ours, world.template_case, [queue], scale.small)
    _analyze(ours)
    bare = databases.create("floor")
    with psycopg.connect(bare) as connection:
        connection.execute(SCHEMA)
        connection.execute(_FLOOR_ROWS, [2 * scale.small])
    _analyze(bare)
    with product(ours) as served, floor(bare) as beside:
        yield served, beside
    databases.drop("main")
    databases.drop("floor")


def _submit(ours: Served, bare: Served, world: World, scale: Scale) -> Line:
    def ask() -> Outcome:
        return ours.load("submit", seconds=scale.seconds, keys=[world.partner])

    mine, theirs = alternate(ask, lambda: bare.load("floor_insert", seconds=scale.seconds), scale.rounds)
    return rates("submit one case (floor: insert)", "/s", rate_of(mine), rate_of(theirs), 0.3, 0.5)


def _batch(ours: Served, world: World, scale: Scale) -> Line:
    size = 500
    runs = [ours.load("submit_batch", seconds=scale.seconds, keys=[world.partner], batch=size) for _ in range(2)]
    rate = rate_of(runs) * size
    return Line(f"submit in batches of {size}", f"{rate:,.0f} cases/s", goal="≥ 3,000", ok=rate >= 3000)


def _claim_and_decide(ours: Served, bare: Served, world: World, scale: Scale) -> Iterator[Line]:
    def ask() -> Outcome:
        return ours.load("claim_decide", seconds=scale.seconds, keys=world.reviewers, queue="open")

    mine, theirs = alternate(ask, lambda: bare.load("floor_claim_decide", seconds=scale.seconds), scale.rounds)
    yield rates("claim + decide, two requests", "/s", rate_of(mine), rate_of(theirs), 0.35, 0.6)
    took = sorted(ms for outcome in mine for ms in outcome.latencies())
    half, nearly_all = took[len(took) // 2], took[int(len(took) * 0.99)]
    yield Line(
        "… each request, p50 and p99", f"{half:.1f} and {nearly_all:.1f} ms", goal="p99 < 60 ms", ok=nearly_all < 60
    )
    share = max(outcome.cpu_s / outcome.wall_s for outcome in (*mine, *theirs))
    yield Line(
        "… the client's share of one core", f"{share:.0%}", goal=f"< {_CLIENT_SHARE:.0%}", ok=share < _CLIENT_SHARE
    )
    three = ours.load("claim_judge_first_decide", seconds=scale.seconds, keys=world.reviewers, queue="loans")
    yield Line("claim + judge first + decide, three requests", f"{three.rate:,.0f} /s")


def _weight(ours: Served) -> Iterator[Line]:
    """Resident memory of the heaviest worker after all this work."""
    resident = max(_resident_bytes(pid) for pid in ours.workers()) / _MIB
    yield Line("web worker, resident memory", f"{resident:.0f} MiB", goal="< 150", ok=resident < 150)
    heavy = any("numpy" in Path(f"/proc/{pid}/maps").read_text() for pid in ours.workers())
    yield Line("web worker, numpy loaded", "yes" if heavy else "no", goal="no", ok=not heavy)


def _resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))


def alternate(
    first: Callable[[], Outcome], second: Callable[[], Outcome], rounds: int
) -> tuple[list[Outcome], list[Outcome]]:
    """A B A B …, after one unmeasured round of each to warm up."""
    first(), second()
    pairs = [(first(), second()) for _ in range(rounds)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def rate_of(outcomes: list[Outcome]) -> float:
    """Median of the rounds' cycles per second."""
    return median(outcome.rate for outcome in outcomes)


def _analyze(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
