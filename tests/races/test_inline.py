"""Inline mode with real threads: callers wait for a person, and nobody else waits for them (mission A4)."""

import threading
import time
from typing import Any

from django.db import connection
from django.http import HttpResponse

from reviews.models import Case
from tests.api.support import claim, get, judge, post
from tests.factories import World


class Caller(threading.Thread):
    """Sends one case of mode inline and keeps the answer."""

    def __init__(self, world: World, seconds: float, **headers: str) -> None:
        super().__init__()
        self.world, self.seconds, self.headers = world, seconds, headers
        self.response: HttpResponse | None = None
        self.took_s = 0.0
        self.start()

    def run(self) -> None:
        started = time.monotonic()
        body = self.world.case_body(mode="inline", wait_seconds=self.seconds)
        self.response = post(self.world, "partner", "cases", body, **self.headers)
        self.took_s = time.monotonic() - started
        connection.close()

    def answer(self) -> HttpResponse:
        self.join(30)
        assert self.response is not None
        return self.response


def wait_for_cases(count: int) -> None:
    until = time.monotonic() + 10
    while Case.objects.count() < count and time.monotonic() < until:
        time.sleep(0.01)
    assert Case.objects.count() == count


def test_the_caller_gets_what_the_person_decided(race_world: World, settings: Any) -> None:
    settings.HITL_INLINE_SLOTS = 1
    caller = Caller(race_world, 20, Idempotency_Key="k-1")
    wait_for_cases(1)
    judge(race_world, "bob", claim(race_world, "bob"), "reject")
    answer = caller.answer()
    assert (answer.status_code, answer["Inline-Wait"]) == (201, "decided")
    assert (answer.json()["status"], answer.json()["decision"]["label"]) == ("decided", "reject")
    assert caller.took_s < 10
    body = race_world.case_body(mode="inline", wait_seconds=20.0)
    replay = post(race_world, "partner", "cases", body, Idempotency_Key="k-1")
    assert (replay.status_code, replay.content) == (200, answer.content)


def test_at_most_so_many_wait_and_everybody_else_is_answered_at_once(race_world: World, settings: Any) -> None:
    settings.HITL_INLINE_SLOTS = 1
    waiting = Caller(race_world, 3)
    wait_for_cases(1)
    second = Caller(race_world, 30)
    assert (second.answer()["Inline-Wait"], second.took_s < 2) == ("busy", True)
    assert get(race_world, "partner", "cases").status_code == 200
    assert waiting.answer()["Inline-Wait"] == "timed-out"
    third = Caller(race_world, 0.01)
    assert third.answer()["Inline-Wait"] == "timed-out", "its place was given back"


def test_who_waits_holds_no_transaction_and_no_connection(race_world: World, settings: Any) -> None:
    settings.HITL_INLINE_SLOTS = 1
    waiting = Caller(race_world, 2)
    wait_for_cases(1)
    time.sleep(0.1)
    with connection.cursor() as cursor:
        seen = []
        for _ in range(10):
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            seen.append(cursor.fetchone()[0])
            time.sleep(0.02)
    assert seen.count(0) >= 8, seen
    waiting.answer()
