"""Consensus drift: found where it is, silent where nothing moved or the guideline did."""

import random

import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from feedback.stats.consensus import Cell, Said, band_of, consensus_drift


def cell(**changes: object) -> Cell:
    kept: dict[str, object] = {
        "task_type": "loan", "model_version": "m-1", "machine": "approve", "band": "0.6–0.85", "unaided": True,
        "guideline": 1,
    }  # fmt: skip
    return Cell(**(kept | changes))  # type: ignore[arg-type]


def said(of: Cell, k: int, n: int, *, now: bool, person: str = "bob", label: str = "reject") -> list[Said]:
    return [Said(of, person, f"{now}-{number}", label if number < k else "approve", now) for number in range(n)]


def test_a_shift_has_fishers_p_and_newcombes_interval() -> None:
    rows = said(cell(), 5, 40, now=False) + said(cell(), 22, 40, now=True)
    found = consensus_drift(rows)
    assert [shift.label for shift in found.shifts] == ["approve", "reject"]
    shift = found.shifts[1]
    one_sided = stats.fisher_exact([[22, 18], [5, 35]], alternative="greater").pvalue
    assert shift.p == pytest.approx(2 * 2 * one_sided), "two labels, two sides"
    low, high = confint_proportions_2indep(22, 40, 5, 40, method="newcomb", compare="diff")
    assert (shift.change, shift.low, shift.high) == pytest.approx((0.425, low, high), abs=1e-6)
    assert shift.cases_now[:2] == ("True-21", "True-20"), "newest first"


def test_a_changed_guideline_is_no_drift() -> None:
    rows = said(cell(), 5, 40, now=False) + said(cell(guideline=2), 22, 40, now=True)
    found = consensus_drift(rows)
    assert (found.shifts, found.looked_at, found.guideline_changed) == ((), 0, 1)


def test_other_people_are_told_from_people_who_changed_their_mind() -> None:
    strict, mild = said(cell(), 30, 40, now=True, person="new"), said(cell(), 5, 40, now=False, person="old")
    (_, others) = consensus_drift(strict + mild).shifts
    assert others.p_same_people is None
    both = [
        row
        for person, before, now in (("a", 2, 22), ("b", 3, 20))
        for row in said(cell(), before, 40, now=False, person=person) + said(cell(), now, 40, now=True, person=person)
    ]
    (_, same) = consensus_drift(both).shifts
    assert same.p_same_people is not None and same.p_same_people < 0.001


def test_too_few_are_counted_and_not_compared() -> None:
    found = consensus_drift(said(cell(), 0, 19, now=False) + said(cell(), 19, 19, now=True))
    assert (found.shifts, found.looked_at, found.too_small, found.guideline_changed) == ((), 0, 1, 0)
    assert consensus_drift([]).shifts == ()


def test_false_alarms_stay_below_five_in_a_hundred() -> None:
    rng = random.Random(1)
    alarms = 0
    for _ in range(150):
        rows = []
        for number in range(6):
            of = cell(machine=f"label-{number}")
            for now in (False, True):
                k = sum(rng.random() < 0.3 for _ in range(50))
                rows += said(of, k, 50, now=now)
        alarms += bool(consensus_drift(rows).shifts)
    assert alarms <= 9  # 150 x 5 % = 7.5, and the exact test is conservative


@pytest.mark.parametrize(
    "confidence, band", [(None, "none"), (0.2, "< 0.6"), (0.6, "0.6–0.85"), (0.85, "≥ 0.85"), (1.0, "≥ 0.85")]
)
def test_bands_are_those_of_the_critical_zone(confidence: float | None, band: str) -> None:
    assert band_of(confidence) == band
