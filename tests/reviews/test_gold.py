"""Gold cases: a known answer served among real work, without a trace before the judgement and without effects."""

import re
from typing import Any

import pytest

from audit.models import Event, OutboxMessage
from feedback.actions.labels import rebuild_labels
from feedback.models import TrainingLabel
from hitl.core.errors import Conflict, Forbidden, NotFound, Refused
from reviews.actions.gold import Answer, GoldContent, create_gold, gold_from_case, retire_gold
from reviews.actions.gold_copies import seed_gold, seeding_probability
from reviews.actions.sla import expire_slas
from reviews.models import Case, Decision, GoldCase, GoldCopy, Judgement, Queue, ReviewTask
from tests.api.support import claim, get, judge, overdue, post, problem, verb
from tests.api.test_sealing import masked
from tests.factories import World, make_world

ANSWER = Answer("reject", "The income does not cover the rate.", machine_wrong=True)


def decided(world: World, name: str = "src-1") -> dict[str, Any]:
    """A case that Dave decided."""
    case = world.submit(world.case_body(external_id=name))
    judge(world, "dave", claim(world, "dave"), "reject")
    return case


def make_gold(world: World, number: int = 0) -> GoldCase:
    """Not from a case: like an import."""
    body = world.case_body()
    content = GoldContent({"income": 900 + number, "purpose": "boat"}, body["prediction"])
    return create_gold(actor=world.actor("alice"), task_type=world.task_type, content=content, answer=ANSWER)


@pytest.fixture
def seeded(world: World) -> World:
    """Every real review draws a copy; one gold case, and one real case that waits."""
    Queue.objects.filter(pk=world.queue.pk).update(gold_rate=1.0, reveal_share=1.0)
    make_gold(world)
    world.submit(world.case_body(external_id="app-1041"))
    assert seed_gold() == 1
    return world


def pair(world: World, name: str = "bob") -> tuple[dict[str, Any], dict[str, Any]]:
    """Two claims of this person: the gold copy and the real case."""
    leases = [claim(world, name), claim(world, name)]
    gold = {str(key) for key in GoldCopy.objects.values_list("pk", flat=True)}
    leases.sort(key=lambda lease: lease["case"]["id"] not in gold)
    assert leases[0]["case"]["id"] in gold and leases[1]["case"]["id"] not in gold
    return leases[0], leases[1]


def look(world: World, lease: dict[str, Any], name: str = "bob") -> dict[str, Any]:
    """Status, headers and masked body from every address of a held case."""
    key, case, api, browser = lease["id"], lease["case"], world.api(name), world.browser(name)
    asked = {
        "claim": api.get(f"/api/v1/claims/{key}"),
        "case": api.get(f"/api/v1/cases/{case['id']}"),
        "trace": api.get(f"/api/v1/cases/{case['id']}/trace"),
        "by number": api.get(f"/api/v1/cases?external_id={case['external_id']}"),
        "page": browser.get(f"/cases/{case['id']}"),
        "trace page": browser.get(f"/cases/{case['id']}/trace"),
        "search": browser.get(f"/cases?q={case['external_id']}"),
    }
    return {what: shape(response) for what, response in asked.items()}


def shape(response: Any) -> tuple[Any, ...]:
    status, text = masked(response)
    text = re.sub(r"app-\d{4}", "NUMBER", text)
    text = re.sub(r"boat|car|9\d\d|51000|Loan \S+", "CONTENT", text)
    text = re.sub(r'csrfmiddlewaretoken" value="\w+"', "CSRF", text)
    return status, sorted(h for h in response.headers if h != "Content-Length"), text


def test_a_gold_copy_and_a_real_case_give_the_same_answers_until_judged(seeded: World) -> None:
    gold, real = pair(seeded)
    assert gold.keys() == real.keys() and gold["case"].keys() == real["case"].keys()
    assert re.fullmatch(r"app-\d{4}", gold["case"]["external_id"])
    assert gold["case"]["id"][:8] == real["case"]["id"][:8], "it seems to have come at the same time"
    first, second = look(seeded, gold), look(seeded, real)
    assert first.keys() == second.keys()
    for what in first:
        assert first[what] == second[what], what
    for lease in (gold, real):
        assert verb(seeded, "bob", lease, "first-judgement", label="reject").status_code == 200
    said = [get(seeded, "bob", f"claims/{lease['id']}").json()["claim"]["case"] for lease in (gold, real)]
    assert said[0].keys() == said[1].keys()
    assert (said[0].get("routing") or {}).keys() == (said[1].get("routing") or {}).keys()
    answers = [verb(seeded, "bob", lease, "judgement", label="reject") for lease in (gold, real)]
    assert [a.status_code for a in answers] == [200, 200]
    assert answers[0].json().keys() == answers[1].json().keys()
    assert answers[0].json()["decision"].keys() == answers[1].json()["decision"].keys()
    assert sorted(answers[0].headers) == sorted(answers[1].headers)


def test_in_an_open_queue_too_nothing_tells_it_from_a_real_case(seeded: World) -> None:
    Queue.objects.filter(pk=seeded.queue.pk).update(judge_first=False)
    gold, real = pair(seeded)
    first, second = look(seeded, gold), look(seeded, real)
    for what in ("claim", "case", "page", "by number", "search"):
        assert first[what][:2] == second[what][:2], what
    assert gold["case"].keys() == real["case"].keys()
    assert gold["case"]["routing"].keys() == real["case"]["routing"].keys()
    traces = [get(seeded, "bob", f"cases/{lease['case']['id']}/trace").json() for lease in (gold, real)]
    assert traces[0].keys() == traces[1].keys()
    assert [e["action"] for e in traces[0]["events"]] == [e["action"] for e in traces[1]["events"]]
    assert len(traces[0]["routings"]) == len(traces[1]["routings"]) == 1


