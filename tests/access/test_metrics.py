"""/metrics answers loopback and the token's bearer, nobody else (mission G11, issue: Access core)."""

from django.test import Client as Browser
from pytest_django import Settings


def test_loopback_reads_them(db: None) -> None:
    for address in ("127.0.0.1", "::1"):
        response = Browser(REMOTE_ADDR=address).get("/metrics")
        assert response.status_code == 200
        assert b"hitl_reviews_waiting" in response.content


def test_others_find_nothing(db: None) -> None:
    for address in ("10.0.0.7", "192.168.1.1", "203.0.113.9", "", "not-an-address"):
        assert Browser(REMOTE_ADDR=address).get("/metrics").status_code == 404
    assert Browser(headers={"x-forwarded-for": "127.0.0.1"}).get("/metrics").status_code == 404
    assert Browser(REMOTE_ADDR="10.0.0.7", headers={"x-forwarded-for": "127.0.0.1"}).get("/metrics").status_code == 404


def test_the_token_opens_them_from_anywhere(db: None, settings: Settings) -> None:
    settings.HITL_METRICS_TOKEN = "s3cret"
    far = {"REMOTE_ADDR": "10.0.0.7"}
    assert Browser(headers={"authorization": "Bearer s3cret"}, **far).get("/metrics").status_code == 200
    assert Browser(headers={"authorization": "Bearer other"}, **far).get("/metrics").status_code == 404
    assert Browser(**far).get("/metrics").status_code == 404
