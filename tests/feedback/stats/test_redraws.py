"""Redraws tell what a threshold promises from what it keeps, on data whose truth is known."""

import numpy as np
import pytest
from scipy.special import expit, logit

from feedback.stats.bounds import clopper_pearson_interval
from feedback.stats.redraws import Evaluation, evaluate_thresholds

REDRAWS = 40


def overconfident(n: int, *, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Confidences whose true log-odds are half of those claimed."""
    rng = np.random.default_rng(seed)
    confidences = np.clip(rng.beta(6, 0.6, n), 0.5, 0.9999)
    return confidences, rng.random(n) < expit(logit(confidences) / 2)


def evaluated(n: int, max_error: float) -> Evaluation:
    found = evaluate_thresholds(*overconfident(n), max_error=max_error, redraws=REDRAWS).evaluation
    assert found is not None
    return found


def test_calibration_is_measured_on_cases_it_did_not_see() -> None:
    found = evaluated(6_000, 0.1)
    assert found.ece_before > 0.05 > 0.02 > found.ece_after
    assert found.log_loss_after < found.log_loss_before
    assert sum(found.methods.values()) == REDRAWS and max(found.methods, key=lambda m: found.methods[m]) != "identity"
    assert found.n == 6_000 and 0.5 < found.accuracy < 1.0


def test_the_guaranteed_threshold_keeps_the_budget_that_the_naive_one_breaks() -> None:
    found = evaluated(6_000, 0.1)
    assert found.guaranteed.attained >= 0.9 * REDRAWS
    assert found.naive.broken > REDRAWS / 4 > 4 >= found.guaranteed.broken
    assert found.guaranteed.automated < found.naive.automated
    assert found.guaranteed.error is not None and found.naive.error is not None
    assert found.guaranteed.error < 0.1 and found.guaranteed.error < found.naive.error
    assert found.naive.broken_interval == clopper_pearson_interval(found.naive.broken, REDRAWS)


def test_a_budget_out_of_reach_automates_nothing_and_says_so() -> None:
    rng = np.random.default_rng(2)
    found = evaluate_thresholds(rng.uniform(0.5, 1, 3_000), rng.random(3_000) < 0.7, redraws=5).evaluation
    assert found is not None
    assert (found.guaranteed.attained, found.guaranteed.automated, found.guaranteed.broken) == (0, 0.0, 0)
    assert (found.guaranteed.error, found.guaranteed.threshold) == (None, None)
    assert found.reason is not None and found.reason.startswith("Not attainable")


def test_the_same_seed_gives_the_same_answer_and_another_another() -> None:
    confidences, correct = overconfident(2_000)
    one, again, other = (evaluate_thresholds(confidences, correct, redraws=2, seed=seed) for seed in (3, 3, 4))
    assert one == again != other


@pytest.mark.parametrize("n", [0, 50, 300])
def test_too_few_answers_are_refused_with_the_reason(n: int) -> None:
    result = evaluate_thresholds(*overconfident(n), redraws=2)
    assert result.evaluation is None
    assert result.reason is not None and "not enough data" in result.reason


@pytest.mark.parametrize(
    "options", [{"redraws": 0}, {"max_error": 0.0}, {"max_error": float("nan")}, {"delta": 1.0}], ids=str
)
def test_bad_options_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        evaluate_thresholds(*overconfident(1_000), **options)  # type: ignore[arg-type]
