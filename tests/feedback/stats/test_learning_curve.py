"""The power law finds the curve it was drawn from, says what it does not know, and covers what it claims."""

import random

import numpy as np
import pytest
from scipy.optimize import curve_fit

from feedback.stats.learning_curve import fit_power_law, learning_curve

SIZES = (100, 200, 400, 800, 1_600, 3_200)


def drawn(seed: int, *, floor: float = 0.2, scale: float = 2.0, rate: float = 0.6, noise: float = 0.003, r: int = 8):
    rng = random.Random(seed)
    return {n: [floor + scale * n**-rate + rng.gauss(0.0, noise) for _ in range(r)] for n in SIZES}


def test_without_noise_the_law_is_found_exactly() -> None:
    law = fit_power_law({n: [0.2 + 2.0 * n**-0.6] * 3 for n in SIZES})
    assert (law.floor, law.scale, law.rate) == pytest.approx((0.2, 2.0, 0.6), abs=1e-6)


def test_it_agrees_with_scipy_s_nonlinear_least_squares() -> None:
    losses = drawn(1)
    x, y = np.array(SIZES, float), np.array([np.mean(losses[n]) for n in SIZES])
    error = [np.std(losses[n], ddof=1) / np.sqrt(8) for n in SIZES]
    (floor, scale, rate), _ = curve_fit(lambda n, a, b, c: a + b * n**-c, x, y, p0=(0.1, 1.0, 0.5), sigma=error)
    law = fit_power_law(losses)
    for n in (100, 1_000, 4_200):
        assert law.at(n) == pytest.approx(floor + scale * n**-rate, abs=5e-4)


def test_the_gain_of_a_thousand_more_lies_in_its_interval_about_as_often_as_claimed() -> None:
    truth = 2.0 * (3_200**-0.6 - 4_200**-0.6)
    covered = 0
    for seed in range(20):
        found = learning_curve(drawn(seed))
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    assert covered >= 16


def test_a_flat_curve_gains_nothing_and_a_rising_one_is_taken_for_flat() -> None:
    flat = learning_curve({n: [0.5, 0.5] for n in SIZES})
    rising = learning_curve({n: [0.1 * n, 0.1 * n + 0.01] for n in SIZES})
    assert flat.gain == pytest.approx(0.0, abs=1e-9)
    assert rising.gain == 0.0


def test_too_few_sizes_say_so_and_nonsense_is_refused() -> None:
    few = learning_curve({100: [0.5, 0.4], 200: [0.4, 0.4], 400: [0.3]})
    assert (few.law, few.gain) == (None, None)
    assert few.reason == "2 sizes were measured; 4 are needed"
    assert learning_curve({}).points == ()
    with pytest.raises(ValueError, match="finite"):
        learning_curve({100: [float("nan")]})
