"""Agreement by queue, label and pair: the parts are those of published tables, and panels of any size fit."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa

from feedback.stats.agreement_parts import (
    Unit,
    by_label,
    by_pair,
    by_queue,
    coincidences,
    most_disputed,
    whole_agreement,
)
from tests.feedback.stats.test_agreement import FLEISS_1971


def fleiss_units() -> list[Unit]:
    """Fleiss 1971: 30 patients, six raters each, five diagnoses; who rated whom is not known."""
    counts = np.array(FLEISS_1971.split(), dtype=int).reshape(-1, 5)
    names = ("depression", "personality", "schizophrenia", "neurosis", "other")
    units = []
    for number, row in enumerate(counts):
        labels = [name for name, times in zip(names, row, strict=True) for _ in range(times)]
        units.append(Unit(str(number), "ward", {f"p{place}": label for place, label in enumerate(labels)}))
    return units


def test_fleiss_own_figures_whole_and_per_diagnosis() -> None:
    """0.430 over all; per category 0.245, 0.245, 0.520, 0.471, 0.566 (Fleiss 1971, table 1 and p. 381)."""
    units = fleiss_units()
    whole = {c.name: c for c in whole_agreement(units).coefficients}
    assert whole["fleiss"].value == pytest.approx(0.430, abs=5e-4)
    assert whole["cohen"].value is None and "two raters" in (whole["cohen"].reason or "")
    parts = {group.name: group.coefficients[0].value for group in by_label(units)}
    expected = {"depression": 0.245, "personality": 0.245, "schizophrenia": 0.520, "neurosis": 0.471, "other": 0.566}
    assert parts == {name: pytest.approx(value, abs=5e-4) for name, value in expected.items()}


def test_a_label_against_all_others_agrees_with_statsmodels() -> None:
    counts = np.array(FLEISS_1971.split(), dtype=int).reshape(-1, 5)
    for place, name in enumerate(("depression", "personality")):
        table = np.column_stack([counts[:, place], 6 - counts[:, place]])
        found = next(group for group in by_label(fleiss_units()) if group.name == name)
        assert found.coefficients[0].value == pytest.approx(fleiss_kappa(table))


def test_pairs_are_compared_over_what_both_judged() -> None:
    said = [("a", "a"), ("a", "b"), ("b", "b"), ("b", "b"), ("a", "a"), ("b", "a")]
    units = [Unit(str(n), "q", {"bob": one, "carol": other}) for n, (one, other) in enumerate(said)]
    units.append(Unit("x", "q", {"bob": "a", "dave": "b"}))
    ((pair, group), (other, _)) = by_pair(units)
    assert (pair, other) == (("bob", "carol"), ("bob", "dave"))
    assert (group.alike.k, group.alike.n) == (4, 6)
    assert group.coefficients[0].value == pytest.approx(cohen_kappa_score(*zip(*said, strict=True)))


def test_two_people_have_cohens_kappa_and_numbers_have_its_weighted_form() -> None:
    units = [Unit(str(n), "q", {"bob": str(n % 4), "carol": str((n + (n % 5 == 0)) % 4)}) for n in range(40)]
    found = {c.name: c for c in whole_agreement(units).coefficients}
    one, other = ([int(unit.said[who]) for unit in units] for who in ("bob", "carol"))
    assert found["cohen"].value == pytest.approx(cohen_kappa_score(one, other))
    assert found["weighted_cohen"].value == pytest.approx(cohen_kappa_score(one, other, weights="quadratic"))


def test_each_case_counts_once_among_coincidences_whatever_its_panel() -> None:
    units = [Unit("1", "q", {"a": "x", "b": "y"}), Unit("2", "q", {"a": "x", "b": "x", "c": "y"})]
    found = coincidences(units)
    assert found.labels == ("x", "y")
    assert found.cells == ((1.0, 2.0), (2.0, 0.0))
    assert sum(map(sum, found.cells)) == 2 + 3, "as many coincidences as judgements (Krippendorff)"


def test_the_most_different_come_first_and_nothing_is_invented_without_cases() -> None:
    units = [
        Unit("even", "q", {"a": "x", "b": "y"}),
        Unit("all", "q", {"a": "x", "b": "x"}),
        Unit("most", "r", {"a": "x", "b": "y", "c": "x"}),
    ]
    assert [unit.case for unit in most_disputed(units)] == ["even", "most"]
    assert [(group.name, group.alike.k, group.alike.n) for group in by_queue(units)] == [("q", 1, 2), ("r", 0, 1)]
    assert all(c.value is None and c.reason for c in whole_agreement([]).coefficients)
    assert (by_label([]), by_pair([]), coincidences([]).cells) == ([], [], ())
