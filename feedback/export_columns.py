"""The flat form of a row: what CSV, Parquet and Hugging Face files have as columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

_JSON = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True)
class Column:
    """`json`: an object or list, as JSON text; tables have no type for what differs from case to case."""

    name: str
    kind: Literal["string", "float64", "int64", "json"] = "string"

    def value(self, row: Mapping[str, Any]) -> Any:
        """The cell: text, a number, or null."""
        found = row[self.name]
        if found is None:
            return None
        match self.kind:
            case "json":
                return to_json(found).decode()
            case "float64":
                return float(found)
            case _:
                return found


def to_json(value: Any) -> bytes:
    """The one way a value is written: keys sorted, shortest floats."""
    return _JSON.encode(value)


TRAINING = (
    Column("case"),
    Column("task_type"),
    Column("external_id"),
    Column("subject"),
    Column("submitted_at"),
    Column("mode"),
    Column("input", "json"),
    Column("context", "json"),
    Column("key_evidence", "json"),
    Column("evidence", "json"),
    Column("label"),
    Column("weight", "float64"),
    Column("source"),
    Column("factors", "json"),
    Column("unaided_label"),
    Column("selection_probability", "float64"),
    Column("selected_by"),
    Column("labelled_at"),
    Column("label_version", "int64"),
    Column("label_changed_at"),
    Column("model_version"),
    Column("model_label"),
    Column("confidence", "float64"),
    Column("confidence_source"),
    Column("calibrated_confidence", "float64"),
    Column("probabilities", "json"),
    Column("action"),
    Column("zone"),
    Column("policy"),
    Column("policy_version", "int64"),
    Column("calibration_version", "int64"),
    Column("judgements", "json"),
    Column("signals", "json"),
    Column("reports", "json"),
)
INTERACTIONS = (
    Column("claim"),
    Column("case"),
    Column("task_type"),
    Column("reviewer"),
    Column("ended"),
    Column("label"),
    Column("guideline_version", "int64"),
    Column("shown_at"),
    Column("closed_at"),
    Column("events", "json"),
)
COLUMNS = {"training": TRAINING, "interactions": INTERACTIONS}
