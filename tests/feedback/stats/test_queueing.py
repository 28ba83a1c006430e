"""The wait that reviewers' queues will have, against published values and a simulation (mission B14, C6)."""

import heapq
import random
from math import factorial, inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.stats.queueing import (
    HORIZON_S,
    QueueLoad,
    arrivals_next_hour,
    erlang_b,
    erlang_c,
    expected_wait,
    steady_wait_s,
)


@pytest.mark.parametrize(
    ("servers", "offered", "published"),
    [(1, 0.5, 0.3333), (2, 1.0, 0.2), (5, 3.0, 0.1101), (10, 5.0, 0.0184), (10, 4.46, 0.0100), (20, 12.0, 0.0098)],
)
def test_erlang_b_agrees_with_the_published_table(servers: int, offered: float, published: float) -> None:
    assert erlang_b(servers, offered) == pytest.approx(published, abs=6e-5)


@pytest.mark.parametrize(
    ("servers", "offered", "published"),
    [(1, 0.8, 0.8), (2, 1.0, 0.3333), (3, 2.0, 0.4444), (5, 4.0, 0.5541), (10, 8.0, 0.4092), (11, 10.0, 0.6821)],
)
def test_erlang_c_agrees_with_the_published_table(servers: int, offered: float, published: float) -> None:
    assert erlang_c(servers, offered) == pytest.approx(published, abs=6e-5)


@given(st.integers(1, 60), st.floats(0.01, 0.99))
def test_erlang_c_agrees_with_the_sum_it_is_defined_by(servers: int, utilisation: float) -> None:
    offered = servers * utilisation
    last = offered**servers / factorial(servers) / (1 - utilisation)
    below = sum(offered**k / factorial(k) for k in range(servers))
    assert erlang_c(servers, offered) == pytest.approx(last / (below + last), rel=1e-9)


def test_the_eye_clinic_of_the_textbook_waits_nine_minutes() -> None:
    # Gross et al., example 2.2: three doctors, 20 minutes a patient, six arrivals an hour; Lq = 8/9, Wq = 0.148 h.
    clinic = QueueLoad(arrivals_per_hour=6, service_s=1200, reviewers=3, waiting=0)
    assert steady_wait_s(clinic) == pytest.approx(8 / 9 / 6 * 3600)
    assert expected_wait(clinic).now_s == pytest.approx(533.3, abs=0.1)


def test_a_backlog_waits_for_those_in_front_and_drains_or_grows() -> None:
    draining = expected_wait(QueueLoad(arrivals_per_hour=30, service_s=60, reviewers=1, waiting=29))
    assert draining.now_s == pytest.approx(30 * 60)
    assert draining.hour_s < draining.now_s
    growing = expected_wait(QueueLoad(arrivals_per_hour=90, service_s=60, reviewers=1, waiting=29))
    assert growing.hour_s == pytest.approx((29 + 15 + 1) * 60, rel=0.01)  # 15 more after half an hour


def test_without_reviewers_the_wait_has_no_end() -> None:
    assert expected_wait(QueueLoad(10, 60, 0, 0)) == (expected := expected_wait(QueueLoad(0, 60, 0, 3)))
    assert expected.hour_s == inf


def simulated_wait(load: QueueLoad, runs: int = 400) -> float:
    """Mean wait of the arrivals of one hour, M/M/c started with the backlog, by discrete events."""
    rng = random.Random(7)
    waits = []
    for _ in range(runs):
        free = [0.0] * load.reviewers
        for _ in range(load.waiting + load.reviewers):  # everybody is busy, and the backlog is in front
            heapq.heapreplace(free, free[0] + rng.expovariate(1 / load.service_s))
        at = rng.expovariate(load.arrivals_per_hour / 3600)
        while at < HORIZON_S:
            waits.append(max(0.0, free[0] - at))
            heapq.heapreplace(free, max(at, free[0]) + rng.expovariate(1 / load.service_s))
            at += rng.expovariate(load.arrivals_per_hour / 3600)
    return sum(waits) / len(waits)


@pytest.mark.parametrize(
    "load",
    [
        QueueLoad(90, 60, 1, 30),
        QueueLoad(90, 60, 2, 10),
        QueueLoad(180, 60, 2, 40),
        QueueLoad(100, 120, 4, 60),
        QueueLoad(30, 60, 1, 30),
    ],
    ids=lambda load: f"{load.utilisation:.2f} busy, {load.waiting} waiting",
)
def test_the_hour_ahead_agrees_with_a_simulation(load: QueueLoad) -> None:
    assert expected_wait(load).hour_s == pytest.approx(simulated_wait(load), rel=0.2)


@given(st.floats(0, 500), st.floats(0, 500), st.integers(1, 20), st.integers(0, 300), st.floats(5, 900))
def test_more_arrivals_never_wait_less(one: float, other: float, reviewers: int, waiting: int, service: float) -> None:
    fewer, more = (expected_wait(QueueLoad(rate, service, reviewers, waiting)) for rate in sorted((one, other)))
    assert fewer.now_s <= more.now_s + 1e-6 and fewer.hour_s <= more.hour_s + 1e-6


@pytest.mark.parametrize(
    ("weeks", "expected"),
    [([], 40), ([(30, 60)], 40), ([(5, 10), (5, 10)], 40), ([(30, 60), (30, 60)], 80), ([(30, 900), (30, 900)], 160)],
)
def test_the_season_counts_once_there_are_weeks_enough(weeks: list[tuple[int, int]], expected: float) -> None:
    assert arrivals_next_hour(40, weeks) == expected


@pytest.mark.parametrize("load", [QueueLoad(-1, 60, 1, 0), QueueLoad(1, 0, 1, 0), QueueLoad(1, 60, -1, 0)])
def test_what_is_no_queue_is_refused(load: QueueLoad) -> None:
    with pytest.raises(ValueError, match="not a queue"):
        expected_wait(load)
