"""Accuracy and cost by the share reviewed, and where hours go: against closed forms and by simulation."""

import random

import pytest

from feedback.stats.review_value import (
    Band,
    Scored,
    Team,
    accuracy_of,
    bands_of,
    cost_per_correct,
    hours_by_tier,
    propose_effort,
    review_curve,
)


def graded(n: int = 10_000) -> list[Scored]:
    """Confidence 0.5 to 1 evenly, right exactly as often as stated."""
    rng = random.Random(1)
    return [Scored(c, rng.random() < c) for c in (0.5 + 0.5 * (k + 0.5) / n for k in range(n))]


def test_the_curve_of_a_calibrated_machine_is_the_closed_form() -> None:
    """On the most confident 1 - s accuracy is 0.75 + s / 4, so all in all (1 - s)(0.75 + s / 4) + s * 0.98."""
    found = review_curve(graded(), accuracy_of(980, 1_000), review_cost=1.0, error_cost=10.0)
    for point in found.points:
        s = point.share
        assert point.accuracy == pytest.approx((1 - s) * (0.75 + s / 4) + s * 0.98, abs=0.01)
        assert point.low <= point.accuracy <= point.high
        assert point.cost == pytest.approx(s + 10.0 * (1.0 - point.accuracy))
    assert found.points[0].marginal == pytest.approx(100 * (0.98 - 0.5), abs=6)  # the first cases are right by half
    assert found.points[-1].marginal is None


def test_reviewing_costs_least_where_the_machine_errs_as_much_as_a_review_costs() -> None:
    """A review costs 1, saves 10 × (0.98 - c): worth it up to c = 0.88, which is a share of 0.76."""
    found = review_curve(graded(), accuracy_of(980, 1_000), review_cost=1.0, error_cost=10.0)
    assert found.cheapest == pytest.approx(0.76, abs=0.051)


def test_rare_cases_count_for_those_they_stand_for() -> None:
    cases = [Scored(0.9, False, 20.0)] * 50 + [Scored(0.9, True)] * 1_000
    found = review_curve(cases, None, review_cost=0.0, error_cost=1.0)
    assert found.points[0].accuracy == pytest.approx(0.5)
    assert found.effective_n < 200


def test_ties_are_parted_in_proportion_whatever_their_order() -> None:
    one = [Scored(0.9, True)] * 300 + [Scored(0.9, False)] * 100
    for cases in (one, one[::-1]):
        found = review_curve(cases, accuracy_of(100, 100), review_cost=0.0, error_cost=1.0)
        assert found.points[10].accuracy == pytest.approx(0.5 * 0.75 + 0.5)


def test_people_who_were_never_measured_make_it_an_upper_bound() -> None:
    found = review_curve(graded(400), None, review_cost=0.0, error_cost=1.0)
    assert found.people is None
    assert found.points[-1].accuracy == 1.0


def test_intervals_cover_the_truth() -> None:
    """At half the cases reviewed the truth is 0.5 × 0.875 + 0.5 × 0.95."""
    rng = random.Random(8)
    covered = 0
    for _ in range(200):
        confidences = [rng.uniform(0.5, 1.0) for _ in range(400)]
        people = accuracy_of(sum(rng.random() < 0.95 for _ in range(200)), 200)
        cases = [Scored(c, rng.random() < c) for c in confidences]
        point = review_curve(cases, people, review_cost=0.0, error_cost=0.0).points[10]
        covered += point.low <= 0.5 * 0.875 + 0.5 * 0.95 <= point.high
    assert covered >= 184


def test_too_few_cases_say_so() -> None:
    found = review_curve(graded(50), None, review_cost=0.0, error_cost=0.0)
    assert found.points == ()
    assert found.reason == "50 labelled cases, by weight; 100 are needed"
    assert review_curve([], None, review_cost=0.0, error_cost=0.0).effective_n == 0.0


def test_bands_part_the_cases_by_weight_and_keep_equal_confidences_together() -> None:
    bands = bands_of(graded(1_000), per_week=500.0)
    assert len(bands) == 5
    assert sum(band.per_week for band in bands) == pytest.approx(500.0)
    assert [band.error for band in bands] == sorted((band.error for band in bands), reverse=True)
    assert len(bands_of([Scored(0.9, True)] * 100, 10.0)) == 1
    assert bands_of([], 10.0) == []


BANDS = [
    Band(0.5, 0.6, 100.0, 0.4, 0.3, 0.5, 50),
    Band(0.6, 0.8, 100.0, 0.1, 0.05, 0.2, 50),
    Band(0.8, 1.0, 100.0, 0.02, 0.0, 0.05, 50),
]
JUNIOR, EXPERT = Team("tier-1", 0.1, 20.0, 0.05), Team("expert", 0.2, 60.0, 0.01)


def test_hours_go_first_where_an_hour_avoids_most_and_nowhere_where_it_does_not_pay() -> None:
    efforts = propose_effort(BANDS, [JUNIOR, EXPERT], 15.0, error_cost=100.0)
    assert [(e.tier, e.band, e.hours) for e in efforts] == [("tier-1", 0, 10.0), ("tier-1", 1, 5.0)]
    assert efforts[0].avoided == pytest.approx(100 * 0.35)
    assert efforts[0].value == pytest.approx(100 * (0.35 * 100 - 2))
    assert hours_by_tier(efforts) == {"tier-1": 15.0}
    assert sum(e.hours for e in propose_effort(BANDS, [JUNIOR], 1_000.0, 100.0)) == pytest.approx(20.0)
    assert propose_effort(BANDS, [JUNIOR], 10.0, error_cost=0.0) == []
    assert propose_effort([], [JUNIOR], 10.0, 1.0) == propose_effort(BANDS, [], 10.0, 1.0) == []


def test_one_tier_s_greedy_hours_are_the_best_of_all_ways_to_spend_them() -> None:
    rng = random.Random(4)
    best = propose_effort(BANDS, [JUNIOR], 12.0, 100.0)
    for _ in range(300):
        shares = [rng.random() for _ in BANDS]
        hours = [min(10.0, 12.0 * s / sum(shares)) for s in shares]
        value = sum(h / 0.1 * ((b.error - 0.05) * 100.0 - 2.0) for h, b in zip(hours, BANDS, strict=True))
        assert value <= sum(e.value for e in best) + 1e-9


def test_a_correct_decision_by_people_costs_the_review_and_its_share_of_errors() -> None:
    assert cost_per_correct(2.0, 0.1, 50.0) == pytest.approx((2.0 + 5.0) / 0.9)
    assert cost_per_correct(2.0, 1.0, 50.0) is None
