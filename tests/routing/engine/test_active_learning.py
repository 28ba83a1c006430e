"""Scores of single cases and the bounded queue (missions B12, B18)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.engine.active_learning import ActiveLearning, Admission, LearningWeights, admission, learning_score
from routing.engine.document import PolicyError, decode_document
from routing.engine.features import EnsembleVote, Features
from routing.engine.signals import compute_signals
from routing.words import document_in_words

LABELS = ("approve", "reject")
PRESET = ActiveLearning(weights=LearningWeights(region=0.0), uncertainty="least_confidence")


def score(features: Features, settings: ActiveLearning = PRESET, *, diversity: float | None = None, rarity: float = 0):
    signals = compute_signals(features, LABELS)
    return learning_score(features, signals, features.confidence, settings, diversity=diversity, rarity=rarity)


def test_the_preset_is_four_four_two() -> None:
    votes = (EnsembleVote("a", "reject"), EnsembleVote("b", "approve"), EnsembleVote("c", "reject"))
    features = Features(label="approve", confidence=0.4, ensemble=votes)
    # 0.4 x 0.6 uncertainty + 0.4 x 0.5 disagreement + 0.2 x 0.8 diversity
    assert score(features, diversity=0.8).value == pytest.approx(0.24 + 0.2 + 0.16)


def test_the_mean_of_the_known_measures_is_the_uncertainty() -> None:
    features = Features(label="approve", confidence=0.9, probabilities={"approve": 0.5, "reject": 0.5})
    settings = ActiveLearning(weights=LearningWeights(disagreement=0, diversity=0, region=0, uncertainty=0.9))
    found = score(features, settings)
    assert {f.factor: round(f.value, 9) for f in found.factors[:3]} == {
        "entropy": 1.0,
        "margin": 1.0,
        "least_confidence": 0.1,
    }
    assert found.value == pytest.approx(0.9 * (1 + 1 + 0.1) / 3)


@pytest.mark.parametrize("measure, expected", [("entropy", 1.0), ("margin", 1.0), ("least_confidence", 0.5)])
def test_one_measure_may_be_asked_for(measure: str, expected: float) -> None:
    features = Features(label="approve", confidence=0.5, probabilities={"approve": 0.5, "reject": 0.5})
    settings = ActiveLearning(
        weights=LearningWeights(uncertainty=1.0, disagreement=0, diversity=0), uncertainty=measure
    )  # type: ignore[arg-type]
    assert score(features, settings).value == pytest.approx(expected)


def test_a_measure_that_is_not_known_falls_back_to_the_confidence_and_no_prediction_is_fully_uncertain() -> None:
    entropy = ActiveLearning(weights=LearningWeights(uncertainty=1.0, disagreement=0), uncertainty="entropy")
    assert score(Features(label="approve", confidence=0.7), entropy).value == pytest.approx(0.3)
    assert score(Features(), entropy).value == 1.0


def test_a_region_with_few_reviews_gains() -> None:
    features = Features(label="approve", confidence=0.9)
    usual, rare = (score(features, ActiveLearning(), rarity=r).value for r in (0.0, 1.0))
    assert rare - usual == pytest.approx(0.1)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_score_is_a_share_and_its_factors_sum_to_it(confidence: float, diversity: float, rarity: float) -> None:
    features = Features(label="approve", confidence=confidence, interpretable_label="reject")
    found = score(features, ActiveLearning(), diversity=diversity, rarity=rarity)
    assert 0.0 <= found.value <= 1.0
    assert found.value == pytest.approx(min(1.0, sum(f.contribution for f in found.factors)))


@pytest.mark.parametrize(
    "value, waiting, lowest, expected",
    [
        (0.71, 99, None, Admission.ADMIT),
        (0.71, 150, None, Admission.ADMIT),
        (0.70, 100, None, Admission.REFUSE),
        (0.41, 99, None, Admission.ADMIT),
        (0.41, 100, None, Admission.REFUSE),
        (0.40, 0, None, Admission.REFUSE),
        (0.80, 200, 0.75, Admission.REPLACE),
        (0.80, 200, 0.80, Admission.REFUSE),
        (0.80, 200, None, Admission.REFUSE),
    ],
)
def test_the_preset_queue(value: float, waiting: int, lowest: float | None, expected: Admission) -> None:
    assert admission(value, PRESET, waiting=waiting, capacity=200, lowest=lowest) is expected


def test_the_section_is_optional_and_strict() -> None:
    assert decode_document({}).active_learning is None
    assert decode_document({"active_learning": {}}).active_learning == ActiveLearning()
    with pytest.raises(PolicyError):
        decode_document({"active_learning": {"weights": {"luck": 1}}})


def test_the_policy_page_says_what_is_learnt_from_and_which_model_is_asked() -> None:
    said = str(document_in_words({"active_learning": {"few": 50}, "disagreement": {"model": 3, "threshold": 0.4}}))
    assert "fewer than 50 wait" in said
    assert "Disagreement model 3" in said
    assert "more than 0.4 likely" in said
