"""Plain models trained on a table, to try thresholds on data that come without a model. Worker only: imports numpy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

MODELS = ("logistic regression", "gaussian naive Bayes", "gradient boosting")
MISSING = ("", "?", "NA", "N/A", "nan")
MAX_CATEGORIES = 30
MIN_TRAINING_ROWS = 100
MAX_LABELS = 100


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts as a file has them; `labels` is what is to be predicted."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a trained model said of rows it had not seen: the probability of the label it named, and whether it was
    right.
    """

    model: str
    confidences: npt.NDArray[np.float64]
    correct: npt.NDArray[np.bool_]


def answers(table: Table, *, training_share: float = 0.3, seed: int = 0) -> list[Answers]:
    """Train each of `MODELS` on a random share of the rows and let it answer the rest.

    Columns in which everything is a number are numbers (a gap takes the median), others categories (the 30 most
    frequent, the rest together). ValueError for fewer than 2 or more than 100 labels, or under 100 training rows.
    """
    labels = np.asarray(table.labels)
    order = np.random.default_rng(seed).permutation(len(labels))
    train, rest = np.split(order, [int(len(order) * training_share)])
    if len(train) < MIN_TRAINING_ROWS or len(np.unique(labels[train])) < 2:
        raise ValueError(
            f"training takes {MIN_TRAINING_ROWS} rows with two labels; a share of {training_share:g} of "
            f"{len(labels)} rows has {len(train)} with {len(np.unique(labels[train]))}"
        )
    if len(np.unique(labels)) > MAX_LABELS:
        raise ValueError(f"models name one of at most {MAX_LABELS} labels; there are {len(np.unique(labels))}")
    with threadpool_limits(1):  # on busy cores, threads that wait for each other take many times as long
        features = _features(table, train)
        return [_answers(name, features, labels, train, rest) for name in MODELS]


def _answers(
    name: str,
    features: npt.NDArray[np.float64],
    labels: npt.NDArray[np.str_],
    train: npt.NDArray[np.intp],
    rest: npt.NDArray[np.intp],
) -> Answers:
    model = _model(name).fit(features[train], labels[train])
    probabilities = model.predict_proba(features[rest])
    named = probabilities.argmax(axis=1)
    confidences = np.clip(probabilities[np.arange(len(rest)), named], 0.0, 1.0)
    return Answers(name, confidences, np.asarray(model.classes_[named] == labels[rest]))


def _model(name: str) -> ClassifierMixin:
    if name == "logistic regression":
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))
    if name == "gaussian naive Bayes":
        return GaussianNB()
    return HistGradientBoostingClassifier(early_stopping=False, random_state=0)


def _features(table: Table, train: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """A matrix of numbers, every step learnt from the training rows only."""
    columns = list(zip(*table.rows, strict=True))
    numbers = [_numbers(column) for column in columns]
    numeric = [column for column in numbers if column is not None]
    texts = [column for column, number in zip(columns, numbers, strict=True) if number is None]
    parts = []
    if numeric:
        matrix = np.column_stack(numeric)
        parts.append(SimpleImputer(strategy="median", keep_empty_features=True).fit(matrix[train]).transform(matrix))
    if texts:
        categories = np.column_stack([np.asarray(column, dtype=object) for column in texts])
        encoder = OneHotEncoder(
            handle_unknown="infrequent_if_exist", max_categories=MAX_CATEGORIES, sparse_output=False
        )
        parts.append(encoder.fit(categories[train]).transform(categories))
    return np.asarray(np.hstack(parts), dtype=np.float64)


def _numbers(column: Sequence[str]) -> npt.NDArray[np.float64] | None:
    """The column as numbers, with NaN for gaps and what is not finite; null if it holds anything else."""
    try:
        numbers = np.array([np.nan if cell.strip() in MISSING else float(cell) for cell in column], dtype=np.float64)
    except ValueError:
        return None
    return np.where(np.isfinite(numbers), numbers, np.nan)
