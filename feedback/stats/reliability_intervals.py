"""How sure calibration error, Brier score and log loss are. Worker only: imports numpy."""

from collections.abc import Sequence

import numpy as np

from feedback.stats.calibration_fit import Floats, log_losses
from feedback.stats.slice_fit import mean_and_error

Z95 = 1.959963984540054
DRAWS = 500


def metric_intervals(
    confidences: Sequence[float] | Floats,
    correct: Sequence[bool],
    weights: Sequence[float] | Floats,
    *,
    seed: int,
    bins: int = 10,
) -> dict[str, list[float]]:
    """95 % intervals, low and high, of `ece`, `brier` and `log_loss` as `reliability` measures them; empty without two
    records. Sequences of one length, confidences 0-1, weights > 0.

    brier, log_loss: weighted means, so normal with the linearised standard error, not below 0. ece: the hull of the
    percentile and the basic bootstrap over records (Davison & Hinkley 1997, 5.2), reaching to 0 where consistency
    resampling (Broecker & Smith 2007: truths drawn as the confidences say) does not refute an honest model at 5 %. The
    hull, because resampling moves a sum of absolute values upwards (Kumar, Liang & Ma 2019): near 0 the percentiles lie
    too high, and farther off their reflection too low; simulated, it holds the true value at least as often as stated.
    """
    p, y = np.asarray(confidences, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    w = np.asarray(weights, dtype=np.float64)
    if len(p) < 2:
        return {}
    return {
        "ece": _ece_interval(p, y, w, bins, np.random.default_rng(seed)),
        "brier": _of_mean((p - y) ** 2, w),
        "log_loss": _of_mean(log_losses(p, y), w),
    }


def _of_mean(values: Floats, w: Floats) -> list[float]:
    mean, error = mean_and_error(values, w)
    return [max(0.0, mean - Z95 * error), mean + Z95 * error]


def _ece_interval(p: Floats, y: Floats, w: Floats, bins: int, rng: np.random.Generator) -> list[float]:
    bin_of = np.minimum(bins - 1, (p * bins).astype(np.intp))
    excess = w * (y - p)

    def ece(times: Floats) -> float:
        return float(np.abs(np.bincount(bin_of, times * excess, bins)).sum() / (times @ w))

    n = len(p)
    drawn = [ece(np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)) for _ in range(DRAWS)]
    measured, (low, high) = ece(np.ones(n)), np.quantile(drawn, [0.025, 0.975])
    honest = [
        float(np.abs(np.bincount(bin_of, w * ((rng.random(n) < p) - p), bins)).sum() / w.sum()) for _ in range(DRAWS)
    ]
    lowest = 0.0 if measured <= np.quantile(honest, 0.95) else max(0.0, min(low, 2.0 * measured - high))
    return [float(lowest), float(min(1.0, max(high, 2.0 * measured - low)))]
