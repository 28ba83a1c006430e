"""What holds for every case: a route always comes, and in doubt a person decides (invariants 4, 6, 7)."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.engine.features import EnsembleVote, Features, LatencyTolerance, SubjectHistory
from routing.engine.policy import Snapshot
from routing.engine.route import RiskLevel, Zone
from tests.routing.engine.cases import route, rule, snapshot

SHARES = st.floats(0, 1)
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
LABELS = st.sampled_from(["approve", "reject", "maybe", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
CASES = st.builds(
    Features,
    label=st.none() | LABELS,
    confidence=st.none() | SHARES,
    confidence_source=st.sampled_from(["probability", "self_assessment"]),
    model_version=st.sampled_from([None, "m-1", "m-2"]),
    probabilities=st.dictionaries(LABELS, SHARES),
    ensemble=st.lists(st.builds(EnsembleVote, st.text(), LABELS, st.none() | SHARES), max_size=3).map(tuple),
    interpretable_label=st.none() | LABELS,
    nearest_neighbor_distance=NUMBERS,
    stakes=st.none() | st.sampled_from(RiskLevel),
    amount=NUMBERS,
    risk_score=NUMBERS,
    complexity=NUMBERS,
    error_cost=NUMBERS,
    required_expertise=st.frozensets(st.sampled_from(["credit", "law", "x"])),
    latency_tolerance=st.none() | st.sampled_from(LatencyTolerance),
    virality=st.floats(allow_nan=False, allow_infinity=False),
    is_new_user=st.booleans(),
    affects_multiple_users=st.booleans(),
    has_appeal=st.booleans(),
    previous_error=st.booleans(),
    segments=st.dictionaries(st.sampled_from(["region", "age"]), st.text(), max_size=2),
    proposed_action_type=st.none() | st.just("pay"),
    proposed_action_reversible=st.none() | st.booleans(),
    predicted_disagreement=st.none() | SHARES,
    known_bad_similarity=st.none() | SHARES,
    history=st.none() | st.builds(SubjectHistory, wrong=st.integers(0, 9), last_decision=st.none() | LABELS),
    input=st.none() | st.dictionaries(st.sampled_from(["n", "items", "text"]), JSON),
)
OPEN = {"thresholds": {"default": 0.0}, "rollout": True}
ZONED = {
    "thresholds": {"default": 0.9},
    "zones": {"provisional": {"default": 0.2}},
    "sampling": {"reservoir": {"one_in": 3}},
    "signals": {"max_history_wrong": 4, "max_known_bad_similarity": 0.8, "max_predicted_disagreement": 0.9},
    "fail_safe": {"signal": {"then": "escalate"}, "calibration": {"then": "escalate"}, "rule": {"tier": "expert"}},
}
RULES = [
    rule("input.n > 3"),
    rule("history.wrong > 2.0 && signals.entropy < 0.5"),
    rule("context.amount > 5.0", "gate"),
    rule("input.items.all(i, i.a == 1)", "escalate"),
]
RISK_RULES = [{"name": "x", "when": 'context.segments.region == "EU" || context.amount > 1e6', "level": "critical"}]
STRICT = {"rules": RULES, "risk_rules": RISK_RULES, "signals": {"max_entropy": 0.5, "max_distance": 1}}
SNAPSHOTS = [
    snapshot(policy, fitted=fitted, risk=risk, reversible=reversible, stopped=stopped)
    for policy in (
        OPEN,
        STRICT,
        OPEN | STRICT,
        ZONED,
        STRICT | ZONED,
        {"thresholds": {"default": None}, "rollout": True},
    )
    for fitted in (True, False)
    for risk in RiskLevel
    for reversible in (True, False)
    for stopped in (True, False)
]
DRAWS = st.floats(0, 1, exclude_max=True)


@settings(max_examples=300)
@given(CASES, st.sampled_from(SNAPSHOTS), DRAWS, st.none() | st.text())
def test_every_case_gets_the_same_route_each_time(
    case: Features, taken: Snapshot, draw: float, stop_reason: str | None
) -> None:
    answer = route(case, taken, draw, stop_reason)
    assert repr(route(case, taken, draw, stop_reason)) == repr(answer)
    assert 0.0 < answer.selection_probability <= 1.0
    assert 0.0 < answer.action_propensity <= 1.0
    assert 0.0 <= answer.priority <= 1.0
    assert answer.tier
    assert answer.reason.endswith((".", ")")) or answer.rule is not None
    if not answer.action.automated and not answer.sampled:
        assert answer.selection_probability == 1.0
    msgspec.json.encode(answer)


@settings(max_examples=400)
@given(CASES, st.sampled_from(SNAPSHOTS), DRAWS, st.none() | st.just("incident"))
def test_the_machine_decides_only_where_nothing_is_in_doubt(
    case: Features, taken: Snapshot, draw: float, stop_reason: str | None
) -> None:
    answer = route(case, taken, draw, stop_reason)
    if answer.label is None and answer.zone not in (Zone.AUTO, Zone.AUTO_AUDIT):
        return
    task, provisional = taken.task, answer.action == "automate_and_review"
    assert not task.stopped and stop_reason is None
    assert case.label in task.labels and case.confidence is not None
    assert answer.risk is not RiskLevel.CRITICAL
    assert case.proposed_action_reversible is not False
    assert not any(
        step.outcome in ("failed", "missing", "violated") for step in answer.trace if step.step != "calibration"
    )
    assert taken.policy.threshold_for(answer.risk, case.label, case.model_version) is not None
    if provisional:
        assert answer.risk.rank <= RiskLevel.MEDIUM.rank and task.reversible and answer.selection_probability == 1.0
        assert answer.review_tier
    else:
        assert answer.calibration_version == 3
        assert answer.calibrated_confidence >= answer.threshold


def _not_a_number_free(value: object) -> bool:
    return value == value if not isinstance(value, dict | list) else json.loads(json.dumps(value)) == value


@given(CASES.filter(lambda case: _not_a_number_free(case.input)))
def test_stored_features_read_back_to_the_same_case(case: Features) -> None:
    assert Features.from_json(json.loads(json.dumps(case.to_json()))) == case


def test_stored_features_have_one_order() -> None:
    stored = Features(required_expertise=frozenset({"c", "a", "b"})).to_json()
    assert stored["required_expertise"] == ["a", "b", "c"]


def test_features_stored_by_a_later_version_can_still_be_read() -> None:
    assert Features.from_json({"label": "approve", "mood": 1}) == Features(label="approve")


@pytest.mark.parametrize(
    "wrong",
    [
        {"confidence": 1.1},
        {"confidence": float("nan")},
        {"probabilities": {"a": -0.1}},
        {"amount": float("inf")},
        {"ensemble": (EnsembleVote("a", "b", 2.0),)},
    ],
)
def test_impossible_numbers_are_refused_when_features_are_made(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must"):
        Features(**wrong)
