"""Bounds on an error rate hold to published figures and to scipy."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from feedback.stats.bounds import (
    binomial_tail,
    clopper_pearson_interval,
    clopper_pearson_lower,
    clopper_pearson_upper,
    wilson_interval,
)

COUNTS = [
    (0, 1),
    (1, 2),
    (0, 149),
    (10, 845),
    (81, 263),
    (262, 263),
    (50, 2_500),
    (1_234, 200_000),
    (600_000, 1_000_000),
]


def test_the_published_interval_for_81_of_263_is_reproduced() -> None:
    interval = clopper_pearson_interval(81, 263)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2527, 0.3676)


@pytest.mark.parametrize("errors, labels", [(0, 149), (1, 236), (2, 313), (5, 523), (10, 845)])
def test_a_single_test_certifies_two_percent_from_exactly_the_known_sample_floor(errors: int, labels: int) -> None:
    assert clopper_pearson_upper(errors, labels, 0.05) <= 0.02 < clopper_pearson_upper(errors, labels - 1, 0.05)


@pytest.mark.parametrize("errors, labels", [(0, 263), (1, 369), (2, 461), (5, 703), (10, 1_065)])
def test_ten_starts_raise_the_floor_as_published(errors: int, labels: int) -> None:
    assert binomial_tail(errors, labels, 0.02) <= 0.005 < binomial_tail(errors, labels - 1, 0.02)


@pytest.mark.parametrize("k, n", COUNTS)
@pytest.mark.parametrize("delta", [0.4, 0.05, 0.005, 1e-6, 0.9])
def test_one_sided_bounds_agree_with_scipy(k: int, n: int, delta: float) -> None:
    assert clopper_pearson_upper(k, n, delta) == pytest.approx(stats.beta.ppf(1 - delta, k + 1, n - k), abs=1e-9)
    lower = stats.beta.ppf(delta, k, n - k + 1) if k else 0.0
    assert clopper_pearson_lower(k, n, delta) == pytest.approx(lower, abs=1e-9)


@pytest.mark.parametrize("k, n", COUNTS)
def test_wilson_agrees_with_scipy(k: int, n: int) -> None:
    expected = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert wilson_interval(k, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("k, n", COUNTS)
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_both_intervals_agree_with_statsmodels(k: int, n: int, confidence: float) -> None:
    for method, ours in (("beta", clopper_pearson_interval), ("wilson", wilson_interval)):
        assert ours(k, n, confidence) == pytest.approx(proportion_confint(k, n, 1 - confidence, method), abs=1e-9)


@settings(deadline=None, max_examples=200)
@given(n=st.integers(1, 300_000), share=st.floats(0, 1), p=st.floats(0, 1))
def test_the_binomial_tail_agrees_with_scipy(n: int, share: float, p: float) -> None:
    k = int(share * n)
    assert binomial_tail(k, n, p) == pytest.approx(stats.binom.cdf(k, n, p), abs=1e-9)


@settings(deadline=None, max_examples=200)
@given(n=st.integers(1, 5_000), share=st.floats(0, 1), delta=st.floats(1e-6, 0.5))
def test_the_upper_bound_is_where_the_tail_equals_delta(n: int, share: float, delta: float) -> None:
    k = int(share * (n - 1))
    assert binomial_tail(k, n, clopper_pearson_upper(k, n, delta)) == pytest.approx(delta, abs=1e-9)


def test_no_data_excludes_nothing() -> None:
    assert clopper_pearson_upper(0, 0, 0.05) == 1.0
    assert clopper_pearson_interval(0, 0) == (0.0, 1.0)
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert binomial_tail(0, 0, 0.02) == 1.0


@pytest.mark.parametrize("k, n, delta", [(2, 1, 0.05), (-1, 5, 0.05), (1, 5, 0.0), (1, 5, 1.0), (1, 5, float("nan"))])
def test_impossible_input_is_refused(k: int, n: int, delta: float) -> None:
    with pytest.raises(ValueError):
        clopper_pearson_upper(k, n, delta)
