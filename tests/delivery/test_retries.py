from datetime import UTC, datetime, timedelta

import pytest

from hitl.delivery.retries import SCHEDULE, Outcome, delay_after

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
S, M, H = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def test_waits_grow_from_seconds_to_a_day_and_then_the_delivery_is_dead() -> None:
    waits = [delay_after(n, Outcome(500), now=NOW) for n in range(1, 9)]
    assert waits == [5 * S, 30 * S, 2 * M, 10 * M, 1 * H, 6 * H, 24 * H, None]
    assert len(SCHEDULE) == 7


@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [
        ("120", 120 * S),
        ("1", 5 * S),  # never sooner than the schedule
        ("999999999999", 24 * H),
        ("Sat, 21 Nov 2026 10:10:00 GMT", 10 * M),
        ("Sat, 21 Nov 2026 09:00:00 GMT", 5 * S),
        ("soon", 5 * S),
        ("-5", 5 * S),
        ("", 5 * S),
        (None, 5 * S),
    ],
)
def test_retry_after_lengthens_the_wait(retry_after: str | None, expected: timedelta) -> None:
    assert delay_after(1, Outcome(503, retry_after=retry_after), now=NOW) == expected


def test_gone_is_never_tried_again() -> None:
    assert delay_after(1, Outcome(410), now=NOW) is None


def test_no_answer_is_tried_again_like_an_error() -> None:
    assert delay_after(2, Outcome(None, "ConnectError: refused"), now=NOW) == 30 * S


@pytest.mark.parametrize(("status", "delivered"), [(200, True), (204, True), (299, True), (302, False), (404, False)])
def test_only_2xx_counts_as_delivered(status: int, delivered: bool) -> None:
    assert Outcome(status).delivered is delivered
