"""ProPublica's figures on the file they published; `make test-data` fetches it."""

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, false_negative_rate, false_positive_rate

from bench.datasets import COMPAS, records
from feedback.stats.group_rates import GroupDecision, group_rates

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def decisions() -> list[GroupDecision]:
    """Flagged: medium or high risk. Actual: charged again within two years."""
    if reason := COMPAS.absent():
        pytest.skip(reason)
    return [
        GroupDecision(row["race"], row["score_text"] != "Low", row["two_year_recid"] == "1") for row in records(COMPAS)
    ]


def test_false_positive_rates_are_those_propublica_published(decisions: list[GroupDecision]) -> None:
    groups = {rates.group: rates for rates in group_rates(decisions).groups}
    for name, share in (("African-American", 44.9), ("Caucasian", 23.5)):
        found = groups[name].false_positive
        assert found.share is not None and 100 * found.share == pytest.approx(share, abs=0.06)
        assert found.interval.low < found.share < found.interval.high


def test_the_groups_differ_beyond_chance(decisions: list[GroupDecision]) -> None:
    report = group_rates(decisions, reference="Caucasian")
    found = {one.group: one for one in report.differences}["African-American"]
    assert found.false_positive.low > 0.15 and found.false_negative.high < -0.15


def test_every_group_agrees_with_fairlearn(decisions: list[GroupDecision]) -> None:
    frame = MetricFrame(
        metrics={"false_positive": false_positive_rate, "false_negative": false_negative_rate},
        y_true=np.array([one.actual for one in decisions], dtype=int),
        y_pred=np.array([one.flagged for one in decisions], dtype=int),
        sensitive_features=[one.group for one in decisions],
    )
    for rates in group_rates(decisions).groups:
        assert rates.false_positive.share == pytest.approx(frame.by_group.loc[rates.group, "false_positive"])
        assert rates.false_negative.share == pytest.approx(frame.by_group.loc[rates.group, "false_negative"])
