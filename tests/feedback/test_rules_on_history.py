"""A rule is tried on past cases: counted over many, shown case by case only where nothing is sealed."""

from typing import Any

import pytest

from hitl.accounts.models import Membership
from tests.api.support import claim, get, judge, post, problem
from tests.factories import World, make_world, policy_document

TRIALS = "policies/loan/rule-trials"
BIG = "context.amount > 1000.0"


def amounts(world: World, *values: float, **changes: Any) -> list[dict[str, Any]]:
    """One case per amount; the machine is sure, so most are decided."""
    return [world.submit(world.sure_case_body(context={"amount": value}, **changes)) for value in values]


def trial(world: World, name: str = "alice", **body: Any) -> dict[str, Any]:
    answer = post(world, name, TRIALS, {"when": BIG} | body)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_hits_are_counted_with_their_share_and_by_predicted_label(world: World) -> None:
    amounts(world, 5, 500, 5000, 50000)
    world.submit(world.case_body())
    hits = trial(world)["hits"]
    assert (hits["cases"], hits["hits"], hits["failed"], hits["share"]) == (5, 2, 1, 0.4)
    assert hits["by_label"] == [{"label": "approve", "cases": 5, "hits": 2}]


def test_examples_say_what_the_rule_read(world: World) -> None:
    (case,) = amounts(world, 5000)
    (example,) = trial(world)["examples"]
    assert example == {"case": case["id"], "holds": True, "error": None, "read": {"context.amount": 5000.0}}


def test_the_content_is_read_though_it_is_kept_apart(world: World) -> None:
    world.submit()
    assert trial(world, when="input.income > 50000")["hits"]["hits"] == 1


def test_a_risk_rule_sees_the_static_risk_and_others_the_raised_one(world: World) -> None:
    raised = [{"name": "all", "when": "true", "level": "high"}]
    world.put_in_force(policy_document(risk_rules=raised))
    world.submit()
    assert trial(world, when="case.risk == 'high'")["hits"]["hits"] == 1
    assert trial(world, when="case.risk == 'high'", raises_risk=True)["hits"]["hits"] == 0


def test_an_expert_sees_no_machine_answer_of_a_case_still_to_judge(world: World) -> None:
    Membership.objects.filter(user=world.users["dave"]).update(role="expert")
    world.submit()
    asked = trial(world, "dave", when="prediction.label == 'approve'")
    assert asked["hits"]["cases"] == 0 and asked["examples"] == []
    judge(world, "dave", claim(world, "dave", queue="loans"), "approve")
    asked = trial(world, "dave", when="prediction.label == 'approve'")
    assert asked["hits"]["hits"] == 1 and asked["examples"][0]["holds"] is True


def test_a_client_counts_its_own_cases_only(world: World) -> None:
    amounts(world, 5000)
    stranger = make_world("globex")
    assert post(stranger, "partner", TRIALS, {"when": BIG}).json()["hits"]["cases"] == 0
    assert trial(world, "partner")["hits"]["hits"] == 1


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"when": "context.amont > 1.0"}, "/when", "unknown_field"),
        ({"when": ""}, "/when", None),
        ({"when": "true", "cases": 10001}, "/cases", None),
        ({}, "/when", None),
    ],
)
def test_a_bad_rule_is_refused_at_its_place(world: World, body: dict[str, Any], pointer: str, code: str) -> None:
    found = problem(post(world, "alice", TRIALS, body), 400, "invalid_input")
    assert found["errors"][0]["pointer"] == pointer and code in (None, found["errors"][0]["code"])


def test_every_rule_of_a_version_is_counted_beside_what_it_really_decided(world: World) -> None:
    rules = [
        {"name": "huge", "when": "context.amount > 10000.0", "then": "escalate"},
        {"name": "big", "when": BIG, "then": "review"},
    ]
    world.put_in_force(policy_document(rules=rules, risk_rules=[{"name": "new", "when": "false", "level": "high"}]))
    amounts(world, 5, 5000, 50000)
    found = get(world, "alice", "policies/loan/versions/2/rule-hits").json()
    assert found["cases"] == 3 and [row["name"] for row in found["rules"]] == ["huge", "big", "new"]
    assert [(row["hits"]["hits"], row["decided"]) for row in found["rules"]] == [(1, 1), (2, 1), (0, None)]


def test_the_editor_tries_a_rule_and_offers_to_keep_a_case_as_a_test(world: World) -> None:
    amounts(world, 5000)
    browser = world.browser("alice")
    sent = {"rule": "rules-0", "rules-0-when": BIG}
    html = browser.post("/policies/loan/rules/try", sent, headers={"HX-Request": "true"}).content.decode()
    assert "True of 1 of the newest 1 cases (100.0%)" in html and "<html" not in html
    assert "&quot;amount&quot;:5000.0" in html and 'name="keep"' in html
    whole = browser.post("/policies/loan/rules/try", sent).content.decode()
    assert "<html" in whole and "True of 1" in whole and 'name="keep"' not in whole
    wrong = browser.post("/policies/loan/rules/try", {"rule": "rules-0", "rules-0-when": "nonsense"}).content.decode()
    assert "There is no" in wrong
    assert browser.post("/policies/loan/rules/try", {"rule": "'; drop"}).status_code == 200


def test_the_page_of_hits(world: World) -> None:
    world.put_in_force(policy_document(rules=[{"name": "big", "when": BIG, "then": "review"}]))
    amounts(world, 5, 5000)
    html = world.browser("erin").get("/policies/loan/rules/hits").content.decode()
    assert "50.0%" in html and "big" in html
    assert world.browser("bob").get("/policies/loan/rules/hits").status_code == 403
    assert world.browser("alice").get("/policies/loan/rules/hits?version=99").status_code == 404
    assert "There are no rules" in world.browser("alice").get("/policies/loan/rules/hits?version=1").content.decode()


def test_counting_costs_the_same_number_of_queries_whatever_the_history(
    world: World, django_assert_max_num_queries: object
) -> None:
    amounts(world, *range(12))
    api = world.api("alice")
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        api.post(f"/api/v1/{TRIALS}", {"when": "input.income > 1"}, content_type="application/json")
