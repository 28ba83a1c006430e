"""Agreement coefficients reproduce published figures and independent implementations, and admit what they cannot."""

import random
from collections.abc import Sequence
from math import sqrt

import krippendorff as krippendorff_oracle
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

from feedback.stats.agreement import AgreementReport, agreement
from feedback.stats.ratings import Coefficient, Level, Rating

Ratings = Sequence[Sequence[Rating | None]]

KRIPPENDORFF_2004: Ratings = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]

# Diagnoses of 30 patients by 6 raters each: depression, personality disorder, schizophrenia, neurosis, other.
FLEISS_1971 = """
0 0 0 6 0  0 3 0 0 3  0 1 4 0 1  0 0 0 0 6  0 3 0 3 0  2 0 4 0 0  0 0 4 0 2  2 0 3 1 0  2 0 0 4 0  0 0 0 0 6
1 0 0 5 0  1 1 0 4 0  0 3 3 0 0  1 0 0 5 0  0 2 0 3 1  0 0 5 0 1  3 0 0 1 2  5 1 0 0 0  0 2 0 4 0  1 0 2 0 3
0 0 0 0 6  0 1 0 5 0  0 2 0 1 3  2 0 0 4 0  1 0 0 4 1  0 5 0 1 0  4 0 0 0 2  0 2 0 4 0  1 0 5 0 0  0 0 0 0 6
"""


def from_table(table: Sequence[Sequence[int]]) -> Ratings:
    """Two raters' square table of counts, unit by unit."""
    cells = [(i, j) for i, row in enumerate(table) for j, times in enumerate(row) for _ in range(times)]
    return [[i for i, _ in cells], [j for _, j in cells]]


def from_counts(counts: np.ndarray) -> Ratings:
    """Units by categories, to raters by units."""
    return [list(row) for row in zip(*[np.repeat(np.arange(len(c)), c).tolist() for c in counts], strict=True)]


def named(report: AgreementReport, name: str) -> Coefficient:
    return next(coefficient for coefficient in report.coefficients if coefficient.name == name)


def value(ratings: Ratings, name: str, level: Level = Level.NOMINAL) -> float:
    found = named(agreement(ratings, level), name).value
    assert found is not None
    return found


@pytest.mark.parametrize(
    "level, alpha",
    [(Level.NOMINAL, 0.743), (Level.ORDINAL, 0.815), (Level.INTERVAL, 0.849), (Level.RATIO, 0.797)],
)
def test_krippendorffs_own_example_is_reproduced(level: Level, alpha: float) -> None:
    report = agreement(KRIPPENDORFF_2004, level)
    found = named(report, "krippendorff")
    assert found.value == pytest.approx(alpha, abs=5e-4)
    assert (report.raters, report.units, report.missing, found.n) == (4, 12, 7, 11)
    assert found.low is not None and found.high is not None and found.low < alpha < found.high


def test_fleiss_1971_is_reproduced() -> None:
    counts = np.array(FLEISS_1971.split(), dtype=int).reshape(30, 5)
    assert set(counts.sum(axis=1)) == {6}
    found = named(agreement(from_counts(counts), Level.NOMINAL), "fleiss")
    assert found.value == pytest.approx(0.430, abs=5e-4)
    assert found.value == pytest.approx(fleiss_kappa(counts), abs=1e-12)
    assert found.low is not None and found.high is not None and 0.25 < found.low < 0.43 < found.high < 0.6


def test_gwets_paradox_shows_why_ac1_stands_beside_kappa() -> None:
    ratings = from_table([[118, 5], [2, 0]])
    assert value(ratings, "cohen") == pytest.approx(-0.0234, abs=5e-4)
    assert value(ratings, "gwet_ac1") == pytest.approx(0.941, abs=5e-4)


def test_cohen_and_its_interval_reproduce_what_sas_prints_for_a_3_by_3_table() -> None:
    found = named(agreement(from_table([[0, 4, 1], [0, 8, 0], [0, 1, 5]]), Level.NOMINAL), "cohen")
    assert (found.value, found.low, found.high) == pytest.approx((0.4842, 0.2137, 0.7547), abs=5e-5)


THREE_BY_THREE = [[10, 3, 1], [4, 16, 5], [2, 6, 12]]


