"""A partner's client for hitl: submit predictions, wait for decisions, report outcomes, check webhooks.

It needs Python 3.11 and httpx, nothing of hitl itself: copy the file into your own system. On the command line:

    export HITL_API_KEY=hitl_…
    python examples/partner_client.py submit case.json
    python examples/partner_client.py submit-batch cases.json
    python examples/partner_client.py get 01999999-…
    python examples/partner_client.py wait 01999999-… --timeout 120
    python examples/partner_client.py outcome 01999999-… approve --source chargeback

A case file holds what POST /cases takes (`-` reads standard input); a batch file holds a list of such cases.
"""

import argparse
import base64
import hmac
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

Json = Mapping[str, Any]

MAX_BATCH = 500
_RETRIED = (408, 429, 502, 503, 504)
_WEBHOOK_TOLERANCE_S = 300
_FINAL = ("decided", "cancelled", "shadow")


class PartnerError(Exception):
    """A request that was refused. `code` is stable, `errors` holds {pointer, detail, code} for 400 and 422."""

    def __init__(self, status: int, problem: Json) -> None:
        self.status = status
        self.code = str(problem.get("code", "unknown"))
        self.detail = str(problem.get("detail") or problem.get("title") or "")
        self.errors: list[Json] = list(problem.get("errors", ()))
        places = "; ".join(f"{e.get('pointer')}: {e.get('detail')}" for e in self.errors)
        super().__init__(f"{status} {self.code}: {self.detail}{f' ({places})' if places else ''}")


class NotDecidedError(Exception):
    """The time was up and no person had decided yet; the case stays where it is."""


class WebhookError(Exception):
    """A webhook that does not come from hitl, was changed on its way, or is too old."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a case resolved to. `provisional`: it may still be corrected. `owner`: system, reviewer, fallback, …"""

    label: str
    automated: bool
    provisional: bool
    owner: str
    decided_at: str


@dataclass(frozen=True, slots=True)
class Case:
    """An answer about one case. `decision` is null while people are at it; `body` is the whole answer."""

    id: str
    status: str
    decision: Decision | None
    body: Json

    @classmethod
    def of(cls, body: Json) -> Self:
        """Read the answer of POST /cases or GET /cases/{id}."""
        found = body.get("decision")
        decision = found and Decision(**{name: found[name] for name in Decision.__slots__})
        return cls(str(body["id"]), str(body["status"]), decision or None, body)

    @property
    def final(self) -> bool:
        """Whether nothing more is to be waited for."""
        return self.status in _FINAL


@dataclass(frozen=True, slots=True)
class BatchItem:
    """The answer to one item of a batch: exactly one of `case` and `error` is null."""

    status: int
    case: Case | None
    error: PartnerError | None


