"""A training set streamed to nowhere: rows a second, and that ten times the rows take no more memory.

The cases are SQL copies of one really submitted case, a tenth of them predicted by a model version of their own, so
that the same process can export few or all. `python -m bench.export FORMAT [MODEL]` is the child that exports.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator

import psycopg

from bench.fill import _ID, _copy, _without_foreign_key_checks
from bench.report import Line
from bench.scale import Scale
from bench.servers import Databases, environment, run_python
from bench.world import World

_PLAN = f"""
CREATE TEMP TABLE filled AS
SELECT g, {_ID} AS case_id, {_ID} AS routing_id, CASE WHEN g %% 10 = 0 THEN 'few' ELSE 'credit-1' END AS model
FROM generate_series(1, %(count)s) g
"""
_VERSIONS = """
INSERT INTO feedback_labelversion (case_id, workspace_id, task_type_id, label, weight, source, factors, unaided_label,
  selection_probability, model_label, model_version, confidence_source, confidence, labelled_at, evidence, updated_at,
  withdrawn)
SELECT c.id, c.workspace_id, c.task_type_id, 'approve', 1, 'outcome',
  '{"source": 2.0, "agreement": 1.0, "override": 1.0, "selection": 1.0, "age": 1.0}', 'approve', 1, 'approve', f.model,
  'probability', 0.9, now(), jsonb_build_object('judgements', '[]'::jsonb, 'signals', '[]'::jsonb,
  'routing', f.routing_id), now(), false
FROM filled f JOIN reviews_case c ON c.id = f.case_id
"""
_MEMORY_GROWTH = 1.2


def exporting(databases: Databases, world: World, scale: Scale) -> Iterator[Line]:
    """JSON Lines and Parquet of all labels, against a tenth of them."""
    url = databases.create("export", like="world")
    _fill(url, world.template_case, scale.exported)
    env = environment(url)
    for format_ in ("jsonl", "parquet"):
        few, all_ = (_export(env, format_, *model) for model in (("few",), ()))
        speed, growth = all_["rows"] / all_["seconds"], all_["rss_mb"] / few["rss_mb"]
        asked = f"Export of {all_['rows']:,} labels as {format_}"
        yield Line(asked, f"{all_['seconds']:.0f} s, {speed:,.0f} rows/s")
        yield Line(
            f"{asked}: peak memory against a tenth", f"{all_['rss_mb']:.0f} MB", f"{few['rss_mb']:.0f} MB",
            round(growth, 2), f"≤ {_MEMORY_GROWTH}", growth <= _MEMORY_GROWTH,
        )  # fmt: skip
    databases.drop("export")


def _export(env: dict[str, str], format_: str, *model: str) -> dict[str, float]:
    found: dict[str, float] = json.loads(run_python(["-m", "bench.export", format_, *model], env))
    return found


def _fill(url: str, template_case: str, count: int) -> None:
    case = {
        "id": "f.case_id",
        "external_id": "f.case_id::text",
        "subject": "f.case_id::text",
        "model_version": "f.model",
    }
    with psycopg.connect(url, autocommit=True) as connection:
        _without_foreign_key_checks(connection)
        connection.execute("DELETE FROM reviews_reviewtask")
        connection.execute(_PLAN, {"count": count})
        _copy(connection, "reviews_case", "id", template_case, case)
        _copy(connection, "reviews_casecontent", "case_id", template_case, {"case_id": "f.case_id"})
        routing = {"id": "f.routing_id", "case_id": "f.case_id"}
        _copy(connection, "routing_routingdecision", "case_id", template_case, routing)
        connection.execute(_VERSIONS)
        connection.execute("VACUUM ANALYZE")


def main() -> None:
    """The child: export everything and print what it took."""
    import django

    django.setup()
    from feedback.actions.export_work import stream_export
    from feedback.actions.exports import begin_stream
    from feedback.structs import ExportIn
    from hitl.accounts.models import Workspace
    from hitl.core.actors import system_actor

    actor = system_actor(Workspace.objects.values_list("pk", flat=True).first(), "bench")
    wanted = ExportIn(format=sys.argv[1], model_version=sys.argv[2] if len(sys.argv) > 2 else None)  # type: ignore[arg-type]
    started = time.perf_counter()
    export = begin_stream(actor=actor, wanted=wanted)
    for _ in stream_export(export):
        pass
    seconds = time.perf_counter() - started
    export.refresh_from_db()
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": export.rows, "bytes": export.bytes, "seconds": seconds, "rss_mb": rss_mb}))


if __name__ == "__main__":
    main()
