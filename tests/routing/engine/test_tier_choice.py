"""The lowest tier that can handle a case gets it (mission B8)."""

from typing import Any

import pytest

from routing.engine.route import Action
from routing.engine.specs import TierSpec
from routing.engine.tiers import choose_tier
from tests.routing.engine.cases import TIERS, features, route, rule, snapshot


@pytest.mark.parametrize(
    "case, action, expected, outcome",
    [
        ({}, Action.REVIEW, "tier-1", "lowest_able"),
        ({"complexity": 0.6}, Action.REVIEW, "tier-1", "lowest_able"),
        ({"complexity": 0.61}, Action.REVIEW, "tier-2", "lowest_able"),
        ({"required_expertise": frozenset({"credit"})}, Action.REVIEW, "tier-2", "lowest_able"),
        ({"required_expertise": frozenset({"law"})}, Action.REVIEW, "expert", "lowest_able"),
        ({"complexity": 0.7, "error_cost": 2_000_000.0}, Action.REVIEW, "expert", "lowest_able"),
        ({"required_expertise": frozenset({"medicine"})}, Action.REVIEW, "expert", "none_able_so_top"),
        ({}, Action.ESCALATE, "tier-2", "lowest_able"),
        ({}, Action.GATE, "tier-2", "lowest_able"),
        ({"complexity": 0.9}, Action.GATE, "expert", "lowest_able"),
    ],
)
def test_tiers(case: dict[str, Any], action: Action, expected: str, outcome: str) -> None:
    choice = choose_tier(TIERS, features(**case), action, None)
    assert (choice.slug, choice.step.outcome) == (expected, outcome)


def test_the_order_in_which_tiers_are_given_does_not_matter() -> None:
    assert choose_tier(TIERS[::-1], features(), Action.REVIEW, None).slug == "tier-1"


def test_with_a_single_tier_it_gets_escalations_too() -> None:
    assert choose_tier(TIERS[:2], features(), Action.ESCALATE, None).slug == "tier-1"


def test_without_a_tier_of_people_the_trace_says_so() -> None:
    choice = choose_tier((TierSpec(slug="machine", rank=0, automated=True),), features(), Action.REVIEW, None)
    assert (choice.slug, choice.step.outcome) == ("", "no_tier_of_people")


@pytest.mark.parametrize("named, expected", [("expert", "expert"), ("nobody", "tier-1"), ("machine", "tier-1")])
def test_a_rule_may_name_a_tier_of_people_that_exists(named: str, expected: str) -> None:
    answer = route(features(), snapshot({"rules": [rule("true", tier=named)]}))
    assert answer.tier == expected


def test_without_a_declared_machine_tier_automation_is_called_automated() -> None:
    assert route(features(), snapshot(tiers=TIERS[1:])).tier == "automated"
