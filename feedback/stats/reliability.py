"""How honest confidences are: calibration error, Brier score, log loss and the reliability diagram. Plain Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from feedback.stats.bounds import wilson_interval

LOSS_CLIP = 1e-6


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """One bar: confidences in [start, end), the last bin including 1.

    n records; confidence and accuracy their weighted means; low, high the 95 % Wilson interval of the accuracy, on the
    bin's effective sample size (Kish) where weights differ. Empty bin: n = 0 and the rest null.
    """

    start: float
    end: float
    n: int
    confidence: float | None
    accuracy: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """ece, brier, log_loss: null without records. All three are 0 at best."""

    n: int
    ece: float | None
    brier: float | None
    log_loss: float | None
    bins: tuple[ReliabilityBin, ...]


def reliability(
    confidences: Sequence[float], correct: Sequence[bool], weights: Sequence[float] | None = None, *, bins: int = 10
) -> Reliability:
    """Measure calibration over equal-width bins.

    ece: sum of weight share x |accuracy - confidence| over bins (Naeini, Cooper & Hauskrecht 2015; Guo et al. 2017, eq.
    3). brier: mean squared error (Brier 1950). log_loss: natural logarithm, clipped at 1e-6. Sequences of one length,
    confidences 0-1, weights > 0 (null: equal); ValueError otherwise. No records: null figures and empty bins.
    """
    weights = [1.0] * len(confidences) if weights is None else weights
    if not len(confidences) == len(correct) == len(weights):
        raise ValueError("confidences, correct and weights must have the same length")
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    cells = [_Cell() for _ in range(bins)]
    brier = loss = 0.0
    for index, (confidence, right, weight) in enumerate(zip(confidences, correct, weights, strict=True)):
        if not (0.0 <= confidence <= 1.0 and 0.0 < weight < float("inf")):
            raise ValueError(f"record {index}: confidence must lie in 0..1 and weight be positive and finite")
        cells[min(bins - 1, int(confidence * bins))].add(confidence, right, weight)
        brier += weight * (confidence - (1.0 if right else 0.0)) ** 2
        loss -= weight * log(max(LOSS_CLIP, confidence if right else 1.0 - confidence))
    total = sum(cell.weight for cell in cells)
    drawn = tuple(cell.drawn(index / bins, (index + 1) / bins) for index, cell in enumerate(cells))
    if not total:
        return Reliability(0, None, None, None, drawn)
    ece = sum(abs(cell.right - cell.confidence) for cell in cells) / total
    return Reliability(len(confidences), ece, brier / total, loss / total, drawn)


class _Cell:
    """Running sums of one bin."""

    def __init__(self) -> None:
        self.n = 0
        self.weight = self.squares = self.confidence = self.right = 0.0

    def add(self, confidence: float, right: bool, weight: float) -> None:
        self.n += 1
        self.weight += weight
        self.squares += weight * weight
        self.confidence += weight * confidence
        self.right += weight if right else 0.0

    def drawn(self, start: float, end: float) -> ReliabilityBin:
        if self.n == 0:
            return ReliabilityBin(start, end, 0, None, None, None, None)
        accuracy = min(1.0, self.right / self.weight)
        effective = self.weight**2 / self.squares
        low, high = wilson_interval(accuracy * effective, effective)
        return ReliabilityBin(start, end, self.n, self.confidence / self.weight, accuracy, low, high)
