import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_distances

from feedback.diversity import count_judged, find_regions, nearest_distance, unit_vectors

RNG = np.random.default_rng(7)


def stored(rows: np.ndarray) -> list[bytes]:
    return [row.astype("<f4").tobytes() for row in rows]


def test_distances_are_those_of_an_independent_implementation() -> None:
    judged, asked = RNG.normal(size=(300, 16)), RNG.normal(size=(520, 16))
    units, others = unit_vectors(stored(judged), 16)[0], unit_vectors(stored(asked), 16)[0]

    expected = np.clip(cosine_distances(asked, judged).min(axis=1), 0, 1)

    assert nearest_distance(others, units) == pytest.approx(expected, abs=1e-5)


def test_nothing_judged_is_farthest_and_the_same_is_nearest() -> None:
    vectors, _ = unit_vectors(stored(np.array([[3.0, 4.0], [-1.0, 0.0]])), 2)
    assert nearest_distance(vectors, vectors[:0]).tolist() == [1.0, 1.0]
    assert nearest_distance(vectors, vectors[:1]) == pytest.approx([0.0, 1.0], abs=1e-6)


def test_very_long_vectors_and_those_without_a_direction_do_no_harm() -> None:
    vectors, usable = unit_vectors(stored(np.array([[3e38, 3e38], [0.0, 0.0], [1e-38, 0.0]])), 2)
    assert usable.tolist() == [True, False, True]
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1.0, 0.0, 1.0], abs=1e-5)


def test_a_region_nobody_judged_is_rare_and_one_with_its_share_is_not() -> None:
    centres = np.eye(4, 12)
    seen, _ = unit_vectors(stored(np.repeat(centres, 100, axis=0) + RNG.normal(0, 0.02, (400, 12))), 12)
    judged = seen[:200]  # the first two groups only

    regions = find_regions(seen, judged)

    assert regions is not None
    rarity = regions.rarity()[regions.of(seen)]
    assert rarity[200:].min() == 1.0
    assert rarity[:200].mean() < 0.6
    again = find_regions(seen, judged, regions.centres)
    assert again is not None
    assert (again.of(seen) == regions.of(seen)).mean() > 0.8


def test_too_few_cases_have_no_regions() -> None:
    seen, _ = unit_vectors(stored(RNG.normal(size=(49, 3))), 3)
    assert find_regions(seen, seen) is None
    assert count_judged(np.eye(3, dtype=np.float32), seen[:0]).rarity().tolist() == [1.0, 1.0, 1.0]
