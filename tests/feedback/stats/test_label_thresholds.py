"""Thresholds per predicted label hold together; slices that certify alone are found without spending the risk twice."""

import numpy as np
import pytest
from scipy import stats

from feedback.stats.label_thresholds import label_studies
from feedback.stats.objective import Objective, ObjectiveQuestion, objective_study
from feedback.stats.slices import SliceKey, slice_studies
from feedback.stats.threshold_counts import GRID, Counts, Record
from feedback.stats.thresholds import certify, study

RUNS, BUDGET, DELTA = 1_000, 0.05, 0.05
TOLERATED = int(stats.binom.ppf(0.999, RUNS, DELTA))
"""As many breaks as a true rate of DELTA gives but once in a thousand: the binomial tolerance of the simulation."""


def sure(labels: int, *, errors: int = 0, predicted: str | None = None, confidence: float = 0.97) -> list[Record]:
    return [Record(confidence, index >= errors, predicted=predicted) for index in range(labels)]


def test_each_label_spends_an_equal_part_of_the_risk_and_needs_the_more_labels() -> None:
    records = sure(330, predicted="approve") + sure(262, predicted="reject")
    found = label_studies(records, ("approve", "reject", "refer"))
    assert found.delta_each == pytest.approx(0.05 / 3)
    by_label = {s.label: s for s in found.labels}
    assert by_label["approve"].study == study(sure(330, predicted="approve"), 0.02, 0.05 / 3)
    assert by_label["approve"].study.guaranteed_threshold == 0.5
    assert by_label["reject"].study.guaranteed_threshold is None
    assert by_label["reject"].study.labels_needed == 317 - 262
    assert by_label["refer"].study.reason is not None and "no labelled records" in by_label["refer"].study.reason
    assert found.automated_share == pytest.approx(330 / 592)
    assert [s.share for s in found.labels] == pytest.approx([330 / 592, 262 / 592, 0.0])


def test_without_records_no_label_is_attainable_and_no_share_is_made_up() -> None:
    found = label_studies([], ("a", "b"))
    assert found.automated_share is None and [s.share for s in found.labels] == [None, None]
    assert not any(s.study.attainable for s in found.labels)


@pytest.mark.parametrize("labels", [(), ("a", "a")])
def test_labels_that_cannot_share_the_risk_are_refused(labels: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="label"):
        label_studies([], labels)


def test_the_objective_per_label_gives_no_single_threshold() -> None:
    question = ObjectiveQuestion(objective=Objective.PER_LABEL, labels=("approve", "reject"))
    found = objective_study(sure(600, predicted="approve"), question)
    assert found.labels is not None and found.labels.labels[0].study.attainable
    assert found.recommended is None


def test_what_does_not_certify_together_may_certify_as_a_slice() -> None:
    clean, dirty = sure(600, predicted="approve"), sure(500, errors=60, predicted="reject")
    regions = [{"region": "EU" if index % 2 else "US"} for index in range(1_100)]
    found = objective_study(clean + dirty, ObjectiveQuestion(), lambda: regions)
    assert not found.joint.normal.attainable and found.slices is not None
    certified = {key: one.guaranteed_threshold for key, one in found.slices.slices if one.attainable}
    assert certified == {SliceKey("label", "", "approve"): 0.5}
    assert found.slices.delta_each == 0.05 / 4


def test_small_slices_are_left_out_by_their_size_alone_and_cost_the_others_nothing() -> None:
    groups = {SliceKey("segment", "region", "EU"): sure(300), SliceKey("segment", "region", "US"): sure(262)}
    found = slice_studies(groups)
    assert [key.value for key, _ in found.slices] == ["EU"]
    assert (found.too_small, found.delta_each) == (1, 0.05)
    assert slice_studies({}).delta_each is None


def test_an_attainable_study_looks_at_no_slices() -> None:
    assert objective_study(sure(600, predicted="approve"), ObjectiveQuestion()).slices is None


class Population:
    """Cases over the cells of the grid; errors fall with confidence, steeply enough that some thresholds hold."""

    def __init__(self, wrong_at_half: float, seed: int) -> None:
        cells = np.arange(101)
        confidence = 0.4975 + 0.005 * cells
        self.share = 2.0 ** (cells / 20)
        self.share /= self.share.sum()
        self.wrong = np.clip(wrong_at_half * (1.0 - confidence) * 2, 0, 1)
        above, bad = self._above(self.share), self._above(self.share * self.wrong)
        self.true_error = dict(zip(GRID, (bad / above).tolist(), strict=True))
        self._rng = np.random.default_rng(seed)

    def draw(self, n: int) -> list[Counts]:
        """n labelled cases, counted into the grid."""
        cells = self._rng.multinomial(n, self.share)
        above, bad = self._above(cells), self._above(self._rng.binomial(cells, self.wrong))
        return [
            Counts(a, 1 - a / n, b / a if a else None, a, b)
            for a, b in zip(above.tolist(), bad.tolist(), strict=True)
        ]  # fmt: skip

    @staticmethod
    def _above(cells: np.ndarray) -> np.ndarray:
        return np.cumsum(cells[1:][::-1])[::-1]


def naive_rule(counts: list[Counts]) -> float | None:
    """The lowest threshold whose error in the sample is within the budget."""
    return next((t for t, at in zip(GRID, counts, strict=True) if at.error is not None and at.error <= BUDGET), None)


def test_over_a_thousand_redraws_the_guarantee_holds_and_the_naive_rule_fails_in_far_more() -> None:
    population = Population(0.2, seed=11)
    broken = naive = attained = 0
    for _ in range(RUNS):
        counts = population.draw(2_000)
        certified, chosen = certify(counts, BUDGET, DELTA), naive_rule(counts)
        attained += bool(certified)
        broken += any(population.true_error[t] > BUDGET for t in certified)
        naive += chosen is not None and population.true_error[chosen] > BUDGET
    assert attained > 0.9 * RUNS
    assert broken <= TOLERATED
    assert naive > 0.4 * RUNS


def test_over_a_thousand_redraws_every_label_holds_at_once_and_the_naive_rule_rarely_does() -> None:
    """Three labels of different quality; broken counts a redraw in which *any* label's certified threshold breaks."""
    populations = [Population(0.2, seed=21), Population(0.25, seed=22), Population(0.3, seed=23)]
    broken = naive = attained = 0
    for _ in range(RUNS):
        drawn = [(p, p.draw(2_000)) for p in populations]
        certified = [(p, certify(counts, BUDGET, DELTA / 3)) for p, counts in drawn]
        chosen = [(p, naive_rule(counts)) for p, counts in drawn]
        attained += sum(bool(thresholds) for _, thresholds in certified)
        broken += any(p.true_error[t] > BUDGET for p, thresholds in certified for t in thresholds)
        naive += any(t is not None and p.true_error[t] > BUDGET for p, t in chosen)
    assert attained > 2.5 * RUNS
    assert broken <= TOLERATED
    assert naive > 0.75 * RUNS
