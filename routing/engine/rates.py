"""What people see of what could be automated: exploration, audit, and a reservoir of each stratum (mission B11)."""

from typing import Annotated, Literal

from msgspec import Meta

from routing.engine.route import RiskLevel, Zone
from routing.engine.strict import OneIn, Rate, Strict


class RateBounds(Strict, frozen=True):
    """Between which an automatic adjustment may move a rate."""

    lowest: Rate
    highest: Rate


class ReservoirEntry(Strict, frozen=True):
    """Another N for the strata that match every key given."""

    one_in: OneIn
    label: str | None = None
    risk: RiskLevel | None = None
    zone: Literal["auto", "auto_audit"] | None = None

    def matches(self, label: str, risk: RiskLevel, zone: Zone) -> bool:
        """Whether every key given equals the case's."""
        return self.label in (None, label) and self.risk in (None, risk) and self.zone in (None, zone)


class Reservoir(Strict, frozen=True):
    """One case in N of each stratum (label x risk x zone) is seen by people; the last matching entry wins."""

    one_in: OneIn
    entries: Annotated[tuple[ReservoirEntry, ...], Meta(max_length=100)] = ()

    def one_in_of(self, label: str, risk: RiskLevel, zone: Zone) -> int:
        """N of this stratum."""
        found = (entry.one_in for entry in reversed(self.entries) if entry.matches(label, risk, zone))
        return next(found, self.one_in)


class SamplingRates(Strict, frozen=True):
    """Shares of automated cases that people see; never zero, or nothing could be learnt from automation.

    reservoir: beside the rates, a sample of each stratum, so that the rare are seen too; null: none.
    audit_rate_bounds: given, the audit rate may adapt between them (mission B11); null, it never moves.
    """

    exploration_rate: Rate = 0.05
    audit_rate: Rate = 0.2
    audit_rate_bounds: RateBounds | None = None
    reservoir: Reservoir | None = None
