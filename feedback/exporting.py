"""One pass over an export's rows: the file's bytes as they come, and what the manifest says of them."""

import hashlib
from collections.abc import Iterator
from typing import Any, Protocol

from feedback.export_columns import to_json
from feedback.export_formats import Writer, writer_for
from feedback.export_rows import Found, Row, TrainingRows
from feedback.interaction_rows import InteractionRows
from feedback.models import Export

_HASHED_TOGETHER = 5_000


class _Rows(Protocol):
    def chunks(self) -> Iterator[list[Row]]: ...


class Pass:
    """Iterate `pieces` to the end; then the tallies are the whole file's. Holds one chunk of rows at a time.

    The hash of a row is SHA-256 of its canonical JSON, whatever the format; `rows_sha256` is SHA-256 over the hashes of
    all rows in order, `chunks` the same for every 5,000, so that a difference can be found without either file.
    """

    def __init__(self, export: Export) -> None:
        self.found = Found()
        self.rows, self.bytes = 0, 0
        self.chunks: list[dict[str, Any]] = []
        self._reader: _Rows = (
            TrainingRows(export, self.found)
            if export.kind == Export.Kind.TRAINING
            else InteractionRows(export, self.found)
        )
        self._writer: Writer = writer_for(export)
        self._file, self._all, self._some = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
        self._in_chunk = 0

    @property
    def sha256(self) -> str:
        return self._file.hexdigest()

    @property
    def rows_sha256(self) -> str:
        return self._all.hexdigest()

    def pieces(self) -> Iterator[bytes]:
        """The file's bytes in order; never an empty piece."""
        for piece in self._written():
            if piece:
                self._file.update(piece)
                self.bytes += len(piece)
                yield piece

    def _written(self) -> Iterator[bytes]:
        yield self._writer.begin()
        for rows in self._reader.chunks():
            self._hash(rows)
            yield self._writer.add(rows)
        if self._in_chunk:
            self._close_chunk()
        yield self._writer.end()

    def _hash(self, rows: list[Row]) -> None:
        for row in rows:
            digest = hashlib.sha256(to_json(row)).digest()
            self._all.update(digest)
            self._some.update(digest)
            self.rows += 1
            self._in_chunk += 1
            if self._in_chunk == _HASHED_TOGETHER:
                self._close_chunk()

    def _close_chunk(self) -> None:
        self.chunks.append({"rows": self._in_chunk, "sha256": self._some.hexdigest()})
        self._some, self._in_chunk = hashlib.sha256(), 0
