"""Label Studio's JSON: tasks with predictions and annotations, ready for its import and as it exports them.

Source: https://labelstud.io/guide/tasks#Label-Studio-JSON-format-of-annotated-tasks and
https://labelstud.io/guide/predictions. The labelling interface it fits: `<Choices name="label" toName="case">`.
"""

from collections.abc import Sequence
from typing import Any

from feedback.export_columns import to_json

_SHOWN = ("input", "context", "key_evidence", "evidence")
_OWN_PLACES = ("judgements", *_SHOWN)


class LabelStudio:
    """One JSON array."""

    def __init__(self) -> None:
        self._before = b"["

    def begin(self) -> bytes:
        return b""

    def add(self, rows: Sequence[dict[str, Any]]) -> bytes:
        if not rows:
            return b""
        found = self._before + b"\n" + b",\n".join(to_json(task_of(row)) for row in rows)
        self._before = b","
        return found

    def end(self) -> bytes:
        return (b"[" if self._before == b"[" else b"") + b"\n]\n"


def task_of(row: dict[str, Any]) -> dict[str, Any]:
    """The task of one case: the data people saw, the machine's prediction, and everybody's last word.

    `meta` has the rest: the training label, its weight, factors and versions. Reviewers stand in each annotation's
    `meta`, not as `completed_by`, since Label Studio refuses people it does not know.
    """
    finals = [j for j in row["judgements"] if j["stage"] == "final"]
    return {
        "data": {name: row[name] for name in _SHOWN} | {"case": row["case"], "external_id": row["external_id"]},
        "meta": {name: value for name, value in row.items() if name not in _OWN_PLACES},
        "predictions": [_prediction(row)] if row["model_label"] is not None else [],
        "annotations": [_annotation(judgement) for judgement in finals],
    }


def _prediction(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "model_version": row["model_version"] or "",
        "score": row["confidence"],
        "result": _choice(row["model_label"]),
    }


def _annotation(judgement: dict[str, Any]) -> dict[str, Any]:
    return {
        "result": _choice(judgement["label"]),
        "was_cancelled": False,
        "ground_truth": False,
        "lead_time": judgement["decision_time_s"],
        "created_at": judgement["at"],
        "meta": judgement,
    }


def _choice(label: str) -> list[dict[str, Any]]:
    return [{"from_name": "label", "to_name": "case", "type": "choices", "value": {"choices": [label]}}]
