"""Files of labelled history, row by row: CSV, and Label Studio's JSON. Pure parsing; what is wrong is said per row."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from hitl.core.errors import DomainError, InvalidInput
from hitl.core.parsing import check_shape

_OWN = ("external_id", "subject", "label", "annotator", "labelled_at", "model_label", "model_version", "confidence")
_CASE = ("input", "context", "key_evidence", "evidence")
_PREFIX = "input."
_MAX_CELL = 1024 * 1024
_MAX_COLUMNS = 1_000


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One thing wrong: `row` counts from 1 (of CSV the line after the header), `field` names the column or path."""

    row: int
    field: str
    detail: str


@dataclass(frozen=True, slots=True)
class Said:
    """One person's label. `at` null: not known."""

    label: str
    annotator: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A case as it would be submitted (contract: POST /cases), and what people said of it."""

    number: int
    case: dict[str, Any]
    said: tuple[Said, ...] = field(default_factory=tuple)


def read_history(format_: str, body: bytes, task_type: str) -> Iterator[HistoryRow | RowProblem]:
    """The rows in order. Raises InvalidInput where the file as a whole cannot be read."""
    return _csv(body, task_type) if format_ == "csv" else _label_studio(body, task_type)


def _csv(body: bytes, task_type: str) -> Iterator[HistoryRow | RowProblem]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The file is not valid UTF-8 (byte {error.start}).", code="invalid_utf8") from None
    csv.field_size_limit(_MAX_CELL)
    reader = csv.DictReader(io.StringIO(text))
    columns = _header(reader)
    for needed in ("external_id", "label"):
        if needed not in columns:
            raise InvalidInput(f"The file has no column “{needed}”.", code="missing_column")
    unknown = [c for c in columns if c not in _OWN and c not in _CASE and not c.startswith(_PREFIX)]
    if unknown:
        raise InvalidInput(
            f"The column “{unknown[0]}” is not known; put what people saw into columns “input.…”.",
            code="unknown_column",
        )
    try:
        for number, cells in enumerate(reader, start=1):
            yield _csv_row(number, cells, task_type)
    except csv.Error as error:
        raise InvalidInput(f"The file is not valid CSV: {error}.", code="malformed_csv") from None


def _header(reader: "csv.DictReader[str]") -> list[str]:
    """Not too wide: every row, however short, is given all columns, so a wide header makes each of them dear."""
    try:
        columns = list(reader.fieldnames or [])
    except csv.Error as error:
        raise InvalidInput(f"The file is not valid CSV: {error}.", code="malformed_csv") from None
    if len(columns) > _MAX_COLUMNS:
        detail = f"The file has {len(columns)} columns; at most {_MAX_COLUMNS} are read. Give “input” as JSON instead."
        raise InvalidInput(detail, code="too_many_columns")
    return columns


def _csv_row(number: int, cells: dict[Any, Any], task_type: str) -> HistoryRow | RowProblem:
    if None in cells:
        return RowProblem(number, "", "This row has more cells than the header.")
    given = {name: value for name, value in cells.items() if value not in (None, "")}
    case: dict[str, Any] = {}
    for name in _CASE:
        if name in given:
            try:
                check_shape(given[name].encode(), max_bytes=4 * _MAX_CELL)
                case[name] = msgspec.json.decode(given[name])
            except (msgspec.DecodeError, RecursionError):
                return RowProblem(number, name, "Give JSON.")
            except DomainError as refused:  # what the database or a page would stumble over: NUL, or nested too deep
                return RowProblem(number, name, refused.errors[0].detail if refused.errors else refused.detail)
    loose = {name[len(_PREFIX) :]: _cell(value) for name, value in given.items() if name.startswith(_PREFIX)}
    if loose:
        whole = case.get("input")
        case["input"] = (whole | loose) if isinstance(whole, dict) else loose
    prediction = None
    if "model_label" in given:
        try:
            confidence = float(given.get("confidence", ""))
        except ValueError:
            return RowProblem(number, "confidence", "A prediction needs its confidence, a number from 0 to 1.")
        prediction = {
            "label": given["model_label"],
            "confidence": confidence,
            "model_version": given.get("model_version", ""),
        }
    said: tuple[Said, ...] = ()
    if "label" in given:
        at = _time(given.get("labelled_at"))
        if at is None and given.get("labelled_at"):
            return RowProblem(number, "labelled_at", "Give an RFC 3339 time with zone, such as 2026-11-21T10:00:00Z.")
        said = (Said(given["label"], given.get("annotator", ""), at),)
    return _row(number, task_type, case, given.get("external_id"), given.get("subject"), prediction, said)


def _cell(text: str) -> Any:
    """A number or a truth value where the cell is one, else its text."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    return value if isinstance(value, (int, float)) else text


