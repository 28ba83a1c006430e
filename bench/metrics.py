"""Does the front page of operations stay quick? Ninety days of counted hours that stand for ten million cases a day."""

from collections.abc import Iterator
from time import perf_counter

import httpx
import psycopg

from bench.fill import fill
from bench.report import Line
from bench.scale import Scale
from bench.servers import Databases, environment, product, run_python
from bench.world import World

_CASES_A_DAY = 10_000_000
_TYPES, _MODELS, _VALUES = 10, 3, 10
_GOAL_MS = 200.0
_FILL = """
INSERT INTO feedback_metrichour (id, workspace_id, task_type_id, hour, model_version, segment_name, segment_value,
  cases, automate, automate_and_audit, automate_and_review, review, escalate, gate, reviewed, decided, judged,
  overridden, appealed, sla_due, sla_met, waits, errors)
SELECT gen_random_uuid(), t.workspace_id, t.id, h, 'model-' || m, CASE v WHEN 0 THEN '' ELSE 'region' END,
  CASE v WHEN 0 THEN '' ELSE 'r' || v END, c.n, c.n / 2, c.n / 4, 0, c.n / 4, 0, 0, c.n / 4, c.n, c.n / 4, c.n / 20, 9,
  c.n / 4, c.n / 5, array_fill(c.n / 43, ARRAY[43]),
  ARRAY[c.n, c.n / 9, c.n / 9, c.n / 8, c.n / 7, c.n / 90, c.n / 80, c.n / 80, 0]::float8[]
FROM (SELECT id, workspace_id FROM routing_tasktype WHERE slug LIKE 'bench-%%') t,
  generate_series(date_trunc('hour', now()) - interval '90 days', date_trunc('hour', now()) - interval '1 hour',
                  interval '1 hour') h,
  generate_series(1, %(models)s) m, generate_series(0, %(values)s) v,
  LATERAL (SELECT (%(a_day)s / 24 / %(types)s / %(models)s / CASE v WHEN 0 THEN 1 ELSE %(values)s END)::int AS n) c
"""
_TYPE = """
INSERT INTO routing_tasktype
SELECT (jsonb_populate_record(t.r, jsonb_build_object('id', gen_random_uuid(), 'slug', 'bench-' || g))).*
FROM (SELECT r FROM routing_tasktype r LIMIT 1) t, generate_series(1, %(types)s) g
"""
_SWEPT = """
INSERT INTO feedback_metricsweep (id, counted_to) VALUES (1, date_trunc('hour', now()))
ON CONFLICT (id) DO UPDATE SET counted_to = EXCLUDED.counted_to
"""


_COUNT = """
from datetime import timedelta
from time import perf_counter
from feedback.actions.metric_hours import roll_up_metrics
from hitl.core.clock import now
started = perf_counter()
roll_up_metrics(now() + timedelta(hours=2))
print(perf_counter() - started)
"""
_ROUNDS = 20


def metrics_pages(databases: Databases, world: World, scale: Scale) -> Iterator[Line]:
    """The median read of a day and of ninety over REST, after a first one; then how long an hour takes to count."""
    url = databases.create("metrics", like="world")
    rows = _fill(url)
    with product(url) as served, httpx.Client(base_url=f"http://127.0.0.1:{served.port}", timeout=60) as http:
        for window in ("24h", "90d"):
            taken = sorted(_read(http, world.partner, window) for _ in range(_ROUNDS))[_ROUNDS // 2]
            name = f"Metrics of {window}, {rows:,} hourly rows for {_CASES_A_DAY:,} cases a day"
            if window == "24h":
                yield Line(name, f"{taken:.0f} ms", goal=f"< {_GOAL_MS:g} ms", ok=taken < _GOAL_MS)
            else:
                yield Line(name, f"{taken:.0f} ms")
    fill(url, world.template_case, [world.sealed_queue], scale.replayed)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    seconds = float(run_python(["manage.py", "shell", "--no-imports", "-c", _COUNT], environment(url)).split()[-1])
    yield Line(f"Counting an hour of {scale.replayed:,} cases", f"{seconds:.1f} s")
    databases.drop("metrics")


def _read(http: httpx.Client, key: str, window: str) -> float:
    """Milliseconds of one answer."""
    started = perf_counter()
    answer = http.get("/api/v1/metrics", params={"window": window}, headers={"Authorization": f"Bearer {key}"})
    taken = (perf_counter() - started) * 1000
    if answer.status_code != 200 or answer.json()["cases"] < _CASES_A_DAY * 0.9:
        raise RuntimeError(f"the metrics answered {answer.status_code}: {answer.text[:300]}")
    return taken


def _fill(url: str) -> int:
    """Hours of ninety days by SQL; returns how many rows."""
    values = {"types": _TYPES, "models": _MODELS, "values": _VALUES, "a_day": _CASES_A_DAY}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_TYPE, values)
        connection.execute(_FILL, values)
        connection.execute(_SWEPT)
        connection.execute("VACUUM ANALYZE feedback_metrichour")
        found = connection.execute("SELECT count(*) FROM feedback_metrichour").fetchone()
    return int(found[0]) if found else 0
