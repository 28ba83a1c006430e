"""The machine's answer as people may read it: a suggestion, with its frequency in words."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from reviews.machine_marks import machine_marks
from reviews.models import Case, CaseContent
from reviews.pointers import resolve
from reviews.views.shapes import title_of
from routing.models import Calibration, RoutingDecision

MIN_LABELS = 100  # below this, a frequency is not claimed
TOP = 3


@dataclass(frozen=True, slots=True)
class Suggested:
    """One of the machine's best answers. `words`: how often it would be right, empty while nobody knows."""

    title: str
    words: str
    share: float | None


@dataclass(frozen=True, slots=True)
class Machine:
    """What is shown in the machine box. `estimated`: the shares of the later answers are an estimate."""

    label: str
    title: str
    model_version: str
    frequency_words: str
    top: list[Suggested]
    estimated: bool
    features: list[dict[str, Any]]
    quotes: list[str]


def machine_shown(case: Case, content: CaseContent, routing: RoutingDecision | None) -> Machine | None:
    """The box's content, or null without a prediction. The caller has checked that it may be seen."""
    said = content.prediction
    if said is None:
        return None
    explanation = said.get("explanation") or {}
    frequency, words = _frequency(case, routing)
    top = _top(case, said, frequency)
    return Machine(
        label=said["label"],
        title=title_of(case.task_type, said["label"]),
        model_version=said["model_version"],
        frequency_words=words,
        top=top,
        estimated=frequency is not None and len(top) > 1,
        features=[{"name": f["feature"], "value": _value(f)} for f in explanation.get("top_features", [])[:8]],
        quotes=_quotes(content, explanation),
    )


def _top(case: Case, said: dict[str, Any], frequency: float | None) -> list[Suggested]:
    """The best answers, the machine's own first.

    The first has its calibrated frequency. What is left is shared among the others as the machine weighs them, for a
    calibration speaks of the first alone. Without a calibration there are no numbers, only the order.
    """
    label = said["label"]
    others = sorted(((k, p) for k, p in said.get("probabilities", {}).items() if k != label), key=lambda kp: -kp[1])
    weight = sum(share for _label, share in others) or 1.0
    found = [(label, frequency)]
    found += [(k, None if frequency is None else (1.0 - frequency) * p / weight) for k, p in others[: TOP - 1] if p > 0]
    return [Suggested(title_of(case.task_type, k), _of_hundred(share), share) for k, share in found]


def _of_hundred(share: float | None) -> str:
    if share is None:
        return ""
    if 0 < share < 0.005:
        return _("under 1 of 100")
    return _("%(share)s of 100") % {"share": round(share * 100)}


def _quotes(content: CaseContent, explanation: dict[str, Any]) -> list[str]:
    """The words the machine looked at, for those who cannot see marks."""
    marks = machine_marks(explanation)
    found: list[str] = []
    for pointer, spans in marks.spans.items():
        text = resolve(content.input, pointer) if pointer else None
        if not isinstance(text, str):
            text = max((v for v in content.input.values() if isinstance(v, str)), key=len, default="")
        found += [text[start:end] for start, end in spans if text[start:end].strip()]
    return found[:12]


def _value(feature: dict[str, Any]) -> str:
    value = feature.get("value")
    shown = f"{value:.4g}" if isinstance(value, float) else str(value if value is not None else "")
    weight = feature.get("importance")
    return shown if weight is None else f"{shown} ({weight:+.2f})"


def _frequency(case: Case, routing: RoutingDecision | None) -> tuple[float | None, str]:
    """The calibrated frequency and “right in 74 of 100 at this level”; null and that nobody knows yet."""
    if routing is None or routing.calibrated_confidence is None or routing.calibration_version is None:
        return None, _("Uncalibrated: how often it is right at this level is not known yet.")
    n = (
        Calibration.objects.filter(task_type_id=case.task_type_id, version=routing.calibration_version)
        .values_list("n", flat=True)
        .first()
    )
    if not n or n < MIN_LABELS:
        return None, _("Uncalibrated: too few judged cases to say how often it is right.")
    share = round(routing.calibrated_confidence * 100)
    words = _("Right in about %(share)s of 100 at this level (from %(n)s judged cases).") % {"share": share, "n": n}
    return routing.calibrated_confidence, words
