"""What a recalibration proposes: the active policy document with fitted maps and certified thresholds. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

Document = Mapping[str, Any]
_Place = tuple[str | None, str | None]
"""Risk level and label an entry is for."""
_EVERYWHERE: _Place = (None, None)


@dataclass(frozen=True, slots=True)
class SourceProposal:
    """One fitted confidence source of a model: its calibration's version, and all thresholds certified on its scale.

    slices: those with a map of their own, as the document names them.
    """

    confidence_source: str
    calibration_version: int
    certified: tuple[float, ...]
    slices: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class ModelProposal:
    """All fitted confidence sources of one model version."""

    model_version: str
    sources: tuple[SourceProposal, ...]

    @property
    def threshold(self) -> float | None:
        """The lowest threshold certified for every source; null: not attainable, the machine never decides."""
        common = reduce(frozenset.intersection, (frozenset(s.certified) for s in self.sources))
        return min(common, default=None)


def proposed_document(document: Document, proposals: Sequence[ModelProposal]) -> dict[str, Any]:
    """`document` with the proposals' calibrations and thresholds; everything else as it was.

    A model's threshold becomes an entry for that model. Entries that ask more of a risk level or a label still hold for
    it, as the stricter of the two; a null (never automate) stays null. Other sources' calibrations of a refitted model
    are dropped, since its threshold was not certified for them; without a calibration people decide.
    """
    refitted = {p.model_version for p in proposals}
    kept = [c for c in document.get("calibrations", ()) if c["model_version"] not in refitted]
    fitted = [
        scale(p.model_version, s.confidence_source, s.calibration_version, s.slices)
        for p in proposals
        for s in p.sources
    ]
    thresholds = document.get("thresholds", {})
    entries = _entries(thresholds.get("entries", ()), proposals)
    return {**document, "calibrations": [*kept, *fitted], "thresholds": {**thresholds, "entries": entries}}


def scale(
    model_version: str, confidence_source: str, version: int | None, slices: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """A calibration in force as a policy document and a threshold study name it; `slices` only where there are any."""
    named = {"model_version": model_version, "confidence_source": confidence_source, "version": version}
    return named | ({"slices": [dict(each) for each in slices]} if slices else {})


def _entries(entries: Iterable[Mapping[str, Any]], proposals: Sequence[ModelProposal]) -> list[dict[str, Any]]:
    refitted = {p.model_version for p in proposals}
    given = [dict(e) for e in entries]
    general = {_place(e): e for e in given if e.get("model_version") is None}
    result = [e for e in given if e.get("model_version") not in refitted]
    for proposal in proposals:
        result.append({"model_version": proposal.model_version, "threshold": proposal.threshold})
        own = {_place(e): e for e in given if e.get("model_version") == proposal.model_version}
        written = general | _written_by_people(own, general)
        result += [
            {**e, "model_version": proposal.model_version, "threshold": stricter(e["threshold"], proposal.threshold)}
            for e in written.values()
        ]
    return result


def _written_by_people(own: dict[_Place, dict[str, Any]], general: dict[_Place, dict[str, Any]]) -> dict[_Place, Any]:
    """A model's own entries less those an earlier proposal derived: copies would only ever rise, never fall again."""
    before = own.get(_EVERYWHERE)
    return {
        place: entry
        for place, entry in own.items()
        if place != _EVERYWHERE
        and not (
            before is not None
            and place in general
            and entry["threshold"] == stricter(general[place]["threshold"], before["threshold"])
        )
    }


def _place(entry: Mapping[str, Any]) -> _Place:
    return entry.get("risk"), entry.get("label")


def stricter(one: float | None, other: float | None) -> float | None:
    """The higher threshold; null, which never automates, is the strictest."""
    return None if one is None or other is None else max(one, other)
