"""`manage.py evaluate_thresholds`: anyone tries calibration and guaranteed thresholds on a file of their own."""

import csv
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from feedback.tabular import MODELS, Table, answers


def write(path: Path, rows: Iterable[Iterable[object]], delimiter: str = ",") -> str:
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return str(path)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("evaluate_thresholds", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def answered(n: int) -> list[tuple[float, str]]:
    rng = np.random.default_rng(1)
    confidences = 1 - 0.5 * rng.random(n) ** 2
    return [(round(c, 4), "yes" if rng.random() > 0.6 * (1 - c) else "no") for c in confidences.tolist()]


def people(n: int) -> list[tuple[object, ...]]:
    """Income depends on age and trade; a gap now and then; `row` says nothing."""
    rng = np.random.default_rng(2)
    rows: list[tuple[object, ...]] = [("row", "age", "trade", "income")]
    for number in range(n):
        age, trade = int(rng.integers(18, 80)), str(rng.choice(["smith", "baker", "judge"]))
        rich = rng.random() < 1 / (1 + np.exp(-(age - 60) / 5 - (2 if trade == "judge" else 0)))
        rows.append((number, "?" if rng.random() < 0.05 else age, trade, "high" if rich else "low"))
    return rows


def test_answers_of_a_model_are_evaluated(tmp_path: Path) -> None:
    path = write(tmp_path / "answers.csv", [("confidence", "correct"), *answered(3_000)])
    said = run(path, "--max-error", "0.1", "--redraws", "5")
    assert "3,000 answers" in said and "5 redraws" in said
    assert "Calibration error" in said and "log loss" in said
    assert "Naive threshold: 0." in said and "Guaranteed threshold (at most 5% may break): 0." in said


def test_what_cannot_be_attained_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "answers.csv", [("confidence", "correct"), *answered(1_200)])
    said = run(path, "--max-error", "0.001", "--redraws", "3")
    assert "Guaranteed threshold (at most 5% may break): none in any redraw, so nothing is automated." in said
    assert "In 3 redraws: Not attainable:" in said


def test_columns_may_have_other_names_and_another_delimiter(tmp_path: Path) -> None:
    rows = [("p", "hit", "note"), *((c, y, "x") for c, y in answered(1_200))]
    path = write(tmp_path / "other.csv", rows, ";")
    said = run(
        path, "--confidence", "p", "--correct", "hit", "--delimiter", ";", "--max-error", "0.2", "--redraws", "2"
    )
    assert "1,200 answers" in said


def test_features_and_a_label_train_three_models(tmp_path: Path) -> None:
    path = write(tmp_path / "people.csv", people(3_000))
    said = run(path, "--label", "income", "--leave-out", "row", "--max-error", "0.2", "--redraws", "2")
    assert [line for line in said.splitlines() if not line.startswith(" ")] == list(MODELS)
    assert said.count("2,100 answers") == 3


def test_models_answer_only_rows_they_were_not_trained_on_and_learn_something() -> None:
    rows = people(3_000)[1:]
    table = Table(("age", "trade"), [[str(row[1]), str(row[2])] for row in rows], [str(row[3]) for row in rows])
    for given in answers(table):
        assert len(given.confidences) == len(given.correct) == 2_100
        assert given.correct.mean() > 0.75
        assert given.confidences.min() >= 0.5 and given.confidences.max() <= 1.0


def test_there_may_be_many_labels_some_of_them_rare() -> None:
    rng = np.random.default_rng(3)
    sizes = rng.uniform(0, 10, 2_000)
    labels = ["rare" if at == 7 else f"size {int(size)}" for at, size in enumerate(sizes.tolist())]
    table = Table(("size", "empty", "huge"), [[f"{size:.3f}", "", "1e999"] for size in sizes.tolist()], labels)
    for given in answers(table):
        assert given.correct.mean() > 0.3 and np.isfinite(given.confidences).all()


def test_too_few_answers_are_an_answer_and_not_a_crash(tmp_path: Path) -> None:
    path = write(tmp_path / "few.csv", [("confidence", "correct"), *answered(40)])
    assert "not enough data" in run(path)


HEAD = "confidence,correct\n"


@pytest.mark.parametrize(
    "content, options, complaint",
    [
        (HEAD, [], "at least one row"),
        ("", [], "at least one row"),
        ("score,correct\n0.5,1\n", [], "there is no column 'confidence'; there are score, correct"),
        (HEAD + "0.5,1\n1.2,1\n", [], "line 3, column 'confidence': a confidence is a number from 0 to 1, not '1.2'"),
        (HEAD + "nan,1\n", [], "from 0 to 1, not 'nan'"),
        (HEAD + "half,1\n", [], "from 0 to 1, not 'half'"),
        (HEAD + "0.5,maybe\n", [], "line 2, column 'correct': write true or false (1 or 0, yes or no), not 'maybe'"),
        (HEAD + "0.5,1\n0.5\n", [], "line 3 has 1 values, the line of column names has 2"),
        (HEAD + "0.5,1\n", ["--delimiter", "::"], "a delimiter is one character"),
        (HEAD + "0.5,1\n", ["--redraws", "0"], "redraws must be at least 1"),
        (HEAD + "0.5,1\n" * 2_000, ["--label", "correct", "--leave-out", "confidence"], "no columns are left"),
        (HEAD + "0.5,1\n" * 2_000, ["--label", "correct"], "with two labels"),
        (HEAD + "0.5,1\n" * 20, ["--label", "correct"], "training takes 100 rows"),
        ("a,b\n" + "".join(f"1,{at}\n" for at in range(500)), ["--label", "b"], "at most 100 labels; there are 500"),
    ],
)
def test_a_bad_file_is_refused_with_the_place_and_the_cure(
    tmp_path: Path, content: str, options: list[str], complaint: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(CommandError) as refused:
        run(str(path), *options)
    assert complaint in str(refused.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00c", b'confidence,correct\n"0.5\x00,1\n'])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "binary.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError):
        run(str(path))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"cannot read .*absent\.csv"):
        run(str(tmp_path / "absent.csv"))
