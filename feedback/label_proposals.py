"""A policy document with thresholds per predicted label, as a study certified them together. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

from feedback.proposals import Document, stricter

Entry = dict[str, Any]


def with_label_thresholds(
    document: Document, model_versions: Iterable[str], thresholds: Mapping[str, float | None], *, only_these: bool
) -> dict[str, Any]:
    """`document` with an entry per model version and label; null never automates that label.

    Entries that ask more of a risk level or a label still hold, as the stricter of the two; what an earlier study
    derived is made anew. only_these: all labels were studied, so a label that is none of them is never automated.
    """
    section = document.get("thresholds", {})
    entries = [dict(e) for e in section.get("entries", ())]
    for model in model_versions:
        entries = _for_model(entries, model, thresholds, only_these=only_these)
    return {**document, "thresholds": {**section, "entries": entries}}


def _for_model(
    entries: Sequence[Entry], model: str, thresholds: Mapping[str, float | None], *, only_these: bool
) -> list[Entry]:
    general = [e for e in entries if e.get("model_version") is None]
    own = [e for e in entries if e.get("model_version") == model]
    before = {e.get("label"): e["threshold"] for e in own if e.get("risk") is None}
    made = [_entry(model, None, None, None)] if only_these else []
    for label, threshold in thresholds.items():
        wishes = [e for e in general if e.get("label") in (None, label)]
        wishes += [
            e
            for e in own
            if e.get("risk") and e.get("label") in (None, label) and not _derived(e, general, label, before)
        ]
        made.append(_entry(model, None, label, _strictest(threshold, wishes, None)))
        risks = dict.fromkeys(e["risk"] for e in wishes if e.get("risk"))
        made += [_entry(model, risk, label, _strictest(threshold, wishes, risk)) for risk in risks]
    replaced = {_place(e) for e in made}
    derived = [e for e in own if e.get("label") in thresholds and _derived(e, general, e["label"], before)]
    return [e for e in entries if _place(e) not in replaced and e not in derived] + made


def _derived(entry: Entry, general: Sequence[Entry], label: str, before: Mapping[str | None, float | None]) -> bool:
    """Whether an earlier study made this entry of a risk level and label: people's wishes and its own threshold."""
    if not entry.get("risk") or entry.get("label") != label or label not in before:
        return False
    wishes = [e for e in general if e.get("label") in (None, label)]
    expected: float | None = _strictest(before[label], wishes, entry["risk"])
    return bool(entry["threshold"] == expected)


def _strictest(threshold: float | None, wishes: Iterable[Entry], risk: str | None) -> float | None:
    held = [e["threshold"] for e in wishes if e.get("risk") in (None, risk)]
    return reduce(stricter, held, threshold)


def _entry(model: str, risk: str | None, label: str | None, threshold: float | None) -> Entry:
    named = {"risk": risk, "label": label, "model_version": model}
    return {key: value for key, value in named.items() if value is not None} | {"threshold": threshold}


def _place(entry: Entry) -> tuple[str | None, str | None, str | None]:
    return entry.get("model_version"), entry.get("risk"), entry.get("label")
