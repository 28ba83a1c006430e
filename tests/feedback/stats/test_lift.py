"""Which groups stand out: against scipy and statsmodels, and by simulation."""

import random

import pytest
from scipy.stats import fisher_exact
from scipy.stats.contingency import relative_risk
from statsmodels.stats.multitest import multipletests

from feedback.stats.lift import Table, lifts

TABLES = [Table(30, 100, 40, 400), Table(5, 50, 65, 450), Table(12, 40, 58, 460), Table(1, 20, 69, 480)]


def test_p_values_are_fishers_and_the_correction_is_benjamini_and_hochbergs() -> None:
    found = lifts(TABLES)
    for table, lift in zip(TABLES, found, strict=True):
        cells = [[table.inside, table.n_inside - table.inside], [table.outside, table.n_outside - table.outside]]
        assert lift.p == pytest.approx(fisher_exact(cells, alternative="greater").pvalue, rel=1e-9)
    assert [f.q for f in found] == pytest.approx(multipletests([f.p for f in found], method="fdr_bh")[1])


def test_the_lift_and_its_interval_are_those_of_the_relative_risk() -> None:
    [found] = lifts([Table(5, 50, 65, 450)])  # does not stand out: no correction for selection
    other = relative_risk(5, 50, 65, 450)
    assert found.value == pytest.approx(other.relative_risk)
    assert (found.low, found.high) == pytest.approx(tuple(other.confidence_interval(0.95)))


def test_who_stands_out_among_many_gets_a_wider_interval() -> None:
    [alone] = lifts([TABLES[0]])
    among = lifts([TABLES[0], *[Table(1, 20, 20, 400)] * 30])[0]
    assert alone.stands_out
    assert among.stands_out
    assert among.low < alone.low < alone.high < among.high


def test_empty_cells_give_no_lift_but_an_interval_and_empty_sides_say_nothing() -> None:
    never_outside, no_group, no_event = lifts([Table(8, 20, 0, 100), Table(0, 0, 5, 100), Table(0, 10, 0, 100)])
    assert never_outside.value is None
    assert never_outside.low > 1.0
    assert never_outside.stands_out
    assert (no_group.p, no_group.value, no_group.stands_out) == (1.0, None, False)
    assert no_event.p == 1.0
    assert lifts([]) == []


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="impossible"):
        lifts([Table(3, 2, 0, 1)])


def test_where_nothing_differs_hardly_any_week_has_a_group_that_stands_out() -> None:
    """400 weeks of 12 groups with the same rate: at most about alpha of the weeks show anything."""
    rng = random.Random(3)
    weeks = 0
    for _ in range(400):
        hits = [sum(rng.random() < 0.12 for _ in range(40)) for _ in range(12)]
        total = sum(hits)
        weeks += any(f.stands_out for f in lifts([Table(k, 40, total - k, 440) for k in hits]))
    assert weeks / 400 <= 0.07
