"""Error rates by group reproduce ProPublica's figures, fairlearn and Newcombe's example."""

import random

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, false_negative_rate, false_positive_rate, selection_rate
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from feedback.stats.group_rates import GroupDecision, GroupRates, group_rates

# Larson, Mattu, Kirchner & Angwin 2016, "How We Analyzed the COMPAS Recidivism Algorithm": flagged and not among those
# who were not charged again within two years, then among those who were. Flagged: medium or high risk.
PROPUBLICA = {"black": ((805, 990), (1369, 532)), "white": ((349, 1139), (505, 461))}


def counted(counts: dict[str, tuple[tuple[int, int], tuple[int, int]]]) -> list[GroupDecision]:
    return [
        GroupDecision(group, flagged, actual)
        for group, table in counts.items()
        for actual, row in zip((False, True), table, strict=True)
        for flagged, times in zip((True, False), row, strict=True)
        for _ in range(times)
    ]


def test_propublicas_figures_for_compas_are_reproduced() -> None:
    black, white = group_rates(counted(PROPUBLICA)).groups
    shares = [rate.share for group in (black, white) for rate in (group.false_positive, group.false_negative)]
    assert [round(100 * (share or 0), 2) for share in shares] == [44.85, 27.99, 23.45, 47.72]
    assert (black.n, white.n) == (3_696, 2_454)


def test_the_difference_between_groups_has_newcombes_interval() -> None:
    report = group_rates(counted(PROPUBLICA), reference="white")
    assert (report.reference, [one.group for one in report.differences]) == ("white", ["black"])
    found = report.differences[0].false_positive
    low, high = confint_proportions_2indep(805, 1_795, 349, 1_488, method="newcomb", compare="diff", correction=False)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
    assert found.value == pytest.approx(0.2139, abs=5e-5)


def test_newcombes_published_example_is_reproduced() -> None:
    """Statistics in Medicine 17:873, table II, contrast (a): 56/70 less 48/80, method 10."""
    decisions = counted({"one": ((56, 14), (0, 0)), "two": ((48, 32), (0, 0))})
    found = group_rates(decisions, reference="two").differences[0].selection
    assert found.value is not None
    assert (round(found.value, 4), round(found.low, 4), round(found.high, 4)) == (0.2, 0.0524, 0.3339)


def mixed(seed: int, *, weighted: bool) -> list[GroupDecision]:
    rng = random.Random(seed)
    return [
        GroupDecision(rng.choice("abc"), rng.random() < 0.4, rng.random() < 0.5, rng.uniform(1, 9) if weighted else 1.0)
        for _ in range(2_000)
    ]


@pytest.mark.parametrize("weighted", [False, True])
def test_rates_agree_with_fairlearn(weighted: bool) -> None:
    decisions = mixed(1, weighted=weighted)
    weights = [one.weight for one in decisions]
    names = {"selection": selection_rate, "false_positive": false_positive_rate, "false_negative": false_negative_rate}
    frame = MetricFrame(
        metrics=names,
        y_true=np.array([one.actual for one in decisions], dtype=int),
        y_pred=np.array([one.flagged for one in decisions], dtype=int),
        sensitive_features=[one.group for one in decisions],
        sample_params={name: {"sample_weight": weights} for name in names},
    )
    for group in group_rates(decisions).groups:
        for name in names:
            assert getattr(group, name).share == pytest.approx(frame.by_group.loc[group.group, name], abs=1e-12)


def test_intervals_of_rates_agree_with_statsmodels() -> None:
    for group in group_rates(mixed(2, weighted=False)).groups:
        for rate in (group.selection, group.false_positive, group.false_negative):
            assert rate.share is not None
            expected = proportion_confint(round(rate.share * rate.n), rate.n, method="wilson")
            assert rate.interval == pytest.approx(expected, abs=1e-9)


def test_the_largest_group_is_the_reference_unless_another_is_named() -> None:
    decisions = counted({"a": ((1, 1), (1, 1)), "b": ((2, 2), (2, 2)), "c": ((2, 2), (2, 2))})
    assert group_rates(decisions).reference == "b"
    assert [one.group for one in group_rates(decisions, reference="a").differences] == ["b", "c"]


def test_what_is_not_known_yet_counts_for_selection_only() -> None:
    (group,) = group_rates([GroupDecision("a", True, None), GroupDecision("a", False, None)]).groups
    assert (group.n, group.selection.share) == (2, 0.5)
    assert (group.false_positive.share, group.false_negative.share) == (None, None)
    assert group.false_positive.interval == (0.0, 1.0)


def test_a_group_without_negatives_has_no_difference_in_false_positives() -> None:
    report = group_rates(counted({"a": ((0, 0), (5, 5)), "b": ((5, 5), (10, 5))}))
    found = report.differences[0].false_positive
    assert (found.value, found.low, found.high) == (None, -1.0, 1.0)
    assert report.differences[0].false_negative.value == pytest.approx(0.5 - 5 / 15)


def test_no_decisions_give_no_groups() -> None:
    report = group_rates([])
    assert (report.groups, report.reference, report.differences) == ((), None, ())


def test_weights_undo_selection() -> None:
    """Flagged cases were all reviewed, others one in ten; weighting those by ten restores the rates of all cases."""
    rng = random.Random(3)
    everyone = [GroupDecision("a", rng.random() < 0.3, rng.random() < 0.2) for _ in range(60_000)]
    seen = [one if one.flagged else one._replace(weight=10.0) for one in everyone if one.flagged or rng.random() < 0.1]
    (whole,), (part,) = group_rates(everyone).groups, group_rates(seen).groups
    for name in ("selection", "false_positive", "false_negative"):
        assert share(part, name) == pytest.approx(share(whole, name), abs=0.02)
    assert part.false_positive.n < sum(one.actual is False for one in seen)


def share(rates: GroupRates, name: str) -> float:
    found: float | None = getattr(rates, name).share
    assert found is not None
    return found


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan")])
def test_weights_that_mean_nothing_are_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        group_rates([GroupDecision("a", True, True, weight)])


def test_an_unknown_reference_is_named() -> None:
    with pytest.raises(ValueError, match="'x' has no decisions; there are a"):
        group_rates([GroupDecision("a", True, True)], reference="x")
