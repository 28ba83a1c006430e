"""The pattern advisor as a table: which answers lead where, and what is unlocked when."""

from typing import Any

import pytest

from routing.engine.advisor import Answers, Pattern, advise, merged
from routing.engine.document import decode_document
from routing.engine.evaluate import evaluate
from routing.engine.route import Action, RiskLevel
from tests.routing.engine.cases import features, snapshot

G, R, C, A, H, F = Pattern


def answers(**changes: Any) -> Answers:
    few: dict[str, Any] = {
        "irreversible": False,
        "per_day": 200,
        "error_cost": 10.0,
        "reviewable_share": 0.5,
        "labels": 0,
        "risk": RiskLevel.LOW,
    }
    return Answers(**few | changes)


@pytest.mark.parametrize(
    ("changes", "patterns"),
    [
        ({}, (H, F)),
        ({"irreversible": True}, (G, H, F)),
        ({"per_day": 1_001}, (R, F)),
        ({"per_day": 1_000}, (H, F)),
        ({"error_cost": 100.5}, (C, F)),
        ({"error_cost": 100.0}, (H, F)),
        ({"reviewable_share": 0.2}, (A, F)),
        ({"reviewable_share": 0.3}, (A, F)),
        ({"reviewable_share": 0.31}, (H, F)),
        ({"reviewable_share": 0.19}, (H, F)),
        ({"per_day": 5_000, "error_cost": 500.0}, (R, C, F)),
        ({"irreversible": True, "per_day": 5_000, "error_cost": 500.0, "reviewable_share": 0.25}, (G, R, C, A, F)),
    ],
)
def test_the_questions_are_asked_in_the_order_of_the_mission(
    changes: dict[str, Any], patterns: tuple[Pattern, ...]
) -> None:
    advice = advise(answers(**changes))
    assert tuple(choice.pattern for choice in advice.choices) == patterns
    assert all(len(choice.reason) > 30 for choice in advice.choices)


EVERY = [
    answers(irreversible=i, per_day=d, error_cost=c, reviewable_share=s, risk=risk)
    for i in (False, True)
    for d in (0, 50_000)
    for c in (0.0, 1e6)
    for s in (0.0, 0.25, 1.0)
    for risk in RiskLevel
]


@pytest.mark.parametrize("asked", EVERY)
def test_every_draft_and_every_step_is_a_valid_document_that_starts_with_everything_reviewed(asked: Answers) -> None:
    advice = advise(asked)
    document = advice.document
    decoded = decode_document(document)
    assert decoded.rollout and decoded.sampling.audit_rate == decoded.sampling.exploration_rate == 1.0
    for step in advice.steps:
        document = merged(document, step.changes)
        decode_document(document)
    assert not decode_document(document).rollout


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("asked", EVERY)
def test_at_the_start_every_case_is_seen_by_a_person_whatever_the_confidence(asked: Answers, fitted: bool) -> None:
    taken = snapshot(dict(advise(asked).document), fitted=fitted, risk=asked.risk)
    for draw in (0.0, 0.5, 0.999):
        route = evaluate(features(confidence=1.0, proposed_action_reversible=True), taken, draw=draw)
        assert route.selection_probability == 1.0
        assert route.action not in (Action.AUTOMATE,)


def test_what_cannot_be_taken_back_is_gated_and_what_can_is_not() -> None:
    taken = snapshot(dict(advise(answers(irreversible=True)).document))
    gated = evaluate(features(proposed_action_type="pay"), taken, draw=0.5)
    free = evaluate(features(proposed_action_type="flag", proposed_action_reversible=True), taken, draw=0.5)
    assert gated.action is Action.GATE and free.action is not Action.GATE


@pytest.mark.parametrize(
    ("labels", "days", "opened"),
    [
        (0, 0, [True, False, False, False]),
        (499, 100, [True, False, False, False]),
        (500, 0, [True, True, False, False]),
        (500, 29.9, [True, True, False, False]),
        (500, 30, [True, True, True, False]),
        (2000, 60, [True, True, True, True]),
    ],
)
def test_figures_unlock_steps(labels: int, days: float, opened: list[bool]) -> None:
    assert [step.opens(labels, days) for step in advise(answers()).steps] == opened


@pytest.mark.parametrize("wrong", [{"per_day": -1}, {"error_cost": -0.1}, {"reviewable_share": 1.1}, {"labels": -1}])
def test_impossible_answers_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="negative"):
        answers(**wrong)


def test_changes_merge_into_what_people_made_of_the_document_meanwhile() -> None:
    before = {"sampling": {"audit_rate": 1.0, "exploration_rate": 0.5}, "rules": [1], "rollout": True}
    after = merged(before, {"sampling": {"audit_rate": 0.2}, "rollout": False})
    assert after == {"sampling": {"audit_rate": 0.2, "exploration_rate": 0.5}, "rules": [1], "rollout": False}
