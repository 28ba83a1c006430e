"""Does a deep queue cost more? One million waiting beside ten thousand, in one queue and spread over a hundred."""

from collections.abc import Iterator

import msgspec
import psycopg

from bench.fill import fill
from bench.load import Outcome
from bench.measure import alternate, rate_of
from bench.plans import Plan
from bench.report import Line, rates
from bench.scale import Scale
from bench.servers import Databases, Served, environment, product, run_python
from bench.world import World

_LEAST = 0.8
_TABLES = ("reviews_case", "reviews_reviewtask", "reviews_claim", "reviews_judgement", "reviews_exclusion")


def deep_queues(databases: Databases, world: World, scale: Scale) -> Iterator[Line]:
    """Claims per second, small case and large case by turns."""
    yield from _one_queue(databases, world, scale)
    yield from _spread(databases, world, scale)


def _one_queue(databases: Databases, world: World, scale: Scale) -> Iterator[Line]:
    small, large = (databases.create(name, like="world") for name in ("small", "large"))
    fill(small, world.template_case, [world.sealed_queue], scale.small)
    _execute(small, "VACUUM ANALYZE")
    _execute(large, *(f"ALTER TABLE {table} SET (autovacuum_enabled = off)" for table in _TABLES), "ANALYZE")
    fill(large, world.template_case, [world.sealed_queue], scale.claimed, claimed=True)
    fill(large, world.template_case, [world.sealed_queue], scale.large)
    job = {"keys": world.reviewers, "queue": "loans", "count": scale.claims}
    many = f"{scale.large:,} waiting"
    with product(small) as few, product(large) as lots:
        stale = f"… with {scale.claimed:,} claimed and statistics from before"
        yield _compare(f"claim, {many} {stale}", few, lots, "claim", job, scale)
        yield _compare(f"claim + decide, {many} {stale}", few, lots, "claim_judge_first_decide", job, scale)
        yield _plans(f"plans of claims, {many} {stale}", large, world)
        _execute(large, "VACUUM ANALYZE")
        yield _compare(f"claim, {many}", few, lots, "claim", job, scale)
        yield _plans("plans of hot queries", large, world, "fresh")
        yield _beside_open_transaction(few, lots, large, job, scale)
    databases.drop("small")
    databases.drop("large")


def _spread(databases: Databases, world: World, scale: Scale) -> Iterator[Line]:
    small, large = (databases.create(name, like="world") for name in ("small", "large"))
    for url, count in ((small, scale.small), (large, scale.large)):
        fill(url, world.template_case, world.spread_queues, count)
        _execute(url, "VACUUM ANALYZE")
    job = {"keys": world.spread_reviewers, "count": scale.claims // 2}
    name = f"claim, {scale.large:,} over {len(world.spread_queues)} queues, reviewers with 20"
    with product(small) as few, product(large) as lots:
        yield _compare(name, few, lots, "claim", job, scale)
    databases.drop("small")
    databases.drop("large")


def _compare(name: str, few: Served, lots: Served, scenario: str, job: dict[str, object], scale: Scale) -> Line:
    deep, shallow = alternate(lambda: lots.load(scenario, **job), lambda: few.load(scenario, **job), scale.rounds)
    return rates(name, "/s", rate_of(deep), rate_of(shallow), _LEAST)


def _beside_open_transaction(few: Served, lots: Served, url: str, job: dict[str, object], scale: Scale) -> Line:
    """Another session keeps an old snapshot: nothing dead can be removed. Counts the last third of the time."""
    before = few.load("claim", **job)
    with psycopg.connect(url) as other:
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        other.execute("SELECT count(*) FROM reviews_queue")
        during = lots.load("claim", **job | {"count": None, "seconds": float(scale.open_transaction_s)})
    after = few.load("claim", **job)
    name = f"claim, {scale.large:,} waiting, after {scale.open_transaction_s} s of an open transaction"
    return rates(name, "/s", _final_rate(during), rate_of([before, after]), _LEAST)


def _final_rate(outcome: Outcome) -> float:
    start = outcome.wall_s * 2 / 3
    return sum(ended > start for ended, _ in outcome.steps["claim"]) / (outcome.wall_s - start)


def _plans(name: str, url: str, world: World, *which: str) -> Line:
    answer = run_python(["-m", "bench.plans", *which], environment(url, HITL_ROLE="web"), msgspec.json.encode(world))
    plans = msgspec.json.decode(answer, type=list[Plan])
    wrong = [f"{plan.query}: {', '.join(plan.used)}" for plan in plans if not plan.ok]
    return Line(name, "; ".join(wrong) or f"{len(plans)} by index", goal="by index", ok=not wrong)


def _execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
