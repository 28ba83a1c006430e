"""A policy of 20 rules tried on a hundred thousand stored cases: by the command, and by one Celery worker against two.

The cases are SQL copies of one really submitted case, each with features of its own; three in ten have a label.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg

from bench.fill import _ID, _copy, _without_foreign_key_checks
from bench.report import Line
from bench.scale import Scale
from bench.servers import CHECKOUT, Databases, environment, run_python
from bench.world import World

_GOAL_S = 20.0
_PLAN = f"""
CREATE TEMP TABLE filled AS
SELECT g, {_ID} AS case_id, {_ID} AS routing_id, 0.5 + random() / 2 AS confidence, random() * 20000 AS amount,
       random() AS risk, random() AS draw, (ARRAY['EU', 'US', 'APAC', 'LATAM'])[1 + g %% 4] AS region,
       now() - random() * interval '30 days' AS at
FROM generate_series(1, %(count)s) g
"""
_FEATURES = """t.features || jsonb_build_object(
  'confidence', f.confidence, 'amount', f.amount, 'risk_score', f.risk, 'complexity', f.risk / 2,
  'probabilities', jsonb_build_object('approve', f.confidence, 'reject', 1 - f.confidence),
  'segments', jsonb_build_object('region', f.region), 'has_appeal', mod(f.g, 50) = 0)"""
_LABELS = """
INSERT INTO feedback_traininglabel (case_id, workspace_id, task_type_id, label, weight, source, factors, unaided_label,
  selection_probability, model_label, model_version, confidence_source, confidence, updated_at)
SELECT c.id, c.workspace_id, c.task_type_id, v.label, 1, 'outcome', '{}', v.label, 1, 'approve', c.model_version,
       'probability', 0.9, now()
FROM reviews_case c, LATERAL (SELECT CASE WHEN random() < 0.05 THEN 'reject' ELSE 'approve' END AS label) v
WHERE random() < 0.3
"""
_DRAFT = """
INSERT INTO routing_policyversion (id, workspace_id, policy_id, number, status, document, note, created_at)
SELECT gen_random_uuid(), workspace_id, policy_id, 2, 'draft', document || %s::jsonb, '', now()
FROM routing_policyversion WHERE number = 1
"""


def replaying(databases: Databases, world: World, scale: Scale) -> Iterator[Line]:
    """By the command with two processes, and by one Celery worker process against two."""
    url = databases.create("replay", like="world")
    _fill(url, world.template_case, scale.replayed)
    command = min(_run(environment(url), 2, scale.replayed) for _ in range(2))
    celery = {}
    for workers in (1, 2):
        with _celery(url, workers) as env:
            celery[workers] = min(_run(env, 0, scale.replayed) for _ in range(2))
    databases.drop("replay")
    goal = _GOAL_S * scale.replayed / 100_000
    asked = f"Replay of {scale.replayed:,} cases through 20 rules"
    yield Line(f"{asked}, command with two processes", f"{command:.1f} s", goal=f"< {goal:g} s", ok=command < goal)
    one, two = celery[1], celery[2]
    yield Line(f"{asked}, two Celery workers", f"{two:.1f} s", goal=f"< {goal:g} s", ok=two < goal)
    gain = one / two
    yield Line("Two Celery workers against one", f"{two:.1f} s", f"{one:.1f} s", round(gain, 2), "≥ 1.5", gain >= 1.5)


def _run(env: dict[str, str], processes: int, count: int) -> float:
    """Seconds from asking to the finished result, as the job itself recorded them."""
    arguments = ["manage.py", "replay_policy", "loan", "2", "--processes", str(processes), "--limit", str(count)]
    run_python(arguments, env)
    with psycopg.connect(env["DATABASE_URL"]) as connection:
        row = connection.execute(
            "SELECT status, (result->>'n')::int, extract(epoch FROM finished_at - created_at)"
            " FROM feedback_replayjob ORDER BY id DESC LIMIT 1"
        ).fetchone()
    if row is None or row[:2] != ("done", count):
        raise RuntimeError(f"the replay ended as {row}")
    return float(row[2])


@contextmanager
def _celery(url: str, workers: int) -> Iterator[dict[str, str]]:
    """That many worker processes on the embedded broker, and the environment in which to ask for a replay."""
    from hitl.embedded.broker import filesystem_broker

    with tempfile.TemporaryDirectory() as home:
        env = environment(url, CELERY_BROKER_URL=filesystem_broker(Path(home))[0], HITL_LOG_LEVEL="INFO")
        options = ["--concurrency", "1", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        logs = [Path(home) / f"worker-{n}.log" for n in range(workers)]
        running = []
        try:
            for n, log in enumerate(logs):
                command = [sys.executable, "-m", "celery", "-A", "hitl", "worker", "-n", f"bench{n}@%h", *options]
                with log.open("wb") as output:
                    running.append(subprocess.Popen(command, env=env, cwd=CHECKOUT, stdout=output, stderr=output))
            _wait_ready(logs)
            yield env
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(30)


def _wait_ready(logs: list[Path]) -> None:
    until = time.monotonic() + 60
    while not all(b" ready." in log.read_bytes() for log in logs):
        if time.monotonic() > until:
            raise RuntimeError(f"a worker did not start:\n{logs[0].read_text()[-2000:]}")
        time.sleep(0.1)


def _fill(url: str, template_case: str, count: int) -> None:
    case = {"id": "f.case_id", "external_id": "NULL", "subject": "NULL", "created_at": "f.at"}
    routing = {
        "id": "f.routing_id",
        "case_id": "f.case_id",
        "draw": "f.draw",
        "features": _FEATURES,
        "action": "CASE WHEN f.confidence >= 0.9 THEN 'automate' ELSE 'review' END",
        "tier": "CASE WHEN f.confidence >= 0.9 THEN 'automated' ELSE 'tier-1' END",
        "selection_probability": "CASE WHEN f.confidence >= 0.9 THEN 0.05 ELSE 1 END",
        "action_propensity": "CASE WHEN f.confidence >= 0.9 THEN 0.95 ELSE 1 END",
        "created_at": "f.at",
    }
    with psycopg.connect(url, autocommit=True) as connection:
        _without_foreign_key_checks(connection)
        connection.execute("DELETE FROM reviews_reviewtask")
        connection.execute(_PLAN, {"count": count})
        _copy(connection, "reviews_case", "id", template_case, case)
        _copy(connection, "reviews_casecontent", "case_id", template_case, {"case_id": "f.case_id"})
        _copy(connection, "routing_routingdecision", "case_id", template_case, routing)
        connection.execute(_LABELS)
        connection.execute(_DRAFT, [msgspec.json.encode(_twenty_rules()).decode()])
        connection.execute("VACUUM ANALYZE")


def _twenty_rules() -> dict[str, object]:
    """Five that raise the risk and fifteen that route, on what partners usually send; few hold."""
    raising = [
        {
            "name": f"risk {n}",
            "when": f"has(context.risk_score) && context.risk_score > {0.95 + n / 100}",
            "level": "high",
        }
        for n in range(5)
    ]
    conditions = [
        "has(context.amount) && context.amount > {0}.0 && prediction.label == 'approve'",
        "context.has_appeal && prediction.confidence < 0.{0}",
        "context.segments.region == 'region-{0}' || prediction.margin < 0.0{0}",
    ]
    routing = [
        {"name": f"rule {n}", "when": conditions[n % 3].format(19000 + n if n % 3 == 0 else 10 + n), "then": "review"}
        for n in range(15)
    ]
    return {"thresholds": {"default": 0.8}, "risk_rules": raising, "rules": routing}
