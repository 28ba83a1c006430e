"""How long a review will wait: Erlang's formulas for the steady state, a draining backlog for the hour ahead. Pure.

Sources: Erlang 1917; formulas as in Gross, Shortle, Thompson & Harris, "Fundamentals of Queueing Theory", 4th ed.,
2.3 (M/M/c). The hour ahead is an approximation: the fluid backlog, never below the random queue that M/M/c builds up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, pi, sqrt

HORIZON_S = 3600.0
_SLICES = 60
_MIN_WEEKS, _MIN_SEEN, _MOST_SEASON = 2, 20, 4.0


@dataclass(frozen=True, slots=True)
class QueueLoad:
    """One queue now. arrivals_per_hour >= 0; service_s: mean time of one review, > 0; reviewers, waiting: counts."""

    arrivals_per_hour: float
    service_s: float
    reviewers: int
    waiting: int

    @property
    def utilisation(self) -> float:
        """Work arriving ÷ work that can be done; 1 and more never catches up. Infinite without reviewers."""
        return self.arrivals_per_hour * self.service_s / 3600.0 / self.reviewers if self.reviewers else inf

    def with_arrivals(self, arrivals_per_hour: float) -> "QueueLoad":
        """The same queue under another inflow."""
        return replace(self, arrivals_per_hour=arrivals_per_hour)


@dataclass(frozen=True, slots=True)
class WaitForecast:
    """Expected wait in seconds of a review that arrives now, and on average over the next hour; infinite: nobody."""

    now_s: float
    hour_s: float


def erlang_b(servers: int, offered: float) -> float:
    """Probability that all servers are busy and a call is lost. offered: arrivals × service time, in Erlang, >= 0.

    By the recursion B(c) = a B(c-1) / (c + a B(c-1)), which neither overflows nor cancels. 0 servers: 1.
    """
    _check(servers, offered)
    blocked = 1.0
    for server in range(1, servers + 1):
        blocked = offered * blocked / (server + offered * blocked)
    return blocked


def erlang_c(servers: int, offered: float) -> float:
    """Probability that an arrival has to wait in M/M/c; 1.0 where the queue grows without end (offered >= servers)."""
    _check(servers, offered)
    if offered >= servers:
        return 1.0
    blocked = erlang_b(servers, offered)
    return blocked / (1.0 - offered / servers * (1.0 - blocked))


def steady_wait_s(load: QueueLoad) -> float:
    """Mean wait in M/M/c once the queue has settled: C(c, a) / (c/s - arrivals); infinite at utilisation >= 1."""
    _check_load(load)
    rate = load.arrivals_per_hour / 3600.0
    spare = load.reviewers / load.service_s - rate
    if spare <= 0.0:
        return inf
    return erlang_c(load.reviewers, rate * load.service_s) / spare


def expected_wait(load: QueueLoad) -> WaitForecast:
    """Expected wait now and over the next hour. ValueError for a negative count or a service time not above 0.

    A review behind n others waits (n + 1) / (c/s). The backlog then grows or shrinks with arrivals less capacity. Near
    and above full load the settled queue takes longer than an hour to build, so its wait counts at most as that of a
    queue without drift after an hour: mean √(2 (λ + c/s) T / π) reviews (reflected Brownian motion).
    """
    _check_load(load)
    if load.reviewers == 0:
        return WaitForecast(inf, inf)
    rate, capacity = load.arrivals_per_hour / 3600.0, load.reviewers / load.service_s
    built = sqrt(2.0 * (rate + capacity) * HORIZON_S / pi) / capacity
    random = min(steady_wait_s(load), built)

    def wait_at(seconds: float) -> float:
        backlog = load.waiting + (rate - capacity) * seconds
        return max((backlog + 1.0) / capacity if backlog > 0.0 else 0.0, random)

    middles = (HORIZON_S * (part + 0.5) / _SLICES for part in range(_SLICES))
    return WaitForecast(wait_at(0.0), sum(map(wait_at, middles)) / _SLICES)


def arrivals_next_hour(last_hour: float, weeks: Sequence[tuple[int, int]]) -> float:
    """Arrivals expected in the coming hour: the last hour's, times how that hour changed at this time in past weeks.

    weeks: for each past week the arrivals in the same hour of the week and in the one after it. Without two weeks and
    20 arrivals the last hour is taken as it is; the factor stays within 1/4 to 4.
    """
    before, after = sum(first for first, _ in weeks), sum(second for _, second in weeks)
    if len(weeks) < _MIN_WEEKS or before < _MIN_SEEN:
        return last_hour
    return last_hour * min(max(after / before, 1.0 / _MOST_SEASON), _MOST_SEASON)


def _check(servers: int, offered: float) -> None:
    if servers < 0 or not 0.0 <= offered < inf:
        raise ValueError(f"need servers >= 0 and a finite load >= 0, not {servers!r} and {offered!r}")


def _check_load(load: QueueLoad) -> None:
    sound = 0.0 <= load.arrivals_per_hour < inf and 0.0 < load.service_s < inf
    if not sound or load.reviewers < 0 or load.waiting < 0:
        raise ValueError(f"not a queue: {load!r}")
