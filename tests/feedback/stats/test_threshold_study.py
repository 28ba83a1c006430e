"""A study says what could be automated, and names a threshold only where the data guarantee it."""

import random
from bisect import bisect_left

import numpy as np
import pytest
from mapie.risk_control import BinaryClassificationController, FWERFixedSequenceTesting, control_fwer
from scipy import stats

from feedback.stats.thresholds import GRID, STARTS, Record, split_by_hash, study, uniform_draw


def sure(labels: int, *, errors: int = 0, confidence: float = 0.97) -> list[Record]:
    return [Record(confidence, index >= errors) for index in range(labels)]


def test_the_grid_and_the_starts_are_the_published_ones() -> None:
    assert (GRID[0], GRID[1], GRID[-1], len(GRID)) == (0.5, 0.505, 0.995, 100)
    assert [GRID[start] for start in STARTS] == [0.5, 0.555, 0.61, 0.665, 0.72, 0.775, 0.83, 0.885, 0.94, 0.995]


def test_automation_begins_exactly_at_the_threshold() -> None:
    result = study([Record(0.9, True), Record(0.895, True), Record(0.8949, False)])
    automated = {point.threshold: point.automated for point in result.curve}
    assert (automated[0.89], automated[0.895], automated[0.9], automated[0.905]) == (3, 2, 1, 0)


@pytest.mark.parametrize("errors, labels", [(0, 263), (1, 369), (2, 461), (5, 703), (10, 1_065)])
def test_the_guarantee_begins_at_the_known_sample_floor(errors: int, labels: int) -> None:
    assert study(sure(labels, errors=errors)).guaranteed_threshold == 0.5
    below = study(sure(labels - 1, errors=errors))
    assert not below.attainable and below.guaranteed_threshold is None
    assert below.labels_needed == 1
    assert below.reason is not None and "too few labels" in below.reason


def test_a_hopeless_model_is_refused_in_plain_words() -> None:
    result = study(sure(5_000, errors=1_000))
    assert not result.attainable and result.naive_threshold is None
    assert result.reason is not None and "at every threshold the observed error is above the budget" in result.reason


@pytest.mark.parametrize("confidences", [[], [0.2, 0.4]])
def test_nothing_to_study_is_an_answer_and_not_a_crash(confidences: list[float]) -> None:
    result = study([Record(confidence, True) for confidence in confidences])
    assert not result.attainable and result.reason is not None and result.labels_needed is None
    assert {(p.automated, p.review_share, p.error, p.error_upper) for p in result.curve} == {(0, 1.0, None, 1.0)}


def independent_guarantee(records: list[Record], max_error: float, delta: float) -> float | None:
    """Learn-then-Test written again from the paper, with scipy."""
    certified = set()
    for start in np.linspace(0, 99, 10).astype(int):
        for index in range(start, -1, -1):
            above = [r for r in records if r.confidence >= GRID[index]]
            wrong = sum(not r.correct for r in above)
            if stats.binom.cdf(wrong, len(above), max_error) > delta / 10:
                break
            certified.add(GRID[index])
    return min(certified, default=None)


@pytest.mark.parametrize("seed", range(6))
def test_an_independent_implementation_finds_the_same_thresholds(seed: int) -> None:
    rng = random.Random(seed)
    confidences = [1 - 0.6 * rng.random() ** 3 for _ in range(4_000)]
    records = [Record(c, rng.random() > 0.6 * (1 - c) ** 1.2) for c in confidences]
    result = study(records, 0.03, 0.1)
    assert result.guaranteed_threshold == independent_guarantee(records, 0.03, 0.1)
    point = result.curve[70]
    above = [r.correct for r in records if r.confidence >= point.threshold]
    assert point.automated == len(above)
    assert point.error == pytest.approx(above.count(False) / len(above))
    assert point.error_upper == pytest.approx(stats.beta.ppf(0.9, above.count(False) + 1, above.count(True)), abs=1e-9)
    assert point.review_share == pytest.approx(1 - len(above) / 4_000)


@pytest.mark.filterwarnings("ignore:Fixed sequence testing:UserWarning")
@pytest.mark.parametrize("seed", range(4))
def test_mapie_tests_the_same_thresholds_and_certifies_the_same(seed: int) -> None:
    """Its p-values are ours, except that it sometimes rounds the errors up by one; its sequences from ten starts (10
    hypotheses nobody can reject put them where ours are) certify exactly ours.
    """
    rng = random.Random(100 + seed)
    confidences = [1 - 0.6 * rng.random() ** 3 for _ in range(4_000)]
    records = [Record(c, rng.random() > 0.6 * (1 - c) ** 1.2) for c in confidences]
    result = study(records, 0.03, 0.1)
    falling = np.array(GRID[::-1])
    starts = FWERFixedSequenceTesting(n_starts=len(STARTS))
    mapie = BinaryClassificationController(
        predict_function=lambda x: np.column_stack([1 - x[:, 0], x[:, 0]]),
        risk="precision",
        target_level=0.97,
        confidence_level=0.9,
        list_predict_params=falling,
        fwer_method=starts,
    )
    mapie.calibrate(np.array(confidences)[:, None], np.array([record.correct for record in records], dtype=int))
    ours, rounded = (
        np.array([stats.binom.cdf(at.tested_wrong + more, at.tested, 0.03) for at in result.curve[::-1]])
        for more in (0, 1)
    )
    theirs = np.ravel(mapie.p_values)
    assert np.all((np.abs(theirs - ours) < 1e-9) | (np.abs(theirs - rounded) < 1e-9))
    certified = control_fwer(np.append(ours, np.ones(10)), 0.1, starts)
    assert tuple(sorted(falling[certified])) == result.certified
    cautious = control_fwer(np.append(theirs, np.ones(10)), 0.1, starts)
    assert set(falling[cautious]) <= set(result.certified)
    assert result.guaranteed_threshold is not None


