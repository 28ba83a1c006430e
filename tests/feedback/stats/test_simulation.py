"""The simulated day against queues whose waits are known in closed form."""

from dataclasses import replace
from math import log
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.stats.queueing import QueueLoad, steady_wait_s
from feedback.stats.simulation import HOUR_S, Kind, Line, Outcome, Person, Waiting, simulate
from feedback.stats.staffing import people_needed, wait_beyond

LONG_S = 1e9
EXPONENTIAL = tuple(-log(1.0 - (i + 0.5) / 5000) for i in range(5000))


def kinds(service_s: float, *, random: bool, priority: float = 0.5, sla_s: float = LONG_S) -> tuple[Kind, ...]:
    return tuple(Kind(service_s * draw, sla_s, priority) for draw in (EXPONENTIAL if random else (1.0,)))


def always(*groups: tuple[int, ...], hours: int) -> Person:
    return Person(groups, ((0.0, hours * HOUR_S),))


def mean_wait(outcomes: list[list[Outcome]], line: int = 0) -> float:
    """After a fifth of each course, when it has settled."""
    return mean(w for course in outcomes for w in course[line].waits[len(course[line].waits) // 5 :])


def courses(lines: list[Line], people: list[Person], hours: int, runs: int = 6) -> list[list[Outcome]]:
    return [simulate(lines, people, hours, seed) for seed in range(runs)]


@pytest.mark.parametrize(("people", "per_hour"), [(1, 42.0), (3, 150.0), (10, 480.0)])
def test_waits_are_erlangs_where_service_is_exponential(people: int, per_hour: float) -> None:
    hours = max(100, int(60_000 / per_hour))
    line = Line((per_hour,) * hours, kinds(60.0, random=True))
    found = mean_wait(courses([line], [always((0,), hours=hours)] * people, hours))
    assert found == pytest.approx(steady_wait_s(QueueLoad(per_hour, 60.0, people, 0)), rel=0.12)


def test_waits_are_those_of_pollaczek_and_khinchine_where_every_review_takes_the_same_time() -> None:
    hours, per_hour = 1000, 45.0
    found = mean_wait(
        courses([Line((per_hour,) * hours, kinds(60.0, random=False))], [always((0,), hours=hours)], hours)
    )
    load = per_hour * 60.0 / 3600.0
    assert found == pytest.approx(load * 60.0 / (2 * (1 - load)), rel=0.08)


def test_higher_priority_waits_as_in_cobhams_queue() -> None:
    """Cobham 1954: W1 = R / (1 - r1), W2 = R / ((1 - r1)(1 - r1 - r2)), R = λ E[S²] / 2, without preemption."""
    hours, rates = 1500, (20.0, 25.0)
    lines = [
        Line((rate,) * hours, kinds(60.0, random=True, priority=p)) for rate, p in zip(rates, (0.9, 0.1), strict=True)
    ]
    found = courses(lines, [always((0, 1), hours=hours)], hours)
    first, second = (rate * 60.0 / 3600.0 for rate in rates)
    rest = sum(rates) / 3600.0 * 2 * 60.0**2 / 2
    assert mean_wait(found, 0) == pytest.approx(rest / (1 - first), rel=0.08)
    assert mean_wait(found, 1) == pytest.approx(rest / ((1 - first) * (1 - first - second)), rel=0.12)


def test_the_tail_of_the_wait_is_that_of_the_formula() -> None:
    hours, load = 600, QueueLoad(150.0, 60.0, 3, 0)
    found = courses([Line((150.0,) * hours, kinds(60.0, random=True))], [always((0,), hours=hours)] * 3, hours)
    waits = [w for course in found for w in course[0].waits]
    assert mean(w > 60.0 for w in waits) == pytest.approx(wait_beyond(load, 60.0), abs=0.02)


@pytest.mark.parametrize(
    ("per_hour", "service_s", "within_s", "share", "people"),
    [
        (
            200.0,
            180.0,
            20.0,
            0.80,
            14,
        ),  # the textbook call centre: 10 Erlang, 88.8 % within 20 s with 14 (78.1 % with 13)
        (0.0, 60.0, 10.0, 0.99, 1),
        (60.0, 60.0, 0.0, 0.5, 2),
    ],
)
def test_people_needed(per_hour: float, service_s: float, within_s: float, share: float, people: int) -> None:
    load = QueueLoad(per_hour, service_s, 0, 0)
    assert people_needed(load, within_s, share) == people


def test_the_published_service_level_of_ten_erlang_and_fourteen_agents() -> None:
    """Widely tabulated: 200 calls an hour of 180 s, 14 agents: 17.4 % wait, 88.8 % are answered within 20 s."""
    load = QueueLoad(200.0, 180.0, 14, 0)
    assert wait_beyond(load, 0.0) == pytest.approx(0.174, abs=0.0005)
    assert 1.0 - wait_beyond(load, 20.0) == pytest.approx(0.888, abs=0.0005)
    assert wait_beyond(replace(load, reviewers=10), 1e6) == 1.0


def test_nobody_claims_outside_a_shift_and_what_is_begun_is_finished() -> None:
    line = Line((0.0,) * 3, (), tuple(Waiting(HOUR_S * 0.7, Kind(2400.0, LONG_S, 0.5)) for _ in range(3)))
    (found,) = simulate([line], [Person(((0,),), ((0.0, HOUR_S),))], 3, 1)
    assert (found.done, found.depth) == (2, [1, 1, 1])
    assert (found.due, found.late) == (3, 2)


def test_own_queues_come_before_others_and_nearly_late_before_priority() -> None:
    def waiting(due_in_s: float, priority: float) -> Waiting:
        return Waiting(due_in_s, Kind(HOUR_S, HOUR_S * 10, priority))

    own = Line((0.0,) * 4, (), (waiting(9 * HOUR_S, 0.9), waiting(0.5 * HOUR_S, 0.1)))
    other = Line((0.0,) * 4, (), (waiting(0.1 * HOUR_S, 1.0),))
    first, second = simulate([own, other], [always((0,), (1,), hours=4)], 4, 1)
    assert (first.waits, second.waits) == ([0.0, HOUR_S], [2 * HOUR_S])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 40), st.floats(5, 4000), st.floats(60, 90_000)), min_size=1, max_size=4),
    st.lists(st.tuples(st.permutations(range(4)), st.floats(0, 5), st.floats(0.1, 5)), max_size=5),
    st.integers(0, 10**6),
)
def test_every_arrival_is_done_begun_or_waiting(
    queues: list[tuple[float, float, float]], staff: list[tuple[list[int], float, float]], seed: int
) -> None:
    hours = 6
    lines = [Line((rate,) * hours, (Kind(service, sla, 0.5),)) for rate, service, sla in queues]
    people = [
        Person(tuple((i,) for i in order if i < len(lines)), ((start * HOUR_S, (start + length) * HOUR_S),))
        for order, start, length in staff
    ]
    found = simulate(lines, people, hours, seed)
    assert found == simulate(lines, people, hours, seed)
    for outcome in found:
        assert outcome.arrived == len(outcome.waits) + outcome.depth[-1]
        assert outcome.done <= len(outcome.waits)
        assert 0 <= outcome.late <= outcome.due <= outcome.arrived
        assert all(w >= 0 for w in outcome.waits)
