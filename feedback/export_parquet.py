"""Parquet by pyarrow (the extra `export`); imported only where a Parquet file is written."""

import io
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from feedback.export_columns import Column

_GROUP_ROWS = 10_000
_GROUP_CHARACTERS = 32 * 1024 * 1024
_TYPES = {"string": pa.string(), "json": pa.string(), "float64": pa.float64(), "int64": pa.int64()}


class _Drain(io.RawIOBase):
    """A file that gives its bytes away and forgets them; it knows only how many there were."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._written = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, piece: Any, /) -> int:
        self._held += piece
        self._written += len(piece)
        return len(piece)

    def take(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        return held


class Parquet:
    """Zstandard; a row group for every 10,000 rows or 32 MB of text, so that readers can skip and this can forget.

    Source: https://parquet.apache.org/docs/file-format.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._schema = pa.schema([(column.name, _TYPES[column.kind]) for column in columns])
        self._drain = _Drain()
        self._writer = pq.ParquetWriter(self._drain, self._schema, compression="zstd")
        self._cells: list[list[Any]] = [[] for _ in columns]
        self._characters = 0

    def begin(self) -> bytes:
        return self._drain.take()

    def add(self, rows: Sequence[dict[str, Any]]) -> bytes:
        for column, cells in zip(self._columns, self._cells, strict=True):
            added = [column.value(row) for row in rows]
            self._characters += sum(len(cell) for cell in added if isinstance(cell, str))
            cells.extend(added)
        if len(self._cells[0]) >= _GROUP_ROWS or self._characters >= _GROUP_CHARACTERS:
            self._write()
        return self._drain.take()

    def end(self) -> bytes:
        if self._cells[0]:
            self._write()
        self._writer.close()
        return self._drain.take()

    def _write(self) -> None:
        arrays = [pa.array(cells, field.type) for cells, field in zip(self._cells, self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=_GROUP_ROWS)
        self._cells, self._characters = [[] for _ in self._columns], 0
