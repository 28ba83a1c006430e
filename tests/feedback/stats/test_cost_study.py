"""The cheapest threshold is found, with an interval that covers; it is recommended only where it is certified."""

import random
from itertools import pairwise

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from feedback.stats.bounds import wilson_interval
from feedback.stats.cost_study import cost_study
from feedback.stats.costs import Costs, ErrorCost, linear_interval, weigh
from feedback.stats.objective import Objective, ObjectiveQuestion, objective_study
from feedback.stats.threshold_counts import GRID, Record
from feedback.stats.zone import critical_zone

LENDING = Costs(review=2.0, error=10.0, pairs=(ErrorCost(100.0, truth="bad", decided="good"),))


def loans(n: int, seed: int, *, propensity: bool = False) -> list[Record]:
    """Errors grow as confidence falls; a bad loan called good is the rarer error."""
    rng = random.Random(seed)
    records = []
    for _ in range(n):
        confidence = 1.0 - 0.5 * rng.random() ** 2
        predicted = rng.choice(["good", "bad"])
        correct = rng.random() >= 0.5 * (1.0 - confidence)
        truth = predicted if correct else ("bad" if predicted == "good" else "good")
        probability = rng.choice([1.0, 0.25]) if propensity else 1.0
        if rng.random() < probability:
            records.append(Record(confidence, correct, probability, rng.random(), predicted, truth))
    return records


def cost_of(records: list[Record], costs: Costs, threshold: float) -> float:
    """Case by case, written again."""
    total = sum(1 / r.selection_probability for r in records)
    paid = 0.0
    for r in records:
        price = 0.0 if r.correct else costs.of_error(r.truth, r.predicted)
        paid += (costs.review if r.confidence < threshold else price) / r.selection_probability
    return paid / total


@pytest.mark.parametrize(
    ("truth", "decided", "cost"),
    [("a", "b", 5.0), ("b", "a", 7.0), ("c", "a", 3.0), ("a", "c", 2.0), ("c", "b", 1.0), (None, None, 1.0)],
)
def test_the_price_naming_most_of_an_error_wins_and_of_equals_the_later(
    truth: str | None, decided: str | None, cost: float
) -> None:
    pairs = (ErrorCost(5.0, "a", "b"), ErrorCost(3.0, None, "a"), ErrorCost(2.0, "a"), ErrorCost(7.0, "b", "a"))
    assert Costs(review=1.0, error=1.0, pairs=pairs).of_error(truth, decided) == cost
    assert Costs(review=1.0, pairs=(*pairs, ErrorCost(9.0, "a", "b"))).of_error("a", "b") == 9.0


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_a_cost_that_means_nothing_is_refused(wrong: float) -> None:
    for fields in ({"review": wrong}, {"review": 1.0, "error": wrong}, {"review": 1.0, "pairs": (ErrorCost(wrong),)}):
        with pytest.raises(ValueError, match="cost"):
            Costs(**fields)


@pytest.mark.parametrize("propensity", [False, True])
def test_every_point_of_the_cost_curve_is_the_cost_counted_case_by_case(propensity: bool) -> None:
    records = loans(3_000, 1, propensity=propensity)
    found = cost_study(weigh(records, LENDING), LENDING, GRID)
    for index in (0, 20, 50, 80, 99):
        point = found.curve[index]
        assert point.cost == pytest.approx(cost_of(records, LENDING, GRID[index]))
        assert point.low <= point.cost <= point.high
    assert found.cheapest == min([*found.curve, found.review_all], key=lambda p: p.cost)


@pytest.mark.parametrize(("one", "n", "other"), [(56, 70, 48), (9, 10, 3), (5, 56, 0), (10, 10, 0)])
def test_the_interval_of_a_difference_is_newcombes(one: int, n: int, other: int) -> None:
    value, low, high = linear_interval([(1.0, one / n), (-1.0, other / n)], n)
    expected = confint_proportions_2indep(one, n, other, n, method="newcomb", compare="diff")
    assert value == pytest.approx((one - other) / n)
    assert (low, high) == pytest.approx(expected)


def test_one_term_is_wilsons_interval_and_nothing_seen_leaves_everything_open() -> None:
    assert linear_interval([(3.0, 0.2)], 50)[1:] == pytest.approx([3 * end for end in wilson_interval(10, 50)])
    assert linear_interval([(3.0, 0.0)], 0) == (0.0, 0.0, 3.0)


def test_the_interval_of_a_cost_covers_it_in_95_of_100_redraws_although_dear_errors_are_rare() -> None:
    rng = np.random.default_rng(5)
    prices, shares = (1.0, 10.0, 200.0), (0.3, 0.03, 0.004)
    truth = sum(a * p for a, p in zip(prices, shares, strict=True))
    counts = rng.multinomial(800, [*shares, 1 - sum(shares)], size=2_000)
    covered = 0
    for row in counts:
        _, low, high = linear_interval(zip(prices, (row[:3] / 800).tolist(), strict=True), 800)
        covered += low <= truth <= high
    assert 0.94 <= covered / 2_000 <= 0.985


def test_errors_dearer_than_reviews_raise_the_cheapest_threshold() -> None:
    records = loans(20_000, 2)
    cheapest = []
    for price in (5.0, 20.0, 200.0):
        found = cost_study(weigh(records, Costs(2.0, price)), Costs(2.0, price), GRID).cheapest
        assert found is not None
        cheapest.append(found.threshold or 1.0)
    assert cheapest == sorted(cheapest) and cheapest[0] < cheapest[-1]


