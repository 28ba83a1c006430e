"""POST to an address somebody else chose, without becoming their way into our network (SSRF).

The name is resolved once, all its addresses are judged, and the judged address is dialled: a name that answers
differently a moment later (DNS rebinding) gains nothing. TLS and Host still name the host. Redirects are not followed,
proxies of the environment are not used, the whole exchange has one deadline and the response one size limit.
"""

import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore
import httpx
from django.conf import settings

from hitl.delivery.addresses import may_dial, resolve

TIMEOUT_S = 10.0
MAX_RESPONSE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` null: longer than the limit, or not wanted."""

    status: int
    retry_after: str | None
    body: bytes | None = None


def post(url: str, *, body: bytes, headers: dict[str, str]) -> Answer:
    """POST a webhook and return the answer, whatever its status, without its body.

    Raises httpx.HTTPError: refused address, no connection, TLS failure, or no complete answer within 10 s.
    """
    private = settings.HITL_WEBHOOK_ALLOW_PRIVATE
    answer = exchange(url, body=body, headers=headers, allow_private=private, timeout_s=TIMEOUT_S)
    return Answer(answer.status, answer.retry_after)


def exchange(
    url: str,
    *,
    body: bytes,
    headers: dict[str, str],
    allow_private: bool,
    timeout_s: float = TIMEOUT_S,
    max_bytes: int = MAX_RESPONSE_BYTES,
) -> Answer:
    """POST and read the answer up to `max_bytes`, all within `timeout_s`. Raises httpx.HTTPError as `post` does."""
    transport = _Transport(timeout_s, allow_private)
    with (
        httpx.Client(transport=transport, trust_env=False, follow_redirects=False, timeout=timeout_s) as client,
        client.stream("POST", url, content=body, headers=headers | {"accept-encoding": "identity"}) as response,
    ):
        found = bytearray()
        for chunk in response.iter_raw():
            found += chunk
            if len(found) > max_bytes:
                break
        whole = bytes(found) if len(found) <= max_bytes else None
        return Answer(response.status_code, response.headers.get("retry-after"), whole)


class _Transport(httpx.HTTPTransport):
    """httpx with our way of connecting; httpx offers no public hook for httpcore's network backend."""

    def __init__(self, timeout_s: float, allow_private: bool) -> None:
        super().__init__(verify=_tls(), trust_env=False)
        backend = VettingBackend(timeout_s, allow_private=allow_private)
        self._pool = httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend)


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


class VettingBackend(httpcore.NetworkBackend):
    """Connects to judged addresses only; every operation shares one deadline."""

    def __init__(self, timeout_s: float, *, allow_private: bool) -> None:
        self._inner = httpcore.SyncBackend()
        self._allow_private = allow_private
        self._deadline = time.monotonic() + timeout_s

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Dial the addresses of `host` in turn, provided that all of them are allowed."""
        try:
            addresses = resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"the name does not resolve: {error}") from error
        if not all(may_dial(a, allow_private=self._allow_private) for a in addresses):
            raise httpcore.ConnectError("the address is not allowed: it is private, local or reserved")
        for address in addresses[:-1]:
            with suppress(httpcore.ConnectError):
                return self._dial(str(address), port, timeout)
        return self._dial(str(addresses[-1]), port, timeout)

    def _dial(self, address: str, port: int, timeout: float | None) -> httpcore.NetworkStream:
        return _DeadlineStream(self._inner.connect_tcp(address, port, _left(self._deadline, timeout)), self._deadline)


class _DeadlineStream(httpcore.NetworkStream):
    """A stream that a slow drip cannot hold open: time-outs shrink towards the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(self._deadline, timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._inner.start_tls(ssl_context, server_hostname, _left(self._deadline, timeout))
        return _DeadlineStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(deadline: float, timeout: float | None) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("no complete answer in time")
    return left if timeout is None else min(left, timeout)
