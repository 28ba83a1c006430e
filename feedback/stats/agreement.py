"""Agreement between raters: every coefficient that applies, each with its interval or the reason it is missing."""

from collections.abc import Sequence
from dataclasses import dataclass

from feedback.stats.kappa import cohen, weighted_cohen
from feedback.stats.krippendorff import krippendorff
from feedback.stats.multirater import fleiss, gwet_ac1
from feedback.stats.ratings import Coefficient, Level, Rating, rating_table


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """raters: rows; units: columns; missing: empty cells; coefficients: always all five, in a fixed order."""

    raters: int
    units: int
    missing: int
    coefficients: tuple[Coefficient, ...]


def agreement(ratings: Sequence[Sequence[Rating | None]], level: Level, *, seed: int = 0) -> AgreementReport:
    """Compare raters: rows raters, columns units, null where a rater gave none. Same input and seed, same answer.

    Order: cohen, weighted_cohen, fleiss, krippendorff, gwet_ac1; the sources stand with each function. Kappa can be
    negative at 94 % agreement (Feinstein & Cicchetti 1990), so read AC1 beside it. Too little or unsuitable data gives
    null values with reasons, never NaN. Rows of unequal length, NaN and infinity: ValueError.
    """
    table = rating_table(ratings)
    coefficients = (
        cohen(table),
        weighted_cohen(table, level),
        fleiss(table),
        krippendorff(table, level, seed=seed),
        gwet_ac1(table),
    )
    return AgreementReport(len(table.rows), table.units, table.missing, coefficients)