RUNS, LABELS, BUDGET, DELTA = 1_000, 1_500, 0.05, 0.05


def true_errors(share_wrong_at: np.ndarray, confidence: np.ndarray) -> list[float]:
    order = np.argsort(confidence)
    wrong = np.cumsum(share_wrong_at[order][::-1])[::-1]
    ordered = confidence[order].tolist()
    firsts = [bisect_left(ordered, threshold) for threshold in GRID]
    return [wrong[first] / (len(ordered) - first) for first in firsts]


def test_over_a_thousand_redraws_the_guarantee_holds_where_the_naive_rule_fails() -> None:
    rng = np.random.default_rng(20261121)
    population = 1 - 0.5 * rng.random(400_000) ** 2
    truth = dict(zip(GRID, true_errors(0.6 * (1 - population), population), strict=True))
    guaranteed_breaks = naive_breaks = attained = 0
    for _ in range(RUNS):
        confidence = 1 - 0.5 * rng.random(LABELS) ** 2
        correct = rng.random(LABELS) >= 0.6 * (1 - confidence)
        result = study(
            [Record(*pair) for pair in zip(confidence.tolist(), correct.tolist(), strict=True)], BUDGET, DELTA
        )
        attained += result.attainable
        guaranteed_breaks += result.guaranteed_threshold is not None and truth[result.guaranteed_threshold] > BUDGET
        naive_breaks += result.naive_threshold is not None and truth[result.naive_threshold] > BUDGET
    assert attained > 0.9 * RUNS
    assert guaranteed_breaks <= DELTA * RUNS
    assert naive_breaks > 0.4 * RUNS


def test_labels_selected_mostly_where_the_model_errs_do_not_mislead() -> None:
    """Wrong cases are easier to see here (low confidence is always reviewed), yet estimates stay those of all cases."""
    rng = np.random.default_rng(7)
    confidence = 0.5 + 0.5 * rng.random(200_000)
    correct = rng.random(200_000) >= 0.3 * (1 - confidence)
    probability = np.where(confidence < 0.8, 1.0, 0.1)
    seen = rng.random(200_000) < probability
    columns = zip(confidence[seen].tolist(), correct[seen].tolist(), probability[seen].tolist(), strict=True)
    result = study([Record(*row, draw=uniform_draw(str(index), "thin")) for index, row in enumerate(columns)], 0.1)
    for index in (0, 30, 60, 90):
        point, above = result.curve[index], confidence >= GRID[index]
        assert point.error is not None
        assert point.error == pytest.approx(1 - correct[above].mean(), abs=0.01)
        assert point.review_share == pytest.approx(1 - above.mean(), abs=0.02)
        assert point.tested_wrong / point.tested == pytest.approx(1 - correct[above].mean(), abs=0.015)
        assert point.tested == pytest.approx(above.sum() * 0.1, rel=0.1)


def test_thinning_keeps_exactly_the_records_its_rule_names() -> None:
    rng = random.Random(3)
    records = [
        Record(rng.random(), rng.random() < 0.9, rng.choice([1.0, 0.5, 0.05, 0.2]), rng.random()) for _ in range(3_000)
    ]
    for point in study(records).curve:
        above = [r for r in records if r.confidence >= point.threshold]
        floor = min(r.selection_probability for r in above)
        kept = [r.correct for r in above if r.draw is not None and r.draw * r.selection_probability < floor]
        assert (point.automated, point.tested, point.tested_wrong) == (len(above), len(kept), kept.count(False))


def test_equal_selection_probabilities_need_no_draw_and_change_nothing() -> None:
    assert study([Record(0.9, True, 0.1)] * 300) == study([Record(0.9, True)] * 300)


@pytest.mark.parametrize(
    "record",
    [
        Record(1.1, True),
        Record(float("nan"), True),
        Record(0.9, True, 0.0),
        Record(0.9, True, 1.5),
        Record(0.9, True, 0.5),
    ],
)
def test_a_bad_record_is_named(record: Record) -> None:
    with pytest.raises(ValueError, match="record 1: "):
        study([Record(0.9, True, draw=0.5), record])


@pytest.mark.parametrize("max_error, delta", [(0.0, 0.05), (1.0, 0.05), (0.02, 0.0), (0.02, float("nan"))])
def test_budgets_that_mean_nothing_are_refused(max_error: float, delta: float) -> None:
    with pytest.raises(ValueError):
        study([], max_error, delta)


def test_cases_split_into_stable_halves() -> None:
    halves = [split_by_hash(f"case-{index}", "calibration 3") for index in range(10_000)]
    assert halves == [split_by_hash(f"case-{index}", "calibration 3") for index in range(10_000)]
    assert halves.count("fit") == pytest.approx(5_000, abs=200)
    assert halves != [split_by_hash(f"case-{index}", "calibration 4") for index in range(10_000)]
    draws = sorted(uniform_draw(f"case-{index}", "x") for index in range(1_000))
    assert stats.kstest(draws, "uniform").pvalue > 0.001 and draws[0] >= 0 and draws[-1] < 1
