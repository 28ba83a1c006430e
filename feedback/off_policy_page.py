"""What a replay's page says of a version's error had it decided, by three estimators."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from feedback.replay_result import OffPolicyResult
from feedback.stats.off_policy import OffPolicyEstimate
from hitl.core.numbers import fixed, percent, plain, whole


@dataclass(frozen=True, slots=True)
class EstimatorRow:
    name: str
    error: str
    sure: str
    cost: str


@dataclass(frozen=True, slots=True)
class OffPolicyShown:
    """`reasons`: why what is missing is refused, as stored."""

    sentence: str
    rows: list[EstimatorRow]
    reasons: list[str]
    basis: str


def off_policy_shown(found: OffPolicyResult | None) -> OffPolicyShown | None:
    """Ready to read; null for replays of an earlier release."""
    if found is None:
        return None
    error = found.error
    rows = [
        EstimatorRow(_name(e.estimator), _error(e), _between(e.sure_low, e.sure_high), _cost(c))
        for e, c in zip(error.estimates, found.cost.estimates, strict=True)
    ]
    reasons = dict.fromkeys(e.reason for e in (*error.estimates, *found.cost.estimates) if e.reason)
    return OffPolicyShown(_sentence(error.estimates), rows, list(reasons), _basis(found))


def _sentence(estimates: list[OffPolicyEstimate]) -> str:
    given = [e for e in estimates if e.low is not None and e.high is not None]
    if not given:
        return _("What this version would get wrong cannot be told from what was logged.")
    low, high = max(e.low or 0.0 for e in given), min(e.high or 0.0 for e in given)
    if low > high:
        return _("The estimators disagree: what was logged does not tell what this version would get wrong.")
    best = given[-1]
    return _("Of the machine's decisions under this version about %(error)s would be wrong.") % {"error": _error(best)}


def _basis(found: OffPolicyResult) -> str:
    error = found.error
    return _(
        "From %(known)s labelled of %(n)s cases, which count as %(effective)s equally weighted ones; weights are cut "
        "at 100 (%(clipped)s were); labels came for %(reach)s of what their logged probabilities promise."
    ) % {
        "known": whole(error.known),
        "n": whole(error.n),
        "effective": fixed(error.effective_n, 0),
        "clipped": whole(error.clipped),
        "reach": "–" if error.reach is None else percent(error.reach, 0),
    }


def _name(estimator: str) -> str:
    return {
        "ips": _("Inverse propensity (IPS)"),
        "snips": _("Self-normalised (SNIPS)"),
        "dr": _("Doubly robust (DR)"),
    }[estimator]


def _error(found: OffPolicyEstimate) -> str:
    if found.value is None:
        return _("not enough data")
    return f"{percent(found.value)} ({_between(found.low, found.high)})"


def _between(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{percent(low)}–{percent(high)}"


def _cost(found: OffPolicyEstimate) -> str:
    if found.value is None or found.low is None or found.high is None:
        return _("not enough data")
    return f"{plain(round(found.value, 3))} ({plain(round(found.low, 3))}–{plain(round(found.high, 3))})"
