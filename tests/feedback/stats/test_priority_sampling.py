"""A priority sample: unbiased for every part of the whole, deterministic, and honest about what it left out."""

import random

import pytest

from feedback.stats.priority_sampling import priority_sample


def test_the_sum_of_any_subset_is_unbiased() -> None:
    """A thousand redraws; the standard error of the mean is about 1 % (Duffield, Lund & Thorup 2007, section 2)."""
    rng = random.Random(7)
    weights = {f"case-{n}": rng.choice([1.0, 1.0, 1.0, 20.0]) for n in range(400)}
    subset = [key for n, key in enumerate(weights) if n % 3 == 0]
    truth = sum(weights[key] for key in subset)

    estimates = []
    for _ in range(1_000):
        drawn = priority_sample(weights, 60, "", draw=lambda key, salt: rng.random()).weights
        estimates.append(sum(drawn.get(key, 0.0) for key in subset))

    assert sum(estimates) / len(estimates) == pytest.approx(truth, rel=0.03)


def test_a_case_that_stands_for_many_is_nearly_always_in_it_at_its_own_weight() -> None:
    weights = {f"common-{n}": 1.0 for n in range(500)} | {"rare": 1_000.0}
    drawn = priority_sample(weights, 50, "salt")
    assert drawn.weights["rare"] == 1_000.0
    assert drawn.threshold is not None
    assert {w for key, w in drawn.weights.items() if key != "rare"} == {drawn.threshold}
    assert len(drawn.weights) == 50


def test_it_is_the_same_for_the_same_salt_and_another_for_another() -> None:
    weights = {f"case-{n}": 1.0 for n in range(200)}
    assert priority_sample(weights, 20, "a") == priority_sample(weights, 20, "a")
    assert set(priority_sample(weights, 20, "a").weights) != set(priority_sample(weights, 20, "b").weights)


def test_few_are_all_taken_and_nothing_gives_nothing() -> None:
    assert priority_sample({"one": 3.0}, 5, "").weights == {"one": 3.0}
    assert priority_sample({"one": 3.0}, 5, "").threshold is None
    assert priority_sample({}, 5, "").weights == {}


@pytest.mark.parametrize(("weights", "size"), [({"a": 0.0}, 1), ({"a": float("nan")}, 1), ({"a": 1.0}, 0)])
def test_what_makes_no_sense_is_refused(weights: dict[str, float], size: int) -> None:
    with pytest.raises(ValueError, match="above zero"):
        priority_sample(weights, size, "")
