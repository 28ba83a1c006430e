"""From which calibrated confidence the machine may decide, by risk, label and model version (mission B3)."""

from routing.engine.route import RiskLevel
from routing.engine.strict import Share, Strict


class ThresholdEntry(Strict, frozen=True):
    """A threshold for the cases that match every key given; null never automates them."""

    threshold: Share | None
    risk: RiskLevel | None = None
    label: str | None = None
    model_version: str | None = None

    @property
    def specificity(self) -> int:
        """How many keys it names."""
        return sum(key is not None for key in (self.risk, self.label, self.model_version))

    def matches(self, risk: RiskLevel, label: str, model_version: str | None) -> bool:
        """Whether every key given equals the case's."""
        return self.risk in (None, risk) and self.label in (None, label) and self.model_version in (None, model_version)


class Thresholds(Strict, frozen=True):
    """The most specific matching entry wins, then the later one; without any the default."""

    default: Share | None = 0.95
    entries: tuple[ThresholdEntry, ...] = ()

    def for_case(self, risk: RiskLevel, label: str, model_version: str | None) -> float | None:
        """The threshold that counts for such a case; null: never."""
        best, threshold = 0, self.default
        for entry in self.entries:
            if entry.specificity >= best and entry.matches(risk, label, model_version):
                best, threshold = entry.specificity, entry.threshold
        return threshold
