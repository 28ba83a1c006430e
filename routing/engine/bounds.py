"""What hitl may change of a policy without asking: only inside bounds that two people approved (mission B13)."""

from itertools import product
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from routing.engine.route import RiskLevel

if TYPE_CHECKING:
    from routing.engine.document import PolicyDocument

_Share = Annotated[float, Meta(ge=0.0, le=1.0)]


class AutomaticChanges(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A recalibration takes effect by itself where every threshold it moves ends between these two.

    What is never automated stays so, and nothing but thresholds and calibrations may change.
    """

    lowest_threshold: _Share
    highest_threshold: _Share


def outside_bounds(before: "PolicyDocument", after: "PolicyDocument") -> str | None:
    """Why `after` needs a person's approval where `before` is in force; null when it is inside `before`'s bounds."""
    bounds = before.automatic
    if bounds is None:
        return "The version in force allows no automatic changes."
    changed = [name for name in before.__struct_fields__ if getattr(before, name) != getattr(after, name)]
    if beyond := [name for name in changed if name not in ("thresholds", "calibrations")]:
        return f"More than thresholds and calibrations changed: {', '.join(beyond)}."
    for risk, label, model in _cells(before, after):
        was, now = (document.thresholds.for_case(risk, label, model) for document in (before, after))
        if now == was or now is None:
            continue
        if was is None:
            return f"It would begin to automate where the version in force never does ({risk} risk)."
        if not bounds.lowest_threshold <= now <= bounds.highest_threshold:
            return f"The threshold {now:g} lies outside {bounds.lowest_threshold:g} to {bounds.highest_threshold:g}."
    return None


def _cells(before: "PolicyDocument", after: "PolicyDocument") -> "product[tuple[RiskLevel, str, str]]":
    """Every case the two may treat otherwise: each risk, label and model named, and one of each that is not."""
    entries = (*before.thresholds.entries, *after.thresholds.entries)
    labels = {entry.label for entry in entries if entry.label is not None} | {"\0another"}
    models = {entry.model_version for entry in entries if entry.model_version is not None} | {"\0another"}
    return product(RiskLevel, sorted(labels), sorted(models))