class PartnerClient:
    """One connection to hitl; use it in a `with` statement.

    Requests that may be repeated safely (all but outcomes: a case needs an `external_id` or an idempotency key) are
    repeated with back-off while hitl is away, up to `retries` times. Other refusals raise PartnerError at once.
    """

    def __init__(self, base_url: str, key: str, *, timeout_s: float = 30.0, retries: int = 4) -> None:
        self._http = httpx.Client(
            base_url=base_url.rstrip("/") + "/api/v1",
            headers={"Authorization": f"Bearer {key}"},
            timeout=timeout_s,
            trust_env=False,  # a key goes to hitl, not through whatever proxy the environment names
        )
        self._retries = retries

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def submit(self, case: Json, *, idempotency_key: str | None = None) -> Case:
        """Submit one case. With an `external_id` or an idempotency key the same case again gives the same answer."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        repeatable = bool(idempotency_key or case.get("external_id"))
        return Case.of(self._request("POST", "/cases", body=case, headers=headers, repeatable=repeatable))

    def submit_batch(self, cases: Sequence[Json]) -> list[BatchItem]:
        """Submit up to 500 cases; each has its own answer, in order, and one bad case never rejects the others."""
        if not 1 <= len(cases) <= MAX_BATCH:
            raise ValueError(f"a batch holds 1 to {MAX_BATCH} cases, not {len(cases)}")
        repeatable = all(case.get("external_id") for case in cases)
        answer = self._request("POST", "/cases/batch", body={"cases": list(cases)}, repeatable=repeatable)
        return [_item(result) for result in answer["results"]]

    def get(self, case_id: str) -> Case:
        """One case as it is now."""
        return Case.of(self._request("GET", f"/cases/{case_id}"))

    def wait_for_decision(self, case_id: str, *, timeout_s: float = 300.0, provisional: bool = False) -> Case:
        """Poll until the case is decided, first every half second, then ever more rarely. Raises NotDecidedError.

        `provisional`: be content with a decision that may still be corrected. Where you can be called, register a
        webhook instead.
        """
        give_up_at = time.monotonic() + timeout_s
        pause = 0.5
        while True:
            case = self.get(case_id)
            if case.final or (provisional and case.decision is not None):
                return case
            left = give_up_at - time.monotonic()
            if left <= 0:
                raise NotDecidedError(f"case {case_id} is {case.status} after {timeout_s:g} s")
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, 15.0)

    def record_outcome(
        self,
        case_id: str,
        label: str,
        *,
        observed_at: datetime | None = None,
        source: str = "",
        details: Json | None = None,
    ) -> Json:
        """Say what the case turned out to be; `observed_at` (with its zone) is now unless given. Repeats are kept."""
        body = {
            "label": label,
            "observed_at": (observed_at or datetime.now(UTC)).isoformat(),
            "source": source,
            "details": dict(details or {}),
        }
        return self._request("POST", f"/cases/{case_id}/outcomes", body=body, repeatable=False)

    def appeal(self, case_id: str, reason: str, submitted_by: str) -> Json:
        """Contest a decision for its subject. The same appeal again gives the same answer."""
        body = {"reason": reason, "submitted_by": submitted_by}
        headers = {"Idempotency-Key": f"appeal:{case_id}:{submitted_by}"}
        return self._request("POST", f"/cases/{case_id}/appeals", body=body, headers=headers)

    def report(self, case_id: str, category: str, text: str = "", submitted_by: str = "") -> Json:
        """Pass on what a user says is wrong with a case. Repeats are kept."""
        body = {"category": category, "text": text, "submitted_by": submitted_by}
        return self._request("POST", f"/cases/{case_id}/reports", body=body, repeatable=False)

    def _request(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> dict[str, Any]:
        retries = self._retries if repeatable else 0
        for attempt in range(retries + 1):
            pause = 0.5 * 2**attempt
            try:
                response = self._http.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                if attempt == retries:
                    raise
            else:
                if response.is_success:
                    found: dict[str, Any] = response.json()
                    return found
                if attempt == retries or not _passing(response):
                    raise PartnerError(response.status_code, _problem(response))
                pause = _retry_after(response) or pause
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")


def verify_webhook(secret: str, headers: Mapping[str, str], body: bytes, *, at: float | None = None) -> Json:
    """The event in a webhook's body, once its signature holds (Standard Webhooks 1.0). Raises WebhookError.

    `secret` as shown when the webhook was made (`whsec_…`); `headers` in any case; `body` the bytes as received;
    `at` in seconds since 1970, now unless given. Remember `webhook-id`: the same event may arrive more than once.
    """
    known = {name.lower(): value for name, value in headers.items()}
    try:
        message, stamp, signatures = (known[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        sent_at = int(stamp)
    except (KeyError, ValueError):
        raise WebhookError("the headers webhook-id, webhook-timestamp and webhook-signature are needed") from None
    if abs((time.time() if at is None else at) - sent_at) > _WEBHOOK_TOLERANCE_S:
        raise WebhookError(f"the webhook is more than {_WEBHOOK_TOLERANCE_S} s old or ahead")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{message}.{stamp}.".encode() + body, "sha256")
    expected = "v1," + base64.b64encode(digest).decode()
    if not any(hmac.compare_digest(expected.encode(), given.encode()) for given in signatures.split()):
        raise WebhookError("the signature does not fit")
    event: dict[str, Any] = json.loads(body)
    return event


def _item(result: Json) -> BatchItem:
    status = int(result["status"])
    if "case" in result:
        return BatchItem(status, Case.of(result["case"]), None)
    return BatchItem(status, None, PartnerError(status, result["problem"]))


def _passing(response: httpx.Response) -> bool:
    """Whether the refusal passes by itself: hitl away, too many requests, or the same request still in flight."""
    in_flight = response.status_code == 409 and _problem(response).get("code") == "duplicate_in_flight"
    return in_flight or response.status_code in _RETRIED


def _problem(response: httpx.Response) -> Json:
    try:
        found = response.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"code": "not_a_problem", "detail": response.text[:200]}


def _retry_after(response: httpx.Response) -> float:
    """Seconds asked for, at most a minute; 0 where none were."""
    try:
        return min(float(response.headers.get("Retry-After", "0")), 60.0)
    except ValueError:
        return 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; prints the answer as JSON. 0: done, 1: refused or away, 2: not decided in time."""
    options = _parser().parse_args(arguments)
    if not options.key:
        print("Give a key with --key or in HITL_API_KEY.", file=sys.stderr)
        return 1
    try:
        with PartnerClient(options.url, options.key) as client:
            answer = _run(client, options)
    except NotDecidedError as error:
        print(error, file=sys.stderr)
        return 2
    except (PartnerError, httpx.HTTPError, OSError, ValueError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(json.dumps(answer, indent=2, ensure_ascii=False))
    return 0


def _run(client: PartnerClient, options: argparse.Namespace) -> object:
    match options.command:
        case "submit":
            return client.submit(_read(options.file), idempotency_key=options.idempotency_key).body
        case "submit-batch":
            items = client.submit_batch(_read(options.file))
            return [
                item.case.body if item.case else {"status": item.status, "error": str(item.error)} for item in items
            ]
        case "get":
            return client.get(options.case_id).body
        case "wait":
            return client.wait_for_decision(options.case_id, timeout_s=options.timeout).body
        case "outcome":
            return client.record_outcome(options.case_id, options.label, source=options.source)
    raise AssertionError(options.command)


def _read(file: str) -> Any:
    return json.loads(sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default=os.environ.get("HITL_URL", "http://127.0.0.1:8000"), help="where hitl runs")
    parser.add_argument("--key", default=os.environ.get("HITL_API_KEY", ""), help="an API key (or HITL_API_KEY)")
    commands = parser.add_subparsers(dest="command", required=True)
    submit = commands.add_parser("submit", help="submit one case")
    submit.add_argument("file")
    submit.add_argument("--idempotency-key", help="the same key again gives the first answer")
    commands.add_parser("submit-batch", help="submit a list of up to 500 cases").add_argument("file")
    commands.add_parser("get", help="show a case").add_argument("case_id")
    wait = commands.add_parser("wait", help="wait until a case is decided")
    wait.add_argument("case_id")
    wait.add_argument("--timeout", type=float, default=300.0, help="seconds, default 300")
    outcome = commands.add_parser("outcome", help="say what a case turned out to be")
    outcome.add_argument("case_id")
    outcome.add_argument("label")
    outcome.add_argument("--source", default="", help="who observed it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
