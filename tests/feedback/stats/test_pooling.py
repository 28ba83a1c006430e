"""Shrinking people's shares: the likelihood's top is where scipy finds it, and shrunk shares are nearer the truth."""

import numpy as np
import pytest
from scipy import optimize, stats

from feedback.stats.pooling import pool


def drawn(seed: int, people: int = 40) -> tuple[list[tuple[int, int]], np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.beta(0.2 * 15, 0.8 * 15, people)
    sizes = rng.integers(5, 80, people)
    return [(int(rng.binomial(n, p)), int(n)) for n, p in zip(sizes, truth, strict=True)], truth


def test_the_maximum_is_where_an_independent_search_finds_it() -> None:
    counts, _ = drawn(1)
    ks, ns = (np.array(column) for column in zip(*counts, strict=True))

    def cost(parameters: np.ndarray) -> float:
        mean, strength = 1 / (1 + np.exp(-parameters[0])), np.exp(parameters[1])
        return -float(stats.betabinom.logpmf(ks, ns, mean * strength, (1 - mean) * strength).sum())

    best = optimize.minimize(cost, [-1.0, 2.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
    found = pool(counts)
    assert found is not None
    assert found.mean == pytest.approx(1 / (1 + np.exp(-best.x[0])), rel=1e-3)
    assert found.strength == pytest.approx(np.exp(best.x[1]), rel=1e-2)


def test_shrunk_shares_are_nearer_the_truth_and_their_intervals_cover_it() -> None:
    raw_error, shrunk_error, covered, people = 0.0, 0.0, 0, 0
    for seed in range(12):
        counts, truth = drawn(seed)
        found = pool(counts)
        assert found is not None
        for (k, n), p, group in zip(counts, truth, found.groups, strict=True):
            raw_error += (k / n - p) ** 2
            shrunk_error += (group.share - p) ** 2
            covered += group.low <= p <= group.high
            people += 1
    assert shrunk_error < 0.7 * raw_error
    assert 0.92 <= covered / people <= 0.98


@pytest.mark.parametrize(
    ("people", "n", "mean", "strength"),
    [(6, 50, 0.02, 1000.0), (5, 30, 0.1, 200.0), (6, 50, 0.5, 10_000.0), (4, 40, 0.2, 20.0), (6, 100, 0.01, 50.0)],
)
def test_a_small_team_that_hardly_differs_is_not_known_to_a_hair(
    people: int, n: int, mean: float, strength: float
) -> None:
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(60):
        truth = rng.beta(mean * strength, (1 - mean) * strength, people)
        found = pool([(int(rng.binomial(n, p)), n) for p in truth])
        assert found is not None
        covered += [g.low <= p <= g.high for p, g in zip(truth, found.groups, strict=True)]
    assert np.mean(covered) >= 0.88


def test_a_label_that_nobody_gave_is_not_impossible() -> None:
    found = pool([(0, 5)] * 5)
    assert found is not None
    assert found.groups[0].low <= found.groups[0].share < 0.01 < found.groups[0].high


def test_people_who_are_alike_are_taken_for_alike() -> None:
    rng = np.random.default_rng(5)
    counts = [int(rng.binomial(60, 0.3)) for _ in range(20)]
    found = pool([(k, 60) for k in counts])
    assert found is not None and found.strength > 100
    shrunk = [group.share for group in found.groups]
    assert max(shrunk) - min(shrunk) < 0.5 * (max(counts) - min(counts)) / 60


def test_too_few_people_say_nothing_and_somebody_without_work_is_the_average() -> None:
    assert pool([(3, 10), (4, 9)]) is None and pool([]) is None
    found = pool([(3, 10), (4, 9), (5, 20), (0, 0)])
    assert found is not None and found.groups[3].share == pytest.approx(found.mean)
    with pytest.raises(ValueError):
        pool([(3, 2)])
