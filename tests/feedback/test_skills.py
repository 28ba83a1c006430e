"""Levels of skill: proposed from what is known to be true, confirmed by another person, and weighed in labels."""

import pytest

from audit.models import Event
from feedback.actions.labels import rebuild_labels
from feedback.actions.reviewer_figures import refresh_reviewer_figures
from feedback.actions.skills import decide_skill, propose_skill_changes, set_skill_rules
from feedback.models import SkillLevel, SkillProposal, SkillRules, TrainingLabel
from feedback.stats.skills import Rules
from hitl.core.errors import Conflict, DomainError, Forbidden, NotFound, Refused
from tests.factories import World, make_world
from tests.feedback.history import add_cases, judge, observe

QUICK = Rules(competent_from=0.5, expert_from=0.75, min_cases=10)


def work(world: World, name: str, n: int, *, wrong: int = 0, known: bool = True) -> None:
    cases = add_cases(world, [0.8] * n)
    for number, case in enumerate(cases):
        judge(world, case, name, "reject" if number < wrong else "approve", first="approve")
    if known:
        observe(world, [(case, "approve") for case in cases])
    refresh_reviewer_figures()


def proposal(world: World, name: str) -> SkillProposal:
    return SkillProposal.objects.get(user=world.users[name], status="open")


def test_a_supervisor_confirms_what_the_rules_propose_and_labels_weigh_it(world: World) -> None:
    set_skill_rules(actor=world.actor("alice"), queue=None, rules=QUICK)
    work(world, "bob", 12)
    assert (propose_skill_changes(), propose_skill_changes()) == (1, 0)
    open_ = proposal(world, "bob")
    assert (open_.before, open_.after, open_.right, open_.n) == ("", "expert", 12, 12)
    assert not SkillLevel.objects.exists(), "nothing changes before somebody confirms"
    page = world.browser("alice").get("/quality/skills").content.decode()
    assert "12 of 12 right" in page and "not rated yet" in page
    [case] = add_cases(world, [0.8])
    judge(world, case, "bob", "approve")
    rebuild_labels()
    assert TrainingLabel.objects.get(case=case).factors["skill"] == 1.0
    answer = world.browser("alice").post(f"/quality/skills/{open_.pk}", {"verb": "confirm", "reason": "well done"})
    assert answer.status_code == 302
    held = SkillLevel.objects.get()
    assert (held.level, held.weight) == ("expert", 1.2)
    rebuild_labels(everything=True)
    label = TrainingLabel.objects.get(case=case)
    assert (label.factors["skill"], label.weight) == (1.2, pytest.approx(1.2))
    assert [e.action for e in Event.objects.filter(action__startswith="skill.").order_by("pk")] == [
        "skill.rules_set",
        "skill.proposed",
        "skill.confirmed",
    ]
    assert Event.objects.get(action="skill.confirmed").reason == "well done"


def test_the_mean_skill_of_those_who_won_is_what_a_label_stores(world: World) -> None:
    for name, level, weight in (("bob", "expert", 1.2), ("carol", "novice", 0.8)):
        SkillLevel.objects.create(
            workspace=world.workspace, queue=world.queue, user=world.users[name], level=level, weight=weight,
            since=world.workspace.created_at,
        )  # fmt: skip
    [case] = add_cases(world, [0.8])
    for name in ("bob", "carol", "dave"):
        judge(world, case, name, "reject" if name == "dave" else "approve")
    rebuild_labels()
    assert TrainingLabel.objects.get().factors["skill"] == pytest.approx(1.0), "(1.2 + 0.8) / 2; Dave lost"


def test_agreeing_with_everybody_promotes_nobody(world: World) -> None:
    set_skill_rules(actor=world.actor("alice"), queue=None, rules=QUICK)
    for case in add_cases(world, [0.8] * 15):
        for name, kind in (("bob", "first"), ("carol", "second"), ("dave", "third")):
            judge(world, case, name, "approve", first="approve", kind=kind)
    refresh_reviewer_figures()
    assert propose_skill_changes() == 0


