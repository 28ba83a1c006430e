"""The file formats of exports. A writer gets runs of rows and gives the bytes that follow; it never holds the file."""

import csv
import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

from feedback.export_columns import COLUMNS, Column, to_json
from feedback.models import Export
from hitl.core.errors import FieldProblem, Refused

Rows = Sequence[dict[str, Any]]
_SHARD_BYTES = 16 * 1024 * 1024
Format = Export.Format


class Writer(Protocol):
    """One file. Called in order: begin, add for each run of rows, end."""

    def begin(self) -> bytes: ...
    def add(self, rows: Rows) -> bytes: ...
    def end(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class FileKind:
    """How a format travels."""

    suffix: str
    content_type: str


KINDS = {
    Format.JSONL: FileKind("jsonl", "application/x-ndjson"),
    Format.CSV: FileKind("csv", "text/csv; charset=utf-8"),
    Format.PARQUET: FileKind("parquet", "application/vnd.apache.parquet"),
    Format.HUGGINGFACE: FileKind("tar", "application/x-tar"),
    Format.LABEL_STUDIO: FileKind("json", "application/json"),
}


def require_format(kind: str, format_: str, pointer: str) -> None:
    """Refuse what cannot be written here. Raises Refused `mode_unavailable`."""
    if format_ == Format.PARQUET and find_spec("pyarrow") is None:
        detail = "Parquet needs pyarrow, which is not installed here: install hitl[export], or ask for jsonl."
    elif format_ == Format.LABEL_STUDIO and kind != Export.Kind.TRAINING:
        detail = "Label Studio tasks are made of training labels; ask for interactions as jsonl, csv or parquet."
    else:
        return
    raise Refused(detail, code="mode_unavailable", errors=[FieldProblem(pointer, detail, "mode_unavailable")])


def writer_for(export: Export) -> Writer:
    """A fresh writer of the export's format."""
    columns = COLUMNS[export.kind]
    match Format(export.format):
        case Format.JSONL:
            return JsonLines()
        case Format.CSV:
            return Csv(columns)
        case Format.PARQUET:
            from feedback.export_parquet import Parquet  # a worker's library: never loaded before it is needed

            return Parquet(columns)
        case Format.HUGGINGFACE:
            return HuggingFace(export, columns)
        case Format.LABEL_STUDIO:
            from feedback.label_studio import LabelStudio

            return LabelStudio()


class JsonLines:
    """One row a line, keys sorted (https://jsonlines.org)."""

    def begin(self) -> bytes:
        return b""

    def add(self, rows: Rows) -> bytes:
        return b"".join(to_json(row) + b"\n" for row in rows)

    def end(self) -> bytes:
        return b""


class Csv:
    """RFC 4180 with a header; null is an empty cell."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns

    def begin(self) -> bytes:
        return self._lines([[column.name for column in self._columns]])

    def add(self, rows: Rows) -> bytes:
        return self._lines([[column.value(row) for column in self._columns] for row in rows])

    def end(self) -> bytes:
        return b""

    def _lines(self, cells: list[list[Any]]) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows(cells)
        return text.getvalue().encode()


class HuggingFace:
    """A folder that `datasets.load_dataset` reads, as a tar: shards of JSON Lines and a card that declares types.

    A shard is held until it has 16 MB, since a tar tells each file's size before its bytes.
    Source: https://huggingface.co/docs/hub/datasets-manual-configuration.
    """

    def __init__(self, export: Export, columns: Sequence[Column]) -> None:
        self._export, self._columns = export, columns
        self._shard, self._shards, self._rows = bytearray(), 0, 0

    def begin(self) -> bytes:
        return b""

    def add(self, rows: Rows) -> bytes:
        self._rows += len(rows)
        for row in rows:
            self._shard += to_json({column.name: column.value(row) for column in self._columns}) + b"\n"
        return self._cut() if len(self._shard) >= _SHARD_BYTES else b""

    def end(self) -> bytes:
        last = self._cut() if self._shard or not self._shards else b""
        return last + self._file("README.md", self._card()) + b"\0" * 1024

    def _cut(self) -> bytes:
        found = self._file(f"data/train-{self._shards:05d}.jsonl", bytes(self._shard))
        self._shards += 1
        self._shard.clear()
        return found

    def _file(self, name: str, body: bytes) -> bytes:
        info = tarfile.TarInfo(f"hitl-{self._export.kind}/{name}")
        info.size, info.mode, info.mtime = len(body), 0o644, int(self._export.as_of.timestamp())
        return info.tobuf(tarfile.PAX_FORMAT) + body + b"\0" * (-len(body) % 512)

    def _card(self) -> bytes:
        types = {"json": "string"}
        features = "".join(
            f"  - name: {column.name}\n    dtype: {types.get(column.kind, column.kind)}\n" for column in self._columns
        )
        head = "configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*.jsonl\n"
        info = f"dataset_info:\n  features:\n{features}  splits:\n  - name: train\n    num_examples: {self._rows}\n"
        text = (
            f"# {self._export.kind.capitalize()} of {self._export.as_of:%Y-%m-%d}\n\nMade by hitl. Columns that hold "
            "objects or lists are JSON text. `weight` is the weight of the example; its factors are in `factors`.\n"
        )
        return f"---\n{head}{info}---\n\n{text}".encode()
