"""How a loss falls with the number of labels, and what a thousand more would gain. Plain Python."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

MIN_SIZES = 4
RATES = tuple(0.02 * k for k in range(5, 101))
"""The exponents tried, 0.1 to 2: a grid keeps the fit linear in what is left, so it cannot go astray."""
_RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """loss(n) = floor + scale * n ** -rate, floor and scale at least 0."""

    floor: float
    scale: float
    rate: float

    def at(self, n: float) -> float:
        """The loss expected with n > 0 labels."""
        return float(self.floor + self.scale * n**-self.rate)


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """points: (labels, mean loss, lowest and highest decile of the repeats, repeats). gain: loss saved by `more` labels
    beyond `n`, with its 95 % interval; all null with the `reason` where there are too few sizes.
    """

    points: tuple[tuple[int, float, float, float, int], ...]
    n: int
    more: int
    law: PowerLaw | None = None
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


def learning_curve(losses: Mapping[int, Sequence[float]], *, more: int = 1_000, seed: int = 0) -> LearningCurve:
    """Fit the power law through the mean losses at each number of labels; losses: repeats by number of labels.

    The inverse power law with a floor: Cortes, Jackel, Solla, Vapnik & Denker 1994; Viering & Loog 2023 (IEEE TPAMI
    45:7799) review it as the form that fits most curves. Weighted least squares, weights 1 / variance of the mean, on a
    grid of exponents. Interval: bootstrap of the repeats within each size (Efron & Tibshirani 1993); repeats draw from
    the same labels, so it covers the noise of drawing, not what other labels would have shown. At least `MIN_SIZES`
    sizes with two or more repeats each; else a reason. ValueError for sizes below 1 or losses that are not finite.
    """
    if any(n < 1 for n in losses) or any(not -inf < v < inf for values in losses.values() for v in values):
        raise ValueError("numbers of labels from 1 up and finite losses are needed")
    usable = {n: list(values) for n, values in sorted(losses.items()) if len(values) > 1}
    points = tuple((n, _mean(v), _decile(v, 0.1), _decile(v, 0.9), len(v)) for n, v in usable.items())
    most = max(usable, default=0)
    if len(usable) < MIN_SIZES:
        return LearningCurve(points, most, more, reason=f"{len(usable)} sizes were measured; {MIN_SIZES} are needed")
    law = fit_power_law(usable)
    rng = random.Random(seed)  # noqa: S311 - a bootstrap, nothing secret
    gains = sorted(
        _gain(fit_power_law({n: rng.choices(v, k=len(v)) for n, v in usable.items()}), most, more)
        for _ in range(_RESAMPLES)
    )
    low, high = gains[round(0.025 * (_RESAMPLES - 1))], gains[round(0.975 * (_RESAMPLES - 1))]
    return LearningCurve(points, most, more, law, _gain(law, most, more), low, high)


def fit_power_law(losses: Mapping[int, Sequence[float]]) -> PowerLaw:
    """The best law through the mean of each size by weighted least squares; see `learning_curve`."""
    data = [(n, _mean(values), 1.0 / (_variance(values) / len(values) + 1e-12)) for n, values in losses.items()]
    best, law = inf, PowerLaw(0.0, 0.0, 1.0)
    for rate in RATES:
        rows = [(n**-rate, y, w) for n, y, w in data]
        floor, scale = _line(rows)
        error = sum(w * (y - floor - scale * x) ** 2 for x, y, w in rows)
        if error < best:
            best, law = error, PowerLaw(floor, scale, rate)
    return law


def _gain(law: PowerLaw, n: int, more: int) -> float:
    return law.at(n) - law.at(n + more)


def _line(rows: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """Weighted least squares of y = floor + scale * x with neither below 0."""
    total = sum(w for _, _, w in rows)
    mean_x = sum(w * x for x, _, w in rows) / total
    mean_y = sum(w * y for _, y, w in rows) / total
    spread = sum(w * (x - mean_x) ** 2 for x, _, w in rows)
    scale = sum(w * (x - mean_x) * (y - mean_y) for x, y, w in rows) / spread if spread else 0.0
    floor = mean_y - scale * mean_x
    if scale < 0.0:
        return max(0.0, mean_y), 0.0
    if floor < 0.0:
        return 0.0, sum(w * x * y for x, y, w in rows) / sum(w * x * x for x, _, w in rows)
    return floor, scale


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _variance(values: Sequence[float]) -> float:
    mean = _mean(values)
    return sum((v - mean) ** 2 for v in values) / (len(values) - 1) if len(values) > 1 else 0.0


def _decile(values: Sequence[float], share: float) -> float:
    return sorted(values)[round(share * (len(values) - 1))]