def test_the_true_optimum_lies_among_the_thresholds_that_cannot_be_told_apart() -> None:
    """P(wrong) is half of what confidence lacks: at 2 for a review and 10 for an error, automating pays from 0.6 on."""
    within = 0
    for seed in range(40):
        records = loans(1_500, 100 + seed)
        found = cost_study(weigh(records, Costs(2.0, 10.0)), Costs(2.0, 10.0), GRID)
        assert found.similar is not None
        within += found.similar[0] <= 0.6 <= found.similar[1]
    assert within >= 37


def test_reviewing_everything_may_be_cheapest_and_is_then_said() -> None:
    records = [Record(0.9, n % 50 != 0) for n in range(2_000)]
    dear = Costs(review=0.1, error=100.0)
    found = cost_study(weigh(records, dear), dear, [0.5])
    assert found.cheapest == found.review_all and found.cheapest.threshold is None
    assert found.certified is None and found.reason is not None and "Reviewing every case" in found.reason


def test_without_records_there_is_no_cost_and_a_reason() -> None:
    found = cost_study(weigh([], LENDING), LENDING, [])
    assert (found.curve, found.cheapest, found.similar) == ((), None, None)
    assert found.reason is not None and "no labelled records" in found.reason


def test_a_cost_optimum_that_is_not_certified_is_never_recommended() -> None:
    """Errors are cheap here, so cost alone would automate nearly everything, at an error far above the budget."""
    records = loans(6_000, 3)
    found = objective_study(records, ObjectiveQuestion(0.02, 0.05, None, Objective.LEAST_COST, Costs(5.0, 1.0)))
    assert found.cost is not None and found.cost.cheapest is not None and found.recommended is not None
    assert found.cost.cheapest.threshold == GRID[0] and not found.cost.cheapest_is_certified
    assert found.recommended in found.joint.normal.certified
    assert found.recommended == found.cost.certified.threshold if found.cost.certified else False


def test_the_cheapest_certified_threshold_may_lie_above_the_lowest_certified_one() -> None:
    records = loans(20_000, 4)
    costs = Costs(review=0.05, error=10.0)
    found = objective_study(records, ObjectiveQuestion(0.05, 0.05, None, Objective.LEAST_COST, costs))
    lowest = found.joint.normal.guaranteed_threshold
    assert lowest is not None and found.recommended is not None and found.recommended > lowest
    assert found.cost is not None and found.cost.cheapest_is_certified


def test_objectives_that_lack_what_they_need_are_refused() -> None:
    with pytest.raises(ValueError, match="needs costs"):
        ObjectiveQuestion(objective=Objective.LEAST_COST)
    with pytest.raises(ValueError, match="one budget"):
        ObjectiveQuestion(objective=Objective.PER_LABEL, peak_error=0.1)


@pytest.mark.parametrize("propensity", [False, True])
@pytest.mark.parametrize("threshold", [None, 0.5, 0.7, 0.95])
def test_the_critical_zone_is_counted_case_by_case(threshold: float | None, propensity: bool) -> None:
    records = loans(4_000, 6, propensity=propensity)
    zone = critical_zone(weigh(records, LENDING), threshold, LENDING)

    def weight(rows: list[Record]) -> float:
        return sum(1 / r.selection_probability for r in rows)

    inside = [r for r in records if 0.6 <= r.confidence < 0.85]
    below = [r for r in records if threshold is None or r.confidence < threshold]
    both = [r for r in inside if r in below]
    total = cost_of(records, LENDING, 2.0 if threshold is None else threshold)
    mine = [r for r in records if not 0.6 <= r.confidence < 0.85]
    others = cost_of(mine, LENDING, 2.0 if threshold is None else threshold) * weight(mine) / weight(records)
    assert zone.n == len(inside)
    assert zone.volume.value == pytest.approx(weight(inside) / weight(records))
    assert zone.error.value == pytest.approx(weight([r for r in inside if not r.correct]) / weight(inside))
    assert zone.reviewed.value == pytest.approx(weight(both) / weight(inside))
    assert zone.reviews.value == (pytest.approx(weight(both) / weight(below)) if below else None)
    assert zone.cost_share == pytest.approx(1 - others / total)


def test_an_empty_zone_is_an_answer_and_not_a_number() -> None:
    zone = critical_zone(weigh([Record(0.95, True)], LENDING), 0.9, LENDING)
    assert (zone.n, zone.volume.value, zone.error.value, zone.errors.value, zone.reviews.value) == (
        0,
        0.0,
        None,
        None,
        None,
    )
    assert zone.cost_share is None
    assert critical_zone(weigh([], LENDING), None, None).volume.value is None


def test_cost_curves_do_not_depend_on_the_order_of_the_records() -> None:
    records = loans(500, 7, propensity=True)
    costs = [cost_study(weigh(rows, LENDING), LENDING, ()).curve for rows in (records, records[::-1])]
    assert [p.cost for p in costs[0]] == pytest.approx([p.cost for p in costs[1]])
    assert all(a.threshold < b.threshold for a, b in pairwise(costs[0]) if a.threshold and b.threshold)