@pytest.mark.parametrize("table", [THREE_BY_THREE, [[118, 5], [2, 0]], [[20, 5], [10, 15]]])
def test_cohen_and_its_interval_agree_with_statsmodels(table: list[list[int]]) -> None:
    found = named(agreement(from_table(table), Level.NOMINAL), "cohen")
    oracle = cohens_kappa(np.array(table))
    assert found.value == pytest.approx(oracle.kappa, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((oracle.kappa_low, oracle.kappa_upp), abs=1e-9)


@pytest.mark.parametrize("level", [Level.ORDINAL, Level.INTERVAL])
def test_weighted_cohen_and_its_interval_agree_with_statsmodels_and_scikit_learn(level: Level) -> None:
    ratings = from_table(THREE_BY_THREE)
    found = named(agreement(ratings, level), "weighted_cohen")
    oracle = cohens_kappa(np.array(THREE_BY_THREE), wt="quadratic")
    assert found.value == pytest.approx(oracle.kappa, abs=1e-12)
    assert found.value == pytest.approx(cohen_kappa_score(*ratings, weights="quadratic"), abs=1e-12)
    assert (found.low, found.high) == pytest.approx((oracle.kappa_low, oracle.kappa_upp), abs=1e-9)


def test_interval_weights_use_the_numbers_and_ordinal_weights_their_order() -> None:
    ratings = [[0, 1, 10, 10, 1, 0], [0, 1, 10, 1, 0, 0]]
    spread = {0: 0, 1: 1, 10: 2}
    ranks = [[spread[rating] for rating in row] for row in ratings]
    assert value(ratings, "weighted_cohen", Level.ORDINAL) == pytest.approx(
        value(ranks, "weighted_cohen", Level.INTERVAL)
    )
    assert value(ratings, "weighted_cohen", Level.INTERVAL) < value(ratings, "weighted_cohen", Level.ORDINAL)


def random_ratings(seed: int, *, raters: int = 4, units: int = 60, missing: float = 0.3) -> Ratings:
    rng = random.Random(seed)
    truth = [rng.randint(1, 6) for _ in range(units)]
    return [
        [None if rng.random() < missing else max(1, t + rng.choice([0, 0, 0, 1, -1, 2])) for t in truth]
        for _ in range(raters)
    ]


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("seed", range(5))
def test_alpha_agrees_with_an_independent_implementation_where_ratings_are_missing(level: Level, seed: int) -> None:
    ratings = random_ratings(seed)
    data = np.array([[np.nan if rating is None else rating for rating in row] for row in ratings], dtype=float)
    oracle = krippendorff_oracle.alpha(data, level_of_measurement=level.value)
    assert value(ratings, "krippendorff", level) == pytest.approx(oracle, abs=1e-10)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    """Two raters right 85 % of the time on balanced binary units: kappa, pi, alpha and AC1 are all 0.49 in truth."""
    rng = random.Random(11)
    covered = dict.fromkeys(("cohen", "fleiss", "krippendorff", "gwet_ac1"), 0)
    for _ in range(80):
        truth = [rng.random() < 0.5 for _ in range(120)]
        ratings = [[int(t == (rng.random() < 0.85)) for t in truth] for _ in range(2)]
        report = agreement(ratings, Level.NOMINAL)
        for name in covered:
            found = named(report, name)
            assert found.low is not None and found.high is not None
            covered[name] += found.low <= 0.49 <= found.high
    assert all(70 <= times <= 80 for times in covered.values()), covered


def test_many_units_are_resampled_in_groups_and_give_the_same_width() -> None:
    ratings = random_ratings(5, units=6_000)
    found = named(agreement(ratings, Level.INTERVAL), "krippendorff")
    small = named(agreement([row[:400] for row in ratings], Level.INTERVAL), "krippendorff")
    assert None not in (found.low, found.high, small.low, small.high)
    assert (found.high - found.low) * sqrt(15) == pytest.approx(small.high - small.low, rel=0.25)  # type: ignore[operator]


def test_the_same_question_gets_the_same_answer() -> None:
    assert agreement(KRIPPENDORFF_2004, Level.ORDINAL) == agreement(KRIPPENDORFF_2004, Level.ORDINAL)


def test_perfect_agreement_is_one_but_a_few_units_do_not_prove_it() -> None:
    few, many = (agreement([[1, 2] * times] * 2, Level.INTERVAL) for times in (5, 500))
    for small, large in zip(few.coefficients, many.coefficients, strict=True):
        assert small.value == large.value == small.high == large.high == 1.0
        assert small.low is not None and large.low is not None and small.low < 0.7 < 0.99 < large.low


@pytest.mark.parametrize(
    "ratings, level",
    [
        ([], Level.NOMINAL),
        ([[]], Level.NOMINAL),
        ([["a"], ["b"]], Level.NOMINAL),
        ([[None, None], [None, None]], Level.ORDINAL),
        ([["a", "b", None, None], [None, None, "a", "b"]], Level.NOMINAL),
        ([[1, 1, 1, 1], [1, 1, 1, 1]], Level.RATIO),
        ([[0, 0, 0], [0, 0, 0]], Level.RATIO),
    ],
)
def test_too_little_to_go_by_is_said_and_never_a_number(ratings: Ratings, level: Level) -> None:
    for coefficient in agreement(ratings, level).coefficients:
        assert (coefficient.value, coefficient.low, coefficient.high) == (None, None, None)
        assert coefficient.reason


@pytest.mark.parametrize(
    "name, ratings, level, reason",
    [
        ("cohen", random_ratings(1), Level.NOMINAL, "exactly two raters"),
        ("weighted_cohen", [[1, 2], [1, 2]], Level.NOMINAL, "no"),
        ("weighted_cohen", [["a", "b"], ["a", "a"]], Level.ORDINAL, "numbers"),
        ("krippendorff", [["a", "b"], ["a", "a"]], Level.INTERVAL, "numbers"),
        ("krippendorff", [[-1, 2], [1, 2]], Level.RATIO, "negative"),
        ("krippendorff", [list(range(1_001)), list(range(1_001))], Level.RATIO, "up to 1000"),
    ],
)
def test_a_coefficient_that_does_not_apply_says_why(name: str, ratings: Ratings, level: Level, reason: str) -> None:
    found = named(agreement(ratings, level), name)
    assert found.value is None and found.reason is not None and reason in found.reason


@pytest.mark.parametrize("ratings", [[[1, 2], [1]], [[1, float("nan")], [1, 2]], [[1, float("inf")], [1, 2]]])
def test_malformed_ratings_are_refused(ratings: Ratings) -> None:
    with pytest.raises(ValueError, match="rater"):
        agreement(ratings, Level.NOMINAL)


@pytest.mark.parametrize("huge", [1e308, 10**400])
def test_enormous_numbers_do_not_break_the_arithmetic(huge: float) -> None:
    ratings = [[0, huge, 0, huge, 0], [0, huge, huge, huge, 0]]
    expected = value([[0, 1, 0, 1, 0], [0, 1, 1, 1, 0]], "krippendorff", Level.INTERVAL)
    assert value(ratings, "krippendorff", Level.INTERVAL) == pytest.approx(expected)
