"""Real models on real data: calibration makes confidences honest, and a guaranteed threshold keeps its promise.

`make test-data` fetches the data sets; a test of one that is absent is skipped and says so.
"""

from functools import cache

import pytest

from bench.datasets import ADULT, CENSUS, COMPAS, CREDIT, DATA_SETS, DataSet, table
from bench.real_data import within_chance
from feedback.stats.redraws import Evaluation, evaluate_thresholds
from feedback.tabular import MODELS, answers

pytestmark = pytest.mark.soak

ROWS, REDRAWS = 8_000, 40
BUDGETS = {ADULT.key: 0.10, COMPAS.key: 0.10, CENSUS.key: 0.02, CREDIT.key: 0.10}
every_set = pytest.mark.parametrize("data", DATA_SETS, ids=lambda data: data.key)


@cache
def evaluated(data: DataSet) -> dict[str, Evaluation]:
    """By model."""
    if reason := data.absent():
        pytest.skip(reason)
    found = {}
    for given in answers(table(data, rows=ROWS)):
        budget = BUDGETS[data.key]
        result = evaluate_thresholds(given.confidences, given.correct, max_error=budget, redraws=REDRAWS)
        assert result.evaluation is not None, result.reason
        found[given.model] = result.evaluation
    return found


@every_set
def test_a_guaranteed_threshold_breaks_its_budget_no_more_often_than_it_says(data: DataSet) -> None:
    for model, found in evaluated(data).items():
        assert within_chance(found.guaranteed), (model, found.guaranteed)
        assert found.guaranteed.error is None or found.guaranteed.error <= BUDGETS[data.key]


@every_set
def test_a_naive_threshold_breaks_it_more_often(data: DataSet) -> None:
    for model, found in evaluated(data).items():
        if found.naive.attained:
            assert found.naive.broken > found.guaranteed.broken, (model, found.naive)
        assert found.naive.automated >= found.guaranteed.automated


@every_set
def test_calibration_makes_overconfident_models_honest(data: DataSet) -> None:
    found = evaluated(data)
    assert set(found) == set(MODELS)
    for model, at in found.items():
        assert at.log_loss_after <= at.log_loss_before + 0.005, model
        assert at.ece_after < 0.05, model
    bayes = found["gaussian naive Bayes"]
    assert bayes.ece_before > 0.1 and bayes.ece_after < bayes.ece_before / 3


def test_a_good_model_automates_most_cases_within_two_percent() -> None:
    found = evaluated(CENSUS)["gradient boosting"]
    assert found.accuracy > 0.93
    assert found.guaranteed.attained > 0.8 * REDRAWS and found.guaranteed.automated > 0.4


@pytest.mark.parametrize("model", MODELS)
def test_what_cannot_be_promised_is_said_and_nothing_is_automated(model: str) -> None:
    found = evaluated(COMPAS)[model]
    assert (found.guaranteed.attained, found.guaranteed.automated, found.guaranteed.error) == (0, 0.0, None)
    assert found.reason is not None and found.reason.startswith("Not attainable: ")
