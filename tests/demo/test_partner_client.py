"""The example client: errors, patience, and webhook signatures."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from standardwebhooks import Webhook

from examples.partner_client import NotDecidedError, PartnerClient, PartnerError, WebhookError, main, verify_webhook
from hitl.delivery.signing import new_secret, signed_headers

CASE = {"id": "c-1", "status": "pending", "decision": None}
DECIDED = {
    "id": "c-1",
    "status": "decided",
    "decision": {
        "label": "7",
        "automated": False,
        "provisional": False,
        "owner": "reviewer",
        "decided_at": "2026-11-21T10:00:00Z",
        "added_later": 1,
    },
}


@contextmanager
def server(*answers: tuple[int, Any]) -> Iterator[tuple[str, list[tuple[str, str, Any]]]]:
    """A server that gives these answers in turn; what it was asked."""
    waiting, asked = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            asked.append((self.command, self.path, json.loads(self.rfile.read(length)) if length else None))
            status, body = waiting.pop(0)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Retry-After", "0.01")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_args: object) -> None:
            pass

    http = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}", asked
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def test_a_refusal_names_its_code_and_places() -> None:
    problem = {"code": "invalid_input", "detail": "no", "errors": [{"pointer": "/label", "detail": "x", "code": "y"}]}
    with server((400, problem)) as (url, _), PartnerClient(url, "k") as client, pytest.raises(PartnerError) as caught:
        client.submit({"task_type": "t"})
    assert (caught.value.status, caught.value.code) == (400, "invalid_input")
    assert "/label" in str(caught.value)


def test_a_repeatable_request_is_repeated_while_the_server_is_away() -> None:
    with server((503, {"code": "unavailable"}), (201, CASE)) as (url, asked), PartnerClient(url, "k") as client:
        assert client.submit({"external_id": "e-1"}).status == "pending"
    assert len(asked) == 2


def test_a_request_that_could_happen_twice_is_not_repeated() -> None:
    with server((503, {"code": "unavailable"})) as (url, asked), PartnerClient(url, "k") as client:
        with pytest.raises(PartnerError):
            client.submit({"task_type": "t"})
        assert len(asked) == 1


def test_each_item_of_a_batch_has_its_own_answer() -> None:
    results = [{"status": 201, "case": CASE}, {"status": 422, "problem": {"code": "unknown_label"}}]
    with server((207, {"results": results})) as (url, _), PartnerClient(url, "k") as client:
        good, bad = client.submit_batch([{"external_id": "1"}, {"external_id": "2"}])
    assert good.case is not None and good.error is None
    assert bad.case is None and bad.error is not None and bad.error.code == "unknown_label"


def test_waiting_ends_with_the_decision_or_with_the_time() -> None:
    with server((200, DECIDED)) as (url, _), PartnerClient(url, "k") as client:
        case = client.wait_for_decision("c-1")
        assert case.decision is not None and case.decision.label == "7"
    with server((200, CASE)) as (url, _), PartnerClient(url, "k") as client, pytest.raises(NotDecidedError):
        client.wait_for_decision("c-1", timeout_s=0)


def test_an_outcome_carries_its_time_and_source() -> None:
    with server((201, {"id": "s-1"})) as (url, asked), PartnerClient(url, "k") as client:
        client.record_outcome("c-1", "7", observed_at=datetime(2026, 11, 21, tzinfo=UTC), source="later check")
    _, path, body = asked[0]
    assert path == "/api/v1/cases/c-1/outcomes"
    assert body == {"label": "7", "observed_at": "2026-11-21T00:00:00+00:00", "source": "later check", "details": {}}


def test_the_command_line_reads_a_case_and_prints_the_answer(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "case.json").write_text('{"task_type": "t"}')
    with server((201, CASE)) as (url, asked):
        assert main(["--url", url, "--key", "k", "submit", str(tmp_path / "case.json")]) == 0
    assert json.loads(capsys.readouterr().out) == CASE
    assert asked[0][2] == {"task_type": "t"}


def test_a_signature_by_hitl_holds_and_so_does_one_by_another_implementation() -> None:
    secret, body, at = new_secret(), b'{"type": "case.decided"}', 1_800_000_000
    headers = signed_headers(secret=secret, message_id=uuid.uuid4(), timestamp=at, body=body)
    assert verify_webhook(secret, headers, body, at=at) == {"type": "case.decided"}
    when = datetime.fromtimestamp(at, UTC)
    signature = Webhook(secret).sign("msg_1", when, body.decode())
    others = {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(at), "Webhook-Signature": f"v1,AAAA {signature}"}
    assert verify_webhook(secret, others, body, at=at) == {"type": "case.decided"}


def test_a_changed_old_foreign_or_unsigned_webhook_is_refused() -> None:
    secret, body, at = new_secret(), b"{}", 1_800_000_000
    headers = signed_headers(secret=secret, message_id=uuid.uuid4(), timestamp=at, body=body)
    for wrong in (
        lambda: verify_webhook(secret, headers, b'{"a": 1}', at=at),
        lambda: verify_webhook(secret, headers, body, at=at + 301),
        lambda: verify_webhook(new_secret(), headers, body, at=at),
        lambda: verify_webhook(secret, {}, body, at=at),
    ):
        with pytest.raises(WebhookError):
            wrong()
