import socket
from typing import Any

import httpx
import pytest

from hitl.delivery import safe_http
from tests.delivery.receiver import Receiver


def post(url: str) -> safe_http.Answer:
    return safe_http.post(url, body=b"{}", headers={"x-test": "1"})


def names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let the resolver answer these for the name example.test; returns the list of names asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host != "example.test":
            return real(host, port, *args, **kwargs)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


def test_a_name_is_resolved_once_and_the_host_header_names_it(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = names(monkeypatch, "127.0.0.1")
    assert post(receiver.url.replace("127.0.0.1", "example.test")).status == 204
    assert asked == ["example.test"]
    assert receiver.received[0].headers["host"].startswith("example.test:")
    assert receiver.received[0].headers["x-test"] == "1"


def test_loopback_is_refused_where_private_addresses_are(receiver: Receiver, settings: Any) -> None:
    settings.HITL_WEBHOOK_ALLOW_PRIVATE = False
    with pytest.raises(httpx.ConnectError, match="not allowed"):
        post(receiver.url)
    assert receiver.received == []


def test_one_bad_address_among_good_ones_refuses_the_name(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, "127.0.0.1", "169.254.169.254")
    with pytest.raises(httpx.ConnectError, match="not allowed"):
        post(receiver.url.replace("127.0.0.1", "example.test"))
    assert receiver.received == []


def test_the_next_address_is_tried_when_the_first_does_not_answer(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    names(monkeypatch, "127.0.0.9", "127.0.0.1")
    assert post(receiver.url.replace("127.0.0.1", "example.test")).status == 204


def test_a_name_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(httpx.ConnectError, match="does not resolve"):
        post("http://no-such-host.invalid/hook")


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 302, {"location": receiver.url + "/elsewhere"}
    assert post(receiver.url).status == 302
    assert [r.path for r in receiver.received] == ["/hook"]


def test_a_huge_answer_is_cut_off_and_its_status_still_counts(receiver: Receiver) -> None:
    receiver.status, receiver.answer = 200, b"x" * (4 * safe_http.MAX_RESPONSE_BYTES)
    assert post(receiver.url).status == 200


def test_retry_after_is_reported(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 503, {"retry-after": "7"}
    assert post(receiver.url) == safe_http.Answer(503, "7")


def test_a_server_that_never_answers_ends_in_a_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_http, "TIMEOUT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(httpx.TimeoutException):
        post(f"http://127.0.0.1:{silent.getsockname()[1]}/")


def test_proxies_of_the_environment_are_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert post(receiver.url).status == 204
