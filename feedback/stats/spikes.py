"""Is a count higher than its own past lets expect? In plain Python; the web process may import it."""

from dataclasses import dataclass

from feedback.stats.bounds import binomial_tail

DEFAULT_ALPHA = 0.001
"""At one look an hour, about nine false alarms a year for each thing watched; the test is discrete, so it is fewer."""
MIN_COUNT = 5
"""A handful is no spike, however rare the thing was before."""


@dataclass(frozen=True, slots=True)
class Spike:
    """The verdict on one window. ratio: rate now over rate before; null where there was none before."""

    p_value: float
    alarm: bool
    expected: float
    ratio: float | None


def spike(
    recent: int,
    past: int,
    *,
    recent_exposure: float,
    past_exposure: float,
    alpha: float = DEFAULT_ALPHA,
    min_count: int = MIN_COUNT,
) -> Spike:
    """Test whether the rate in the recent window is above that of the past one: two Poisson counts, conditionally.

    Given their sum n = recent + past, the recent count is Bin(n, w) with w = recent_exposure / (recent_exposure +
    past_exposure) if the rates are equal; the one-sided exact p-value is P(Bin(n, w) >= recent). Exposure is what the
    events are counted against: decisions made, or hours. Source: Przyborowski & Wilenski 1940 (Biometrika 31);
    Krishnamoorthy & Thomson 2004, section 2. Exact, so false alarms come at most at `alpha`, whatever
    the counts. Without any past exposure nothing can be said: p = 1. ValueError for negative counts or exposures.
    """
    if min(recent, past) < 0 or min(recent_exposure, past_exposure) < 0.0:
        raise ValueError("counts and exposures must not be negative")
    if past_exposure == 0.0 or recent_exposure == 0.0:
        return Spike(1.0, False, float(recent), None)
    total, share = recent + past, recent_exposure / (recent_exposure + past_exposure)
    # P(Bin(n, w) >= r) = P(Bin(n, 1 - w) <= n - r)
    p_value = 1.0 if recent == 0 else binomial_tail(total - recent, total, 1.0 - share)
    expected = past * recent_exposure / past_exposure
    ratio = recent / expected if expected else None
    return Spike(p_value, recent >= min_count and p_value <= alpha, expected, ratio)