def _label_studio(body: bytes, task_type: str) -> Iterator[HistoryRow | RowProblem]:
    check_shape(body, max_bytes=len(body))
    try:
        tasks = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise InvalidInput(f"The file is not valid JSON: {error}", code="malformed_json") from None
    if not isinstance(tasks, list):
        raise InvalidInput("Give the JSON array that Label Studio exports.", code="not_an_array")
    for number, task in enumerate(tasks, start=1):
        yield _task(number, task, task_type)


def _task(number: int, task: Any, task_type: str) -> HistoryRow | RowProblem:
    if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
        return RowProblem(number, "data", "A task needs its data, an object.")
    data = task["data"]
    ours = isinstance(data.get("input"), dict)
    case = {name: data[name] for name in _CASE if name in data} if ours else {"input": data}
    external_id = (data.get("external_id") or data.get("case")) if ours else None
    if external_id is None and task.get("id") is not None:
        external_id = f"label-studio-{task['id']}"
    said = []
    for place, annotation in enumerate(_list(task.get("annotations"))):
        if isinstance(annotation, dict) and not annotation.get("was_cancelled"):
            label = _choice(annotation)
            if label is None:
                return RowProblem(number, f"annotations/{place}", "It has no choice; only `choices` are imported.")
            said.append(Said(label, _annotator(annotation), _time(annotation.get("created_at"))))
    prediction = None
    for found in _list(task.get("predictions"))[:1]:
        label = _choice(found) if isinstance(found, dict) else None
        if label is None or not isinstance(found.get("score"), (int, float)):
            return RowProblem(number, "predictions/0", "It needs a choice and a score from 0 to 1.")
        version = found.get("model_version") or "label-studio"
        prediction = {"label": label, "confidence": found["score"], "model_version": version}
    return _row(number, task_type, case, external_id, None, prediction, tuple(said))


def _row(
    number: int,
    task_type: str,
    case: dict[str, Any],
    external_id: Any,
    subject: Any,
    prediction: dict[str, Any] | None,
    said: tuple[Said, ...],
) -> HistoryRow | RowProblem:
    if not external_id:
        return RowProblem(number, "external_id", "Give an external id: by it the row is known when it comes again.")
    if not said:
        return RowProblem(number, "label", "Nobody labelled this row.")
    whole = {"input": {}} | case | {"task_type": task_type, "external_id": external_id, "mode": "shadow"}
    optional = {"subject": subject, "prediction": prediction}
    return HistoryRow(number, whole | {name: value for name, value in optional.items() if value is not None}, said)


def _choice(marked: dict[str, Any]) -> str | None:
    """The first choice of an annotation or prediction."""
    for result in _list(marked.get("result")):
        value = result.get("value") if isinstance(result, dict) else None
        choices = value.get("choices") if isinstance(value, dict) else None
        if isinstance(choices, list) and choices and isinstance(choices[0], str):
            return choices[0]
    return None


def _annotator(annotation: dict[str, Any]) -> str:
    """A number, an object with an e-mail address, or what our own export wrote."""
    meta, who = annotation.get("meta"), annotation.get("completed_by")
    if isinstance(meta, dict) and isinstance(meta.get("reviewer"), str):
        return str(meta["reviewer"])
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    return "" if who is None else str(who)


def _time(raw: Any) -> datetime | None:
    """RFC 3339 with zone, as UTC; null where it is not."""
    try:
        value = datetime.fromisoformat(raw)
        return value.astimezone(UTC) if value.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