def test_who_falls_surely_below_is_proposed_down_and_a_new_picture_withdraws_it(world: World) -> None:
    set_skill_rules(actor=world.actor("alice"), queue=world.queue, rules=QUICK)
    SkillLevel.objects.create(
        workspace=world.workspace, queue=world.queue, user=world.users["bob"], level="competent", weight=1.0,
        since=world.workspace.created_at,
    )  # fmt: skip
    work(world, "bob", 12, wrong=10)
    assert propose_skill_changes() == 1
    assert proposal(world, "bob").after == "novice"
    work(world, "bob", 20)
    assert propose_skill_changes() == 0
    assert SkillProposal.objects.get().status == "withdrawn"
    assert SkillLevel.objects.get().level == "competent"


def test_what_was_declined_is_not_proposed_again_at_once(world: World) -> None:
    set_skill_rules(actor=world.actor("alice"), queue=None, rules=QUICK)
    work(world, "bob", 12)
    propose_skill_changes()
    found = proposal(world, "bob")
    decide_skill(actor=world.actor("alice"), proposal_id=found.pk, confirm=False, reason="too early")
    assert propose_skill_changes() == 0 and not SkillLevel.objects.exists()
    with pytest.raises(Conflict):
        decide_skill(actor=world.actor("alice"), proposal_id=found.pk, confirm=True, reason="yes")


def test_automatic_rules_need_no_word_and_still_leave_a_record(world: World) -> None:
    automatic = Rules(competent_from=0.5, expert_from=0.75, min_cases=10, expert_weight=1.5, automatic=True)
    set_skill_rules(actor=world.actor("alice"), queue=world.queue, rules=automatic)
    work(world, "bob", 12)
    assert propose_skill_changes() == 1
    assert SkillProposal.objects.get().status == "automatic"
    assert (SkillLevel.objects.get().level, SkillLevel.objects.get().weight) == ("expert", 1.5)
    assert propose_skill_changes() == 0
    set_skill_rules(actor=world.actor("alice"), queue=world.queue, rules=QUICK)
    assert SkillLevel.objects.get().weight == 1.2, "levels held take the new rules' weights"


def test_nobody_decides_on_themselves_without_a_reason_or_from_elsewhere(world: World) -> None:
    set_skill_rules(actor=world.actor("alice"), queue=None, rules=QUICK)
    work(world, "bob", 12)
    work(world, "alice", 12)
    assert propose_skill_changes() == 2
    alice, found = world.actor("alice"), proposal(world, "bob")
    own = proposal(world, "alice")
    tries: list[tuple[type[DomainError], dict[str, object]]] = [
        (Refused, {"actor": alice, "proposal_id": found.pk, "reason": " "}),
        (Forbidden, {"actor": alice, "proposal_id": own.pk, "reason": "I am good"}),
        (Forbidden, {"actor": world.actor("bob"), "proposal_id": found.pk, "reason": "me"}),
        (NotFound, {"actor": make_world("other").actor("alice"), "proposal_id": found.pk, "reason": "hm"}),
    ]
    for error, said in tries:
        with pytest.raises(error):
            decide_skill(confirm=True, **said)  # type: ignore[arg-type]
    assert not SkillLevel.objects.exists()


def test_rules_out_of_range_are_refused_with_the_cure(world: World) -> None:
    alice = world.browser("alice")
    good = {
        "competent_from": "80", "expert_from": "92,5", "min_cases": "20", "novice_weight": "0.5",
        "competent_weight": "1", "expert_weight": "2", "queue": "loans",
    }  # fmt: skip
    said = alice.post(
        "/quality/skills", good | {"expert_from": "70", "min_cases": "x", "novice_weight": "nan"}, follow=True
    )
    text = said.content.decode()
    assert "Experts need more than the competent." in text and "whole number from 5" in text and "0.1 to 10" in text
    assert not SkillRules.objects.exists()
    assert alice.post("/quality/skills", good).status_code == 302
    row = SkillRules.objects.get()
    assert (row.queue, row.expert_from, row.novice_weight, row.automatic) == (world.queue, 0.925, 0.5, False)
    assert b'value="92.5"' in alice.get("/quality/skills?queue=loans").content
    assert alice.get("/quality/skills?queue=nowhere").status_code == 404
    with pytest.raises(Forbidden):
        set_skill_rules(actor=world.actor("bob"), queue=None, rules=QUICK)
