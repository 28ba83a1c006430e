"""Many waiting reviews by SQL: copies of one really submitted case, so they stay consistent with the models."""

from collections.abc import Mapping, Sequence

import psycopg

# Ordered by time as the product's own ids are (UUIDv7).
_ID = """(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
  || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid"""
_PLAN = f"""
CREATE TEMP TABLE filled AS
SELECT g, {_ID} AS case_id, {_ID} AS review_id, {_ID} AS routing_id, {_ID} AS claim_id, random() AS priority,
       (%(queues)s::uuid[])[1 + g %% cardinality(%(queues)s::uuid[])] AS queue_id
FROM generate_series(1, %(count)s) g
"""
_CLAIMS = """
INSERT INTO reviews_claim (id, workspace_id, review_id, user_id, epoch, token, status, claimed_at, expires_at, reason)
SELECT f.claim_id, r.workspace_id, f.review_id,
       (SELECT user_id FROM reviews_reviewer ORDER BY id OFFSET f.g % 60 LIMIT 1),
       1, md5(random()::text), 'open', now(), now() + interval '1 day', ''
FROM filled f JOIN reviews_reviewtask r ON r.id = f.review_id
"""


def fill(url: str, template_case: str, queues: Sequence[str], count: int, *, claimed: bool = False) -> None:
    """`count` cases over `queues` with random priorities, waiting, or already `claimed` by many holders."""
    status = ("'in_review'", "'claimed'") if claimed else ("'pending'", "'waiting'")
    case = {
        "id": "f.case_id",
        "queue_id": "f.queue_id",
        "external_id": "f.case_id::text",
        "subject": "f.case_id::text",
        "priority": "f.priority",
        "status": status[0],
    }
    review = {
        "id": "f.review_id",
        "case_id": "f.case_id",
        "queue_id": "f.queue_id",
        "subject": "f.case_id::text",
        "order_key": "-f.priority",
        "status": status[1],
    }
    with psycopg.connect(url, autocommit=True) as connection:
        _without_foreign_key_checks(connection)
        connection.execute(_PLAN, {"queues": list(queues), "count": count})
        _copy(connection, "reviews_case", "id", template_case, case)
        _copy(connection, "reviews_casecontent", "case_id", template_case, {"case_id": "f.case_id"})
        routing = {"id": "f.routing_id", "case_id": "f.case_id", "priority": "f.priority"}
        _copy(connection, "routing_routingdecision", "case_id", template_case, routing)
        _copy(connection, "reviews_reviewtask", "case_id", template_case, review)
        if claimed:
            connection.execute(_CLAIMS)
        connection.execute("DROP TABLE filled")


def _without_foreign_key_checks(connection: psycopg.Connection) -> None:
    """Where we may: a million rows have ten million references, all copied from rows that exist."""
    connection.execute("SET synchronous_commit = off")
    try:
        connection.execute("SET session_replication_role = replica")
    except psycopg.errors.InsufficientPrivilege:
        return


def _copy(connection: psycopg.Connection, table: str, column: str, key: str, changed: Mapping[str, str]) -> None:
    names = [
        row[0]
        for row in connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND table_schema = 'public'",
            [table],
        )
    ]
    values = ", ".join(changed.get(name, f't."{name}"') for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    rows = f"SELECT {values} FROM filled f, {table} t WHERE t.{column} = %s"
    connection.execute(f"INSERT INTO {table} ({columns}) {rows}", [key])
