"""Insert a case; claim with SKIP LOCKED; decide. One statement each, committed by autocommit."""

import json

from django.db import connection
from django.http import HttpRequest, HttpResponse

SCHEMA = """
CREATE TABLE floor_case (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  priority float8 NOT NULL,
  status text NOT NULL DEFAULT 'waiting',
  label text,
  payload jsonb NOT NULL
);
CREATE INDEX floor_waiting ON floor_case (priority DESC, id) WHERE status = 'waiting';
"""
_INSERT = "INSERT INTO floor_case (priority, payload) VALUES (random(), %s) RETURNING id"
_CLAIM = """
UPDATE floor_case SET status = 'claimed' WHERE id = (
  SELECT id FROM floor_case WHERE status = 'waiting' ORDER BY priority DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id, payload
"""
_DECIDE = "UPDATE floor_case SET status = 'decided', label = %s WHERE id = %s AND label IS NULL"


def insert(request: HttpRequest) -> HttpResponse:
    """Parses the body as any service must, and stores it as it came."""
    json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [request.body.decode()])
        (key,) = cursor.fetchone()
    return _answer({"id": key}, status=201)


def claim(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM)
        row = cursor.fetchone()
    if row is None:
        return HttpResponse(status=204)
    return _answer({"id": row[0], "case": json.loads(row[1])})


def decide(request: HttpRequest) -> HttpResponse:
    body = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute(_DECIDE, [body["label"], body["id"]])
        changed = cursor.rowcount
    return _answer({"decided": changed}, status=200 if changed else 409)


def _answer(data: dict[str, object], status: int = 200) -> HttpResponse:
    body = json.dumps(data).encode()
    return HttpResponse(body, status=status, content_type="application/json", headers={"Content-Length": len(body)})
