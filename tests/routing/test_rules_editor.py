"""The rules editor: rules are added, moved, checked at the place of the error, tested and proposed."""

import re
from typing import Any

import pytest
from django.test import Client as Browser

from hitl.accounts.models import Membership
from routing.models import Policy, PolicyVersion, TaskType
from tests.factories import World, make_world, policy_document

PATH = "/policies/loan/rules"
BIG = {"name": "big", "when": "context.amount > 1000.0", "then": "review"}
NEW = {"name": "new user", "when": "context.is_new_user", "then": "escalate", "reason": "We know nothing of them."}


def form(*rules: dict[str, Any], risk: tuple[dict[str, Any], ...] = (), **extra: str) -> dict[str, str]:
    """What the page would send."""
    sent = dict(extra)
    for section, rows in (("rules", rules), ("risk_rules", risk)):
        for place, rule in enumerate(rows):
            for name, value in rule.items():
                if name != "tests":
                    sent[f"{section}-{place}-{name}"] = value
            for number, test in enumerate(rule.get("tests", ())):
                sent |= {f"{section}-{place}-tests-{number}-{name}": value for name, value in test.items()}
    return sent


def names(html: str) -> list[str]:
    return re.findall(r'name="rules-\d+-name" value="([^"]*)"', html)


@pytest.fixture
def alice(world: World) -> Browser:
    world.put_in_force(policy_document(rules=[BIG, NEW]))
    return world.browser("alice")


def test_the_rules_in_force_stand_in_order_with_what_they_may_say(alice: Browser, world: World) -> None:
    schema = {"properties": {"income": {"type": "number", "description": "A year"}}}
    TaskType.objects.filter(pk=world.task_type.pk).update(input_schema=schema)
    html = alice.get(PATH).content.decode()
    assert names(html) == ["big", "new user"]
    assert 'data-term="context.amount"' in html and 'data-term="input.income"' in html and "A year" in html
    assert 'data-term="&quot;approve&quot;"' in html and "Starting from version 2" in html


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("up:rules:1", ["new user", "big"]),
        ("down:rules:0", ["new user", "big"]),
        ("up:rules:0", ["big", "new user"]),
        ("delete:rules:0", ["new user"]),
        ("delete:rules:9", ["big", "new user"]),
        ("up:nonsense:0", ["big", "new user"]),
        ("", ["big", "new user"]),
    ],
)
def test_buttons_move_and_delete_without_storing_anything(alice: Browser, do: str, expected: list[str]) -> None:
    answer = alice.post(PATH, form(BIG, NEW, do=do))
    assert answer.status_code == 200 and names(answer.content.decode()) == expected
    assert PolicyVersion.objects.count() == 2


def test_adding_a_rule_gives_an_empty_one_that_is_not_yet_an_error(alice: Browser) -> None:
    html = alice.post(PATH, form(BIG, do="add:rules")).content.decode()
    assert 'name="rules-1-name"' in html and "autofocus" in html and "This field is required" not in html
    assert 'name="risk_rules-0-level"' in alice.post(PATH, form(do="add:risk_rules")).content.decode()


def test_proposing_stores_a_draft_with_everything_else_as_it_was(alice: Browser) -> None:
    test = {"name": "t", "case": '{"context": {"amount": 5000}}', "expect": "true"}
    risk = ({"name": "huge", "when": "context.amount > 100000.0", "level": "critical"},)
    sent = form(NEW, BIG | {"tests": [test], "tier": "expert"}, risk=risk, do="propose", note="order matters")
    answer = alice.post(PATH, sent | {"from": "2"})
    assert answer.status_code == 302 and answer["location"].endswith("/versions/3")
    stored = PolicyVersion.objects.get(number=3)
    assert [rule["name"] for rule in stored.document["rules"]] == ["new user", "big"]
    assert stored.document["rules"][1]["tests"][0]["case"] == {"context": {"amount": 5000}}
    assert stored.document["rules"][1]["tier"] == "expert" and stored.document["rules"][0]["tier"] is None
    assert stored.document["risk_rules"][0]["level"] == "critical"
    assert stored.document["thresholds"]["default"] == 0.9 and stored.note == "order matters"