def test_it_has_no_effects(seeded: World) -> None:
    messages, decisions = OutboxMessage.objects.count(), Decision.objects.count()
    gold, _ = pair(seeded)
    judge(seeded, "bob", gold, "approve")
    assert (OutboxMessage.objects.count(), Decision.objects.count()) == (messages, decisions)
    rebuild_labels(everything=True)
    assert not TrainingLabel.objects.filter(case_id=gold["case"]["id"]).exists()
    assert Judgement.objects.filter(review__kind="gold", stage="final", label="approve").exists()
    listed = get(seeded, "partner", "cases").json()["results"] + get(seeded, "erin", "cases").json()["results"]
    assert gold["case"]["id"] not in {c["id"] for c in listed}
    problem(get(seeded, "alice", f"cases/{gold['case']['id']}"), 404, "not_found")


def test_an_overdue_copy_alarms_nobody(seeded: World) -> None:
    copy = GoldCopy.objects.get()
    overdue({"id": copy.pk})
    messages = OutboxMessage.objects.count()
    expire_slas()
    assert OutboxMessage.objects.count() == messages


def test_the_draw_is_reproducible_its_propensity_stored_and_sweeping_again_changes_nothing(seeded: World) -> None:
    copy = GoldCopy.objects.get()
    assert (copy.propensity, copy.choices) == (1.0, 1)
    assert seed_gold() == 0
    event = Event.objects.get(action="gold.served")
    assert event.case_id is None and event.after["propensity"] == 1.0
    assert seeding_probability(0.05) == pytest.approx(0.05 / 0.95)


def test_nobody_gets_a_gold_case_twice(seeded: World) -> None:
    gold, real = pair(seeded)
    judge(seeded, "bob", gold, "reject")
    judge(seeded, "bob", real, "reject")
    seeded.submit(seeded.case_body(external_id="app-1042"))
    assert seed_gold() == 1, "for Carol and Dave"
    taken = claim(seeded, "bob")["case"]["id"]
    assert taken not in {str(k) for k in GoldCopy.objects.values_list("pk", flat=True)}
    assert post(seeded, "bob", "reviews/claim", {}).status_code == 204
    again = claim(seeded, "carol")["case"]["id"]
    assert GoldCopy.objects.filter(pk=again).exists()


def test_one_who_skips_it_does_not_see_it_again_and_escalating_ends_it(seeded: World) -> None:
    gold, real = pair(seeded)
    assert verb(seeded, "bob", gold, "skip").status_code == 200
    held = claim(seeded, "carol")
    assert held["case"]["id"] == gold["case"]["id"]
    messages = OutboxMessage.objects.count()
    assert verb(seeded, "carol", held, "escalate").status_code == 200
    assert OutboxMessage.objects.count() == messages
    assert ReviewTask.objects.get(kind="gold").status == "cancelled"
    assert verb(seeded, "bob", real, "release").status_code == 200


def test_it_can_be_undone_like_any_judgement(seeded: World) -> None:
    gold, _ = pair(seeded)
    judge(seeded, "bob", gold, "approve", "?undo_seconds=60")
    said = Judgement.objects.get(review__kind="gold", stage="final")
    response = post(seeded, "bob", f"judgements/{said.pk}/undo", {})
    assert response.status_code == 200
    assert Case.objects.get(pk=gold["case"]["id"]).status == "in_review"
    lease = response.json()["claim"]
    assert verb(seeded, "bob", lease, "judgement", label="reject").status_code == 200


def test_a_decided_case_becomes_gold_and_its_judge_never_gets_it(world: World) -> None:
    Queue.objects.filter(pk=world.queue.pk).update(gold_rate=1.0)
    case = decided(world)
    gold = gold_from_case(actor=world.actor("alice"), case_id=case["id"], answer=ANSWER)
    assert gold.input == world.case_body()["input"] and gold.machine_wrong
    world.submit(world.case_body(external_id="src-2"))
    assert seed_gold() == 1
    assert GoldCopy.objects.get().case.routed_as == Case.objects.get(pk=case["id"]).pk
    claim(world, "dave", queue="loans")
    assert post(world, "dave", "reviews/claim", {"queue": "loans"}).status_code == 204


def test_who_may_make_one_and_from_what(world: World) -> None:
    case = decided(world)
    waiting = world.submit()
    with pytest.raises(Forbidden):
        gold_from_case(actor=world.actor("bob"), case_id=case["id"], answer=ANSWER)
    with pytest.raises(NotFound):
        stranger = make_world("globex")
        gold_from_case(actor=stranger.actor("alice"), case_id=case["id"], answer=ANSWER)
    with pytest.raises(Conflict) as refused:
        gold_from_case(actor=world.actor("alice"), case_id=waiting["id"], answer=ANSWER)
    assert refused.value.code == "not_decided"
    with pytest.raises(Refused) as wrong:
        gold_from_case(actor=world.actor("alice"), case_id=case["id"], answer=Answer("maybe", ""))
    assert {e.pointer for e in wrong.value.errors} == {"/label", "/explanation"}
    made = gold_from_case(actor=world.actor("alice"), case_id=case["id"], answer=ANSWER)
    with pytest.raises(Conflict):
        gold_from_case(actor=world.actor("alice"), case_id=case["id"], answer=ANSWER)
    assert not retire_gold(actor=world.actor("alice"), gold_id=made.pk, reason="outdated").active


@pytest.mark.parametrize("rate", [0.005, 0.2])
def test_a_rate_outside_one_to_five_per_cent_is_refused(world: World, rate: float) -> None:
    from routing.actions.configure import save_configured

    world.queue.gold_rate = rate
    with pytest.raises(Refused):
        save_configured(actor=world.actor("alice"), obj=world.queue)
