"""Ask a model over HTTP and understand what comes back. Anything but a clear answer is an error: a person decides."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx
import msgspec
from django.conf import settings

from hitl.delivery.safe_http import Answer, exchange
from routing.engine.cascade import JudgeLayer, VerdictShape
from routing.engine.checks import MISSING, at_pointer
from routing.mapping import mapping_of, read_prediction
from routing.models import ModelEndpoint

MAX_ANSWER_BYTES = 256 * 1024
_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n\s*```\s*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reply:
    """`outcome` pass, fail or error; `cost` null where not known; `again`: another attempt may do better.

    `prediction`: what an adapter answered, still to be checked against the task type.
    """

    outcome: str
    detail: str = ""
    cost: float | None = None
    again: bool = False
    retry_after: str | None = None
    latency_ms: float = 0.0
    prediction: Mapping[str, Any] | None = None


class _Malformed(Exception):
    """The answer is not what was asked for."""


def ask_model(endpoint: ModelEndpoint | None, *, kind: str, spec: Mapping[str, Any], request: Any) -> Reply:
    """One attempt; never raises for anything the other side does."""
    if endpoint is None or not endpoint.active or endpoint.kind != kind:
        return Reply("error", f"there is no active endpoint of kind {kind} by this name")
    started = time.perf_counter()
    try:
        answer = exchange(
            endpoint.url,
            body=msgspec.json.encode(request),
            headers=_headers(endpoint),
            allow_private=settings.HITL_MODEL_ALLOW_PRIVATE,
            timeout_s=endpoint.timeout_s,
            max_bytes=MAX_ANSWER_BYTES,
        )
        reply = _understood(answer, endpoint, kind, spec)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        reply = Reply("error", f"{type(error).__name__}: {error}"[:300], again=True)
    return replace(reply, latency_ms=(time.perf_counter() - started) * 1000)


def _headers(endpoint: ModelEndpoint) -> dict[str, str]:
    headers = {"content-type": "application/json", "user-agent": "hitl-models/1"}
    if endpoint.secret:
        bearer = endpoint.auth_header.lower() == "authorization" and " " not in endpoint.secret
        headers[endpoint.auth_header] = f"Bearer {endpoint.secret}" if bearer else endpoint.secret
    return headers


def _understood(answer: Answer, endpoint: ModelEndpoint, kind: str, spec: Mapping[str, Any]) -> Reply:
    if answer.status == 429 or answer.status >= 500:
        return Reply("error", f"HTTP {answer.status}", again=True, retry_after=answer.retry_after)
    if answer.status != 200:
        return Reply("error", f"HTTP {answer.status}")
    if answer.body is None:
        return Reply("error", f"the answer has more than {MAX_ANSWER_BYTES:,} bytes")
    try:
        body = _json(answer.body)
        if kind == "judge":
            return _verdict(body, msgspec.convert(spec, JudgeLayer))
        return Reply("pass", prediction=read_prediction(body, mapping_of(endpoint.mapping)))
    except _Malformed as error:
        return Reply("error", f"malformed answer: {error}", again=True)


def _verdict(body: Any, layer: JudgeLayer) -> Reply:
    cost = _cost(body, layer)
    try:
        verdict = _content(body)
        outcome = _outcome(verdict, layer.verdict)
    except _Malformed as error:
        return Reply("error", f"malformed answer: {error}", cost, again=True)
    reason = at_pointer(verdict, layer.verdict.reason_pointer)
    return Reply(outcome, reason[:2000] if isinstance(reason, str) else "", cost)


def _content(body: Any) -> Any:
    """What the model wrote, as JSON; a fence round it is forgiven."""
    choice = at_pointer(body, "/choices/0")
    content = at_pointer(choice, "/message/content")
    if not isinstance(content, str):
        raise _Malformed("it has no choices/0/message/content")
    if at_pointer(choice, "/finish_reason") == "length":
        raise _Malformed("it was cut off at max_tokens")
    fenced = _FENCE.match(content)
    return _json((fenced[1] if fenced else content).encode("utf-8", "replace"))


def _outcome(verdict: Any, shape: VerdictShape) -> str:
    said = at_pointer(verdict, shape.pointer)
    if said is MISSING:
        raise _Malformed(f"nothing at {shape.pointer}")
    word = msgspec.json.encode(said).decode() if not isinstance(said, str) else said
    if word in shape.passes:
        return "pass"
    if word in shape.fails:
        return "fail"
    raise _Malformed("the verdict is neither of the expected words")


def _cost(body: Any, layer: JudgeLayer) -> float | None:
    """Tokens used times the prices; null where the answer does not say how many."""
    total = 0.0
    for pointer, price in (
        ("/usage/prompt_tokens", layer.price_in),
        ("/usage/completion_tokens", layer.price_out),
    ):
        tokens = at_pointer(body, pointer)
        if isinstance(tokens, bool) or not isinstance(tokens, int) or not 0 <= tokens < 10**9:
            return None
        total += tokens * price / 1000
    return total


def _json(raw: bytes) -> Any:
    if b"\\u0000" in raw or b"\x00" in raw:  # PostgreSQL stores no NUL
        raise _Malformed("it has a NUL character")
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        raise _Malformed("it is not JSON") from None
