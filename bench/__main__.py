"""`python -m bench [--quick] [--only PART …] [--write-docs]`: measure, print a table, keep the results.

Uses the server of DATABASE_URL, where it makes and drops databases named hitl_bench_…; else an embedded PostgreSQL of
its own below var/bench. Exit code 1 when a goal is missed.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from bench.depth import deep_queues
from bench.engine import engine_speed
from bench.export import exporting
from bench.measure import against_the_floor
from bench.metrics import metrics_pages
from bench.race import exclusive
from bench.replay import replaying
from bench.report import Line, gather, keep, table, write_document
from bench.scale import FULL, QUICK
from bench.servers import HOME, Databases, environment, run_python
from bench.studies import studying
from bench.world import World

PARTS = {
    "floor": against_the_floor,
    "depth": deep_queues,
    "race": exclusive,
    "replay": replaying,
    "export": exporting,
    "engine": engine_speed,
    "metrics": metrics_pages,
    "studies": studying,
}


def main() -> int:
    arguments = _parse()
    scale = QUICK if arguments.quick else FULL
    load_before = os.getloadavg()[0]
    lines: list[Line] = []
    with _server() as databases:
        world = _world(databases)
        for part in arguments.only or PARTS:
            for line in PARTS[part](databases, world, scale):
                lines.append(line)
                _say(table([line]).splitlines()[-1])
        results = gather(lines, databases.version(), scale.name, load_before)
    print(table(results.lines))
    _say(f"kept in {keep(results).relative_to(HOME.parents[1])}")
    if arguments.write_docs:
        write_document(results)
    return int(any(line.ok is False for line in lines))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few minutes instead of half an hour")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=f"some of: {', '.join(PARTS)}")
    parser.add_argument("--write-docs", action="store_true", help="put the results into docs/performance.md")
    return parser.parse_args()


@contextmanager
def _server() -> Iterator[Databases]:
    from hitl.embedded.postgres import EmbeddedPostgres

    HOME.mkdir(parents=True, exist_ok=True)
    given = os.environ.get("DATABASE_URL")
    postgres = None if given else EmbeddedPostgres(HOME)
    databases = Databases(given or postgres.start())  # type: ignore[union-attr]
    try:
        yield databases
    finally:
        databases.drop_all()
        if postgres is not None:
            postgres.destroy()
        shutil.rmtree(HOME, ignore_errors=True)


def _world(databases: Databases) -> World:
    _say("making a workspace to measure in")
    url = databases.create("world")
    run_python(["manage.py", "migrate", "--noinput", "--skip-checks", "--verbosity", "0"], environment(url))
    return msgspec.json.decode(run_python(["-m", "bench.world"], environment(url)), type=World)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
