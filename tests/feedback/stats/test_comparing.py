"""The tests that hold one person against others give what scipy and statsmodels give."""

import random

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.contingency_tables import Table
from statsmodels.stats.multitest import multipletests

from feedback.stats.bounds import beta_cdf
from feedback.stats.comparing import (
    TwoCounts,
    exact_more,
    holm,
    slope_within,
    smaller,
    spread_of,
    trend,
)


@pytest.mark.parametrize("counts", [(8, 10, 20, 60), (0, 5, 3, 9), (40, 40, 300, 400), (3, 3, 3, 3), (0, 0, 3, 9)])
def test_one_stratum_is_fishers_exact_test(counts: tuple[int, int, int, int]) -> None:
    k, n, others_k, others_n = counts
    expected = stats.fisher_exact([[k, n - k], [others_k, others_n - others_k]], alternative="greater").pvalue
    assert exact_more([TwoCounts(*counts)]) == pytest.approx(expected, abs=1e-9)


def test_strata_are_compared_apart_so_their_mix_makes_no_difference() -> None:
    """Simpson's: alike within each kind of case; pooled, the person with more easy ones would look guilty."""
    easy, hard = TwoCounts(81, 90, 9, 10), TwoCounts(2, 10, 18, 90)
    pooled = TwoCounts(83, 100, 27, 100)
    assert exact_more([pooled]) < 1e-6 < 0.4 < exact_more([easy, hard])


def test_the_stratified_p_value_is_the_share_of_permutations() -> None:
    strata = [TwoCounts(6, 8, 9, 20), TwoCounts(4, 9, 5, 15)]
    rng = np.random.default_rng(1)
    drawn = sum(rng.hypergeometric(s.k + s.others_k, s.n + s.others_n - s.k - s.others_k, s.n, 200_000) for s in strata)
    assert exact_more(strata) == pytest.approx(float(np.mean(drawn >= 10)), abs=0.004)
    assert exact_more([]) == 1.0


@pytest.mark.parametrize("more", [0, 20, 60])
def test_many_wide_strata_are_multiplied_out_only_where_chance_reaches(more: int) -> None:
    strata = [TwoCounts(1_500 + more, 3_000, 1_500, 3_000)] * 12
    whole = np.ones(1)
    for k, n, others_k, others_n in strata:
        whole = np.convolve(whole, stats.hypergeom(n + others_n, k + others_k, n).pmf(np.arange(n + 1)))

    assert exact_more(strata) == pytest.approx(float(whole[sum(s.k for s in strata) :].sum()), rel=1e-6, abs=1e-25)


def test_mann_whitney_is_scipys_with_ties() -> None:
    rng = random.Random(2)
    mine, others = [rng.randint(1, 20) for _ in range(40)], [rng.randint(4, 24) for _ in range(90)]
    expected = stats.mannwhitneyu(mine, others, alternative="less", method="asymptotic").pvalue
    assert smaller(mine, others) == pytest.approx(expected)
    assert smaller([1.0] * 4, others) == smaller([3.0] * 9, [3.0] * 9) == 1.0


def test_the_trend_is_statsmodels_linear_by_linear_test() -> None:
    counts = [(0, 3, 40), (1, 4, 38), (2, 7, 30), (3, 9, 33), (6, 8, 20)]
    table = Table([[k, n - k] for _, k, n in counts])
    found = table.test_ordinal_association(row_scores=np.array([s for s, _, _ in counts]), col_scores=np.array([1, 0]))
    assert trend([(float(s), k, n) for s, k, n in counts]) == pytest.approx(found.pvalue)
    assert trend([(0, 0, 10), (1, 0, 10)]) is None and trend([(3, 2, 10)]) is None and trend([]) is None


def test_the_slope_within_groups_is_least_squares_with_a_constant_per_group() -> None:
    rng = np.random.default_rng(3)
    groups = rng.integers(0, 6, 120)
    x = rng.uniform(0, 8, 120)
    y = 0.05 * x + groups * 0.7 + rng.normal(0, 0.4, 120)
    found = slope_within(list(zip(groups.tolist(), x.tolist(), y.tolist(), strict=True)))
    fit = sm.OLS(y, np.column_stack([x, *(groups == g for g in range(6))]).astype(float)).fit()
    assert found is not None
    assert (found.value, found.p) == (pytest.approx(fit.params[0]), pytest.approx(fit.pvalues[0], rel=1e-6))
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[0]))
    assert slope_within([("a", 1.0, 2.0), ("b", 2.0, 3.0)]) is None, "one row each: nothing varies within"
    assert slope_within([("a", float(hour), 5.0) for hour in range(9)]) is None, "all alike: nothing to be told apart"


def test_holm_is_statsmodels() -> None:
    values = [0.01, 0.04, 0.03, 0.005, 0.9]
    assert holm(values) == pytest.approx(multipletests(values, method="holm")[1])
    assert holm([]) == []


def test_the_medians_interval_covers_and_small_samples_have_none() -> None:
    rng = random.Random(4)
    found = [spread_of([rng.expovariate(1.0) for _ in range(25)]) for _ in range(2000)]
    covered = sum(s is not None and s.low is not None and s.low <= 0.6931 <= (s.high or 0.0) for s in found)
    assert 0.95 <= covered / 2000 <= 0.99, "exact, therefore a little wide"
    five = spread_of([1.0, 2.0, 3.0, 4.0, 9.0])
    assert five is not None and (five.median, five.low) == (3.0, None)
    assert spread_of([1.0]) is None


@pytest.mark.parametrize("x", [-1.0, 0.0, 1e-17, 0.003, 0.5, 0.97, 1.0])
def test_the_beta_distribution_is_scipys(x: float) -> None:
    for a, b in ((0.5, 0.5), (3.2, 17.0), (140.0, 9.0)):
        assert beta_cdf(x, a, b) == pytest.approx(float(stats.beta.cdf(x, a, b)), abs=1e-10)
    with pytest.raises(ValueError):
        beta_cdf(0.5, 0.0, 1.0)
