"""How many people a queue needs: the tail of the wait in M/M/c. Pure.

Source: Gross, Shortle, Thompson & Harris, "Fundamentals of Queueing Theory", 4th ed., 2.3: in M/M/c, served in order of
arrival, P(wait > t) = C(c, a) exp(-(c/s - λ) t).
"""

from dataclasses import replace
from math import ceil, exp

from feedback.stats.queueing import QueueLoad, erlang_c

MOST_PEOPLE = 10_000


def wait_beyond(load: QueueLoad, seconds: float) -> float:
    """Probability that an arrival waits longer than that, once the queue has settled; 1.0 where it never catches up."""
    if seconds < 0.0:
        raise ValueError(f"need seconds >= 0, not {seconds!r}")
    if load.utilisation >= 1.0:
        return 1.0
    rate = load.arrivals_per_hour / 3600.0
    spare = load.reviewers / load.service_s - rate
    return erlang_c(load.reviewers, rate * load.service_s) * exp(-spare * seconds)


def people_needed(load: QueueLoad, within_s: float, share: float) -> int | None:
    """The fewest people with whom at least `share` (0–1, below 1) of arrivals wait no longer than `within_s`.

    `load.reviewers` and `load.waiting` do not matter. Null above 10,000.
    """
    if not 0.0 <= share < 1.0:
        raise ValueError(f"need a share from 0 to below 1, not {share!r}")
    offered = load.arrivals_per_hour / 3600.0 * load.service_s
    first = max(1, ceil(offered))
    for people in range(first, MOST_PEOPLE + 1):
        if wait_beyond(replace(load, reviewers=people), within_s) <= 1.0 - share:
            return people
    return None
