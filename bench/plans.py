"""The plans of the hot queries: `python -m bench.plans [fresh] < world.json` with DATABASE_URL; prints JSON."""

import sys
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec

from bench.world import World

_BIG = {"reviews_case", "reviews_reviewtask", "reviews_claim", "reviews_casecontent", "routing_routingdecision"}


class Plan(msgspec.Struct, frozen=True):
    """`used`: indexes, and `scan <table>` where a big table would be read whole; `ok`: as expected, no scan."""

    query: str
    used: list[str]
    ok: bool


def hot_plans(world: World, *, fresh: bool) -> Iterator[Plan]:
    """Plans only; nothing is run. Lists and look-ups only where statistics are `fresh`; claims always."""
    from hitl.accounts.models import Client, User
    from hitl.accounts.selectors import actor_of_user
    from reviews.access import reviewer_desk
    from reviews.actions import claims, expiry, idempotency
    from reviews.models import Case, ReviewTask
    from routing.models import TaskType

    kind, client = TaskType.objects.get(), Client.objects.get()
    cases = Case.objects.filter(workspace_id=kind.workspace_id)
    person = actor_of_user(User.objects.get(username="wide-0"))
    assert person is not None
    desk = reviewer_desk(person)
    for name, queues in (("claim from one queue", [world.sealed_queue]), ("from 20", world.spread_queues[:20])):
        sql, values = claims.take_statement(desk, [uuid.UUID(queue) for queue in queues], 10)
        yield _of(name, f"{sql} SELECT id FROM taken", values, "review_waiting", "review_urgent")
    waiting = ReviewTask.objects.filter(queue_id=world.sealed_queue, status="waiting")
    yield _of_rows("most urgent", waiting.order_by("urgent_at", "id")[:1], "review_urgent")
    yield _of("leases that ended", expiry._EXPIRE, [200], "claim_expiry")
    if not fresh:
        return
    external_id = [kind.workspace_id, client.pk, kind.pk, "no such id"]
    yield _of("external id taken", idempotency._TAKEN, external_id, "case_external_id")
    yield _of_rows("list by status", cases.filter(status="decided").order_by("-id")[:51], "case_status")
    yield _of_rows("list of queues", cases.filter(queue_id__in=world.spread_queues[:2]).order_by("-id")[:51], "case_")


def _of_rows(name: str, rows: Any, *expected: str) -> Plan:
    sql, values = rows.query.sql_with_params()
    return _of(name, sql, values, *expected)


def _of(name: str, sql: str, values: Any, *expected: str) -> Plan:
    from django.db import connection

    from hitl.core.rows import _numbered

    with connection.cursor() as cursor:
        if isinstance(values, list) and connection.pg_version >= 160000:  # as it is kept: for any values
            found = cursor.connection.execute("EXPLAIN (GENERIC_PLAN, FORMAT JSON) " + _numbered(sql)).fetchone()[0]
        else:
            cursor.execute("EXPLAIN (FORMAT JSON) " + sql, values)
            (found,) = cursor.fetchone()
    used = sorted(set(_accesses((found if isinstance(found, list) else msgspec.json.decode(found))[0]["Plan"])))
    ok = all(any(index.startswith(e) for index in used) for e in expected)
    return Plan(name, used, ok and not any(index.startswith("scan ") for index in used))


def _accesses(node: dict[str, Any]) -> Iterator[str]:
    if "Index Name" in node:  # a bitmap is read whole and sorted: no use for the first few of many
        yield ("bitmap " if node["Node Type"] == "Bitmap Index Scan" else "") + node["Index Name"]
    if node["Node Type"] == "Seq Scan" and node["Relation Name"] in _BIG:
        yield f"scan {node['Relation Name']}"
    for inner in node.get("Plans", []):
        yield from _accesses(inner)


if __name__ == "__main__":
    import django

    django.setup()
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=World)
    sys.stdout.buffer.write(msgspec.json.encode([*hot_plans(asked, fresh="fresh" in sys.argv)]))