WRONG = {
    "unknown field": ({"when": "context.amont > 1.0"}, "Line 1, column 9", "<mark>amont</mark>"),
    "second line": ({"when": "context.amount > 1.0 &&\n && true"}, "Line 2, column", "<mark>"),
    "no condition": ({"when": " "}, "required", ""),
    "no name": ({"name": ""}, "required", ""),
    "not json": ({"tests": [{"name": "t", "case": "{", "expect": "true"}]}, "not valid JSON", ""),
    "a list": ({"tests": [{"name": "t", "case": "[]", "expect": "true"}]}, "Give an object", ""),
    "nul": ({"tests": [{"name": "t", "case": '{"a": "\\u0000"}', "expect": "true"}]}, "NUL", ""),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("do", ["check", "propose"])
def test_errors_stand_at_their_place_and_what_was_typed_is_kept(alice: Browser, name: str, do: str) -> None:
    changes, said, marked = WRONG[name]
    answer = alice.post(PATH, form(NEW, BIG | changes, do=do, note="kept"))
    html = answer.content.decode()
    assert answer.status_code == 422 and said in html and marked in html, html
    assert "kept" in html and "new user" in html
    assert PolicyVersion.objects.count() == 2


def test_what_only_the_whole_document_shows_wrong_stands_beside_its_field(alice: Browser) -> None:
    html = alice.post(PATH, form(BIG, BIG, do="propose")).content.decode()
    assert "Two rules are called" in html.replace("&#x27;", "'")


def test_htmx_gets_refusals_with_200_because_it_swaps_nothing_else(alice: Browser) -> None:
    answer = alice.post(PATH, form(BIG | {"when": "1"}, do="check"), headers={"HX-Request": "true"})
    assert answer.status_code == 200 and b"true or false" in answer.content


def test_one_condition_is_checked_while_it_is_written(alice: Browser) -> None:
    def check(when: str) -> str:
        return alice.post(f"{PATH}/check?rule=rules-4", {"rules-4-when": when}).content.decode()

    assert "<mark>amont</mark>" in check("context.amont > 1.0") and "Did you mean context.amount?" in check(
        "context.amont > 1.0"
    )
    assert "Amount at stake" in check("context.amount > 1.0")
    assert "always answers the same" in check("true")
    assert "for example" in check("")


@pytest.mark.parametrize(("expect", "said"), [("true", "all 1 tests pass|the one test passes"), ("false", "fails")])
def test_tests_run_as_they_are_written(alice: Browser, expect: str, said: str) -> None:
    test = {"name": "t", "case": '{"context": {"amount": 5000}}', "expect": expect}
    html = alice.post(PATH, form(BIG | {"tests": [test]}, do="check")).content.decode()
    assert re.search(said, html) and "5000.0" in html


def test_a_case_is_kept_as_a_test(alice: Browser) -> None:
    kept = '{"section":"rules","place":0,"name":"case 7","case":{"context":{"amount":7.0}},"expect":false}'
    html = alice.post(PATH, form(BIG, keep=kept)).content.decode()
    assert 'value="case 7"' in html and "passes" in html
    for broken in ("{", '{"section":"x","place":0,"name":"","case":{},"expect":true}', kept.replace("0,", "9,")):
        assert alice.post(PATH, form(BIG, keep=broken)).status_code == 200


def test_an_expert_proposes_and_follows_the_proposal_and_others_are_kept_out(world: World) -> None:
    Membership.objects.filter(user=world.users["dave"]).update(role="expert")
    dave = world.browser("dave")
    answer = dave.post(PATH, form(BIG, do="propose", note="we lost money"), follow=True)
    assert answer.status_code == 200 and b"another supervisor must approve" in answer.content
    listed = dave.get("/policies").content.decode()
    assert "What you proposed" in listed and "waits for a supervisor" in listed
    world.browser("alice").post("/policies/loan/versions/2/reject", {"reason": "too broad"})
    assert "too broad" in dave.get("/policies").content.decode(), "the proposer sees what became of it, and why"
    stranger = make_world("other").browser("alice")
    for name, browser in {"bob": world.browser("bob"), "erin": world.browser("erin")}.items():
        assert browser.get(PATH).status_code == 403, name
        assert browser.post(PATH, form(do="propose")).status_code == 403, name
        assert browser.post(f"{PATH}/check").status_code == 403, name
    TaskType.objects.filter(workspace__slug="other").update(slug="theirs")

    Policy.objects.filter(workspace__slug="other").update(slug="theirs")
    assert stranger.get(PATH).status_code == 404 and stranger.post(f"{PATH}/check").status_code == 404


def test_the_page_costs_the_same_whatever_the_number_of_rules(world: World, django_assert_num_queries: object) -> None:
    world.put_in_force(policy_document(rules=[BIG | {"name": f"r{n}"} for n in range(40)]))
    browser = world.browser("alice")
    with django_assert_num_queries(7):  # type: ignore[operator]
        browser.get(PATH)
