"""One training label per case, with a weight every factor of which can be read."""

from datetime import UTC, datetime, timedelta
from math import prod

import pytest

from feedback.stats.labels import (
    Circumstances,
    Evidence,
    Judgement,
    LabelSource,
    Outcome,
    Ruling,
    TrainingLabel,
    WeightRules,
    training_label,
)

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
PLAIN = Circumstances()


def people(*labels: str) -> list[Judgement]:
    return [Judgement(label) for label in labels]


def factor(label: TrainingLabel, name: str) -> float:
    return next(factor.value for factor in label.factors if factor.name == name)


@pytest.mark.parametrize(
    "evidence, label, weight, source, agreement",
    [
        (Evidence(model_label="a"), "a", 0.3, LabelSource.MODEL, None),
        (Evidence(people("a")), "a", 1.0, LabelSource.REVIEWERS, 1.0),
        (Evidence(people("a", "a")), "a", 1.5, LabelSource.REVIEWERS, 1.0),
        (Evidence(people("a", "b", "a")), "a", 0.8 * 2 / 3, LabelSource.REVIEWERS, 2 / 3),
        (Evidence(people("a", "b", "a", "c")), "a", 0.4, LabelSource.REVIEWERS, 0.5),
        (Evidence(people("a", "a"), [Ruling("b", MONDAY)]), "b", 1.5, LabelSource.RULING, 1.0),
        (Evidence((), [Ruling("b", TUESDAY), Ruling("c", MONDAY)]), "b", 1.5, LabelSource.RULING, None),
        (Evidence(people("a"), [Ruling("b", TUESDAY)], [Outcome("c", MONDAY)]), "c", 2.0, LabelSource.OUTCOME, 1.0),
        (Evidence((), (), [Outcome("c", TUESDAY), Outcome("d", MONDAY, 9)]), "c", 2.0, LabelSource.OUTCOME, None),
        (Evidence((), (), [Outcome("c", MONDAY, 1), Outcome("d", MONDAY, 2)]), "d", 2.0, LabelSource.OUTCOME, None),
    ],
)
def test_the_most_trusted_source_decides(
    evidence: Evidence, label: str, weight: float, source: LabelSource, agreement: float | None
) -> None:
    result = training_label(evidence, PLAIN)
    assert (result.label, result.source, result.ambiguous) == (label, source, False)
    assert result.weight == pytest.approx(weight)
    assert result.agreement == (None if agreement is None else pytest.approx(agreement))


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "a", "b"), ("a", "b", "c")])
def test_tied_people_are_exported_as_ambiguous_with_no_weight(labels: tuple[str, ...]) -> None:
    result = training_label(Evidence(people(*labels), model_label="a"), PLAIN)
    assert (result.label, result.weight, result.ambiguous, result.source) == (None, 0.0, True, LabelSource.REVIEWERS)


def test_a_ruling_settles_a_tie() -> None:
    result = training_label(Evidence(people("a", "b"), [Ruling("b", MONDAY)]), PLAIN)
    assert (result.label, result.weight, result.ambiguous) == ("b", 1.5, False)


def test_a_case_nobody_knows_anything_of_has_no_label() -> None:
    result = training_label(Evidence(), PLAIN)
    assert (result.label, result.weight, result.source, result.ambiguous) == (None, 0.0, None, False)


@pytest.mark.parametrize("confidence, weight", [(None, 2.0), (0.9, 2.0), (0.91, 3.0)])
def test_overruling_the_model_counts_double_and_more_if_it_was_sure(confidence: float | None, weight: float) -> None:
    result = training_label(Evidence(people("b"), model_label="a", model_confidence=confidence), PLAIN)
    assert result.weight == pytest.approx(weight)


def test_every_factor_is_returned_and_their_product_is_the_weight() -> None:
    evidence = Evidence([Judgement("b", 1.2), Judgement("b", 0.8), Judgement("b", 1.6)], (), (), "a", 0.95)
    result = training_label(evidence, Circumstances(True, 0.25, 0.5, 360.0))
    assert {item.name: item.value for item in result.factors} == pytest.approx(
        {
            "source": 1.5, "agreement": 1.0, "override": 2.0, "confident_override": 1.5, "high_stakes": 1.3,
            "selection": 4.0, "observation": 1.0, "skill": 1.2, "age": 0.25,
        }
    )  # fmt: skip
    assert result.weight == pytest.approx(prod(item.value for item in result.factors))


def test_an_outcome_is_weighted_by_how_likely_it_was_to_be_observed() -> None:
    evidence = Evidence(people("a"), (), [Outcome("a", MONDAY)], "a", 0.99)
    result = training_label(evidence, Circumstances(selection_probability=0.1, observation_probability=0.5))
    assert (factor(result, "observation"), factor(result, "selection"), result.weight) == (2.0, 1.0, 4.0)


def test_the_numbers_are_configurable() -> None:
    rules = WeightRules(single=0.7, override=5.0, half_life_days=None)
    result = training_label(Evidence(people("b"), model_label="a"), Circumstances(age_days=10_000), rules)
    assert result.weight == pytest.approx(3.5)


@pytest.mark.parametrize(
    "circumstances",
    [
        Circumstances(selection_probability=0.0),
        Circumstances(observation_probability=1.1),
        Circumstances(age_days=-1),
        Circumstances(age_days=float("nan")),
    ],
)
def test_impossible_circumstances_are_refused(circumstances: Circumstances) -> None:
    with pytest.raises(ValueError):
        training_label(Evidence(people("a")), circumstances)
