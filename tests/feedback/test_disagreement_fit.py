"""The fitted disagreement model against scikit-learn, and the regions it names (mission B17)."""

import json
import random
import time

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from feedback.disagreement_fit import (
    FittedDisagreement,
    JudgedCase,
    NotEnough,
    _classifier,
    columns_of,
    export,
    fit_disagreement,
    matrix_of,
    weighted_auc,
)
from feedback.disagreement_regions import find_regions_of_disagreement
from routing.engine.calibration import NO_CALIBRATION
from routing.engine.disagreement import Column, DisagreementModel
from routing.engine.features import Features
from routing.engine.signals import compute_signals

LABELS = ("approve", "reject")


def judged(n: int, *, seed: int = 1, effect: float = 0.5, noise: float = 0.08) -> list[JudgedCase]:
    """People overrule often where the amount is above 5,000 and the region is EU; some amounts are not given."""
    rng = random.Random(seed)
    cases = []
    for number in range(n):
        region, confidence = rng.choice(["EU", "US"]), rng.uniform(0.5, 1.0)
        amount = rng.uniform(0, 10_000) if rng.random() < 0.8 else None
        share = noise + effect * (region == "EU" and (amount or 0) > 5_000)
        features = Features(
            label="approve", confidence=confidence, model_version="credit-1", amount=amount,
            probabilities={"approve": confidence, "reject": 1 - confidence}, segments={"region": region},
        )  # fmt: skip
        cases.append(JudgedCase(f"{seed}-{number}", features, rng.random() < share, rng.choice([1.0, 5.0])))
    return cases


@pytest.fixture(scope="module")
def fitted() -> FittedDisagreement:
    found = fit_disagreement(judged(1_500), LABELS)
    assert isinstance(found, FittedDisagreement)
    return found


def test_plain_python_gives_what_scikit_learn_gives_with_missing_values_too() -> None:
    cases = judged(800)
    columns = columns_of([case.features for case in cases], LABELS)
    x, y = matrix_of(cases, columns, LABELS), np.array([case.overruled for case in cases])
    model = _classifier().fit(x, y)
    stored = json.loads(json.dumps(export(model, columns)))

    ours = DisagreementModel.from_json(1, stored, NO_CALIBRATION.to_json())

    odd = np.random.default_rng(2).choice([0.0, 1.0, -1e300, 1e300, np.nan, 0.5, 5_000.0], size=(500, x.shape[1]))
    for rows in (x, odd):
        assert [ours.score(row) for row in rows.tolist()] == pytest.approx(model.predict_proba(rows)[:, 1], abs=1e-9)


def test_it_is_cheap_enough_for_every_case(fitted: FittedDisagreement) -> None:
    model = DisagreementModel.from_json(1, fitted.trees, fitted.mapping.to_json())
    features = judged(1)[0].features
    signals = compute_signals(features, LABELS)
    assert len(model.trees) == 100

    def one() -> float:
        started = time.thread_time()
        for _ in range(200):
            model.predict(features, signals)
        return (time.thread_time() - started) / 200

    assert min(one() for _ in range(10)) < 200e-6  # 28 µs on a machine with nothing else to do


def test_it_tells_apart_on_cases_it_has_not_seen_and_says_so_honestly(fitted: FittedDisagreement) -> None:
    metrics = fitted.metrics
    assert metrics["auc_low"] < metrics["auc"] < metrics["auc_high"]
    model = DisagreementModel.from_json(1, fitted.trees, fitted.mapping.to_json())
    fresh = judged(3_000, seed=9)
    predicted = [model.predict(c.features, compute_signals(c.features, LABELS)) for c in fresh]
    truth = [c.overruled for c in fresh]
    assert metrics["auc_low"] <= roc_auc_score(truth, predicted) <= metrics["auc_high"] + 0.02
    assert np.mean(predicted) == pytest.approx(np.mean(truth), abs=0.03)
    assert metrics["after"]["ece"] < 0.08


def test_the_weighted_auc_is_scikit_learns() -> None:
    rng = np.random.default_rng(3)
    scores, y, w = rng.integers(0, 40, 500) / 40, rng.random(500) < 0.3, rng.uniform(0.1, 20, 500)
    assert weighted_auc(scores, y, w) == pytest.approx(roc_auc_score(y, scores, sample_weight=w), abs=1e-12)


def test_noise_is_no_better_than_chance() -> None:
    found = fit_disagreement(judged(600, effect=0.0, noise=0.2), LABELS)
    assert isinstance(found, FittedDisagreement)
    assert found.metrics["auc_low"] < 0.5


def test_too_few_judgements_or_too_few_of_one_kind_fit_nothing() -> None:
    assert fit_disagreement([], LABELS) == NotEnough("0 judged predictions; 100 are needed.")
    agreeing = fit_disagreement(judged(300, effect=0.0, noise=0.01), LABELS)
    assert isinstance(agreeing, NotEnough)
    assert "20 of each are needed" in agreeing.reason


def test_cases_that_active_learning_chose_teach_but_are_not_measured_on() -> None:
    cases = judged(900)
    chosen = [JudgedCase(f"x{c.key}", c.features, True, 1.0, random=False) for c in judged(300, seed=4)]
    found = fit_disagreement([*cases, *chosen], LABELS)
    assert isinstance(found, FittedDisagreement)
    assert (found.n, found.metrics["n"]) == (1_200, 900)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"columns": [{"name": "luck"}], "base": 0.0, "trees": []},
        {"columns": [{"name": "amount"}], "base": 0.0, "trees": [[1, 0.5, True, 0.0, 1.0]]},
        {"columns": [{"name": "amount"}], "base": 0.0, "trees": [[0, 0.5, True, 0.0]]},
        {"columns": [{"name": "amount"}], "base": 0.0, "trees": ["one"]},
    ],
)
def test_a_stored_model_that_is_broken_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        DisagreementModel.from_json(1, broken, NO_CALIBRATION.to_json())


def test_nothing_predicted_cannot_be_overruled(fitted: FittedDisagreement) -> None:
    model = DisagreementModel.from_json(1, fitted.trees, fitted.mapping.to_json())
    assert model.predict(Features(), compute_signals(Features(), LABELS)) is None


def test_a_region_is_named_by_what_sets_it_apart_and_measured_on_other_cases() -> None:
    cases = judged(3_000)
    columns = columns_of([case.features for case in cases], LABELS)
    regions = find_regions_of_disagreement(
        [case.key for case in cases],
        matrix_of(cases, columns, LABELS),
        np.array([case.overruled for case in cases]),
        np.array([case.weight for case in cases]),
        columns,
    )

    worst = regions[0]
    assert "amount > 5,0" in worst.name or "amount > 4,9" in worst.name
    assert "segment region = EU" in worst.name or "segment region ≠ US" in worst.name
    assert "amount > 5,053 or not given" not in worst.name
    assert worst.low <= 0.58 <= worst.high
    assert worst.more
    assert not worst.less
    assert sum(region.n for region in regions) < 1_700  # one half


def test_too_few_cases_have_no_regions() -> None:
    x = np.zeros((20, 1))
    assert find_regions_of_disagreement(["a"] * 20, x, x[:, 0] > 0, x[:, 0] + 1, (Column("amount"),)) == []
