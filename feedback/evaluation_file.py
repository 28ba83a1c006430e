"""Reading the CSV files that thresholds are tried on; every ValueError names line or column, and the cure."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from feedback.tabular import Answers, Table

TRUE, FALSE = ("true", "1", "yes", "t", "y"), ("false", "0", "no", "f", "n")


def read_answers(path: Path, *, confidence: str, correct: str, delimiter: str = ",") -> Answers:
    """The two named columns: confidences 0-1, and whether each answer was right (true or false, 1 or 0, yes or no)."""
    header, rows = _rows(path, delimiter)
    first, second = _place(header, confidence), _place(header, correct)
    confidences, right = [], []
    for line, row in rows:
        confidences.append(_confidence(row[first], f"line {line}, column {confidence!r}"))
        right.append(_truth(row[second], f"line {line}, column {correct!r}"))
    return Answers(path.name, np.array(confidences), np.array(right))


def read_table(path: Path, *, label: str, left_out: Sequence[str] = (), delimiter: str = ",") -> Table:
    """Everything but `left_out` as features, `label` as what is to be predicted. Rows without a label are skipped."""
    header, rows = _rows(path, delimiter)
    target, unused = _place(header, label), {_place(header, name) for name in left_out}
    places = [place for place in range(len(header)) if place != target and place not in unused]
    if not places:
        raise ValueError(f"no columns are left to predict {label!r} from")
    features, labels = [], []
    for _, row in rows:
        if row[target].strip():
            features.append([row[place] for place in places])
            labels.append(row[target].strip())
    return Table(tuple(header[place] for place in places), features, labels)


def _rows(path: Path, delimiter: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    if len(delimiter) != 1:
        raise ValueError(f"a delimiter is one character, not {delimiter!r}")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(_lines(csv.reader(file, delimiter=delimiter, skipinitialspace=True)))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a CSV file in UTF-8: {error}") from error
    if len(lines) < 2:
        raise ValueError(f"{path} needs a line of column names and at least one row")
    (_, header), *rows = lines
    for line, row in rows:
        if len(row) != len(header):
            raise ValueError(f"line {line} has {len(row)} values, the line of column names has {len(header)}")
    return header, rows


def _lines(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Lines that are not empty, with their number among the records, the header being 1."""
    for number, row in enumerate(reader, 1):
        if row:
            yield number, row


def _place(header: Sequence[str], name: str) -> int:
    if name not in header:
        raise ValueError(f"there is no column {name!r}; there are {', '.join(header)}")
    return list(header).index(name)


def _confidence(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{where}: a confidence is a number from 0 to 1, not {text!r}") from None
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{where}: a confidence is a number from 0 to 1, not {text!r}")
    return value


def _truth(text: str, where: str) -> bool:
    said = text.strip().lower()
    if said not in TRUE and said not in FALSE:
        raise ValueError(f"{where}: write true or false (1 or 0, yes or no), not {text!r}")
    return said in TRUE
