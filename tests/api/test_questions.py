"""A case split into questions, answered by machine or person (mission C9)."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from reviews.models import QuestionAnswer
from tests.api.support import claim, get, problem, verb
from tests.factories import World

YES_NO = [{"value": "yes", "title": "Yes"}, {"value": "no", "title": "No"}]
QUESTIONS: list[dict[str, Any]] = [
    {"key": "income", "title": "Is the income proven?", "labels": YES_NO, "answered_by": "machine", "threshold": 0.9},
    {"key": "purpose", "title": "Is the purpose allowed?", "labels": YES_NO},
]
RULES = [{"when": {"income": "no"}, "label": "reject"}, {"when": {"purpose": "no"}, "label": "reject"}]


def declare(world: World, **values: Any) -> None:
    for name, value in ({"questions": QUESTIONS, "label_rules": RULES} | values).items():
        setattr(world.task_type, name, value)
    world.task_type.full_clean()
    world.task_type.save()


def body(world: World, confidence: float) -> dict[str, Any]:
    made = world.case_body()
    made["prediction"]["answers"] = [{"question": "income", "label": "yes", "confidence": confidence}]
    return made


def reveal(world: World, share: float) -> None:
    world.queue.reveal_share = share
    world.queue.save()


def questions_of(world: World, lease: dict[str, Any]) -> list[str]:
    return [q["key"] for q in get(world, "bob", f"claims/{lease['id']}").json()["claim"]["case"]["questions"]]


def test_the_machine_answers_its_question_and_a_person_the_other(world: World) -> None:
    declare(world)
    reveal(world, 1.0)
    case = world.submit(body(world, 0.95))
    lease = claim(world, "bob")
    assert "questions" not in lease["case"], "which are a person's would tell how sure the machine is"
    verb(world, "bob", lease, "first-judgement", label="reject")
    assert questions_of(world, lease) == ["purpose"]
    assert get(world, "bob", f"claims/{lease['id']}").json()["claim"]["case"]["machine_answers"] == {"income": "yes"}
    problem(verb(world, "bob", lease, "judgement", label="approve"), 422, "answer_required")
    problem(verb(world, "bob", lease, "judgement", answers={"purpose": "perhaps"}), 422, "unknown_answer")
    problem(verb(world, "bob", lease, "judgement", answers={"purpose": "no", "x": "y"}), 422, "unknown_question")
    both = {"label": "approve", "answers": {"purpose": "no"}}
    problem(verb(world, "bob", lease, "judgement", **both), 422, "label_contradicts_answers")
    problem(verb(world, "bob", lease, "judgement", answers={"purpose": "yes"}), 422, "label_required")
    decided = verb(world, "bob", lease, "judgement", answers={"purpose": "no"})
    assert decided.json()["decision"]["label"] == "reject", decided.content
    told = get(world, "alice", f"cases/{case['id']}/trace").json()["answers"]
    assert [(a["question"], a["label"], a["source"], a["responsible"]) for a in told] == [
        ("income", "yes", "machine", "credit-1"),
        ("purpose", "no", "person", "bob"),
    ]


def test_an_unsure_machine_leaves_its_question_to_a_person(world: World) -> None:
    declare(world)
    reveal(world, 1.0)
    world.submit(body(world, 0.6))
    lease = claim(world, "bob")
    verb(world, "bob", lease, "first-judgement", label="reject")
    assert questions_of(world, lease) == ["income", "purpose"]
    assert not QuestionAnswer.objects.exists()


def test_who_never_sees_the_machine_answers_everything(world: World) -> None:
    declare(world)
    reveal(world, 0.0)
    answers = []
    for confidence in (0.95, 0.6):
        world.submit(body(world, confidence))
        lease = claim(world, "bob")
        verb(world, "bob", lease, "first-judgement", label="reject")
        answers.append(questions_of(world, lease))
        said = {"income": "no", "purpose": "yes"}
        assert verb(world, "bob", lease, "judgement", answers=said).json()["decision"]["label"] == "reject"
    assert answers == [["income", "purpose"]] * 2


def test_a_person_may_answer_otherwise_than_the_machine(world: World) -> None:
    declare(world)
    reveal(world, 1.0)
    world.submit(body(world, 0.95))
    lease = claim(world, "bob")
    verb(world, "bob", lease, "first-judgement", label="reject")
    said = verb(world, "bob", lease, "judgement", answers={"purpose": "yes", "income": "no"})
    assert said.json()["decision"]["label"] == "reject"


def test_the_main_question_is_the_label_and_always_a_persons(world: World) -> None:
    main = {
        "key": "verdict",
        "title": "Give it?",
        "labels": [{"value": "approve", "title": "Approve"}, {"value": "reject", "title": "Reject"}],
        "main": True,
    }
    declare(world, questions=[QUESTIONS[1], main], label_rules=[])
    world.queue.judge_first = False
    world.queue.save()
    world.submit()
    page = world.browser("bob")
    where = page.post("/work/claim")["location"]
    shown = page.get(where).content.decode()
    assert 'name="answer:verdict"' in shown and 'name="label"' not in shown
    lease = get(world, "bob", "claims").json()["results"][0]
    said = {"token": lease["token"], "answer:verdict": "approve", "answer:purpose": "yes"}
    page.post(f"/claims/{lease['id']}/judgement", said)
    assert QuestionAnswer.objects.filter(question="verdict", label="approve", user=world.users["bob"]).count() == 1


def test_a_role_answers_what_it_is_responsible_for(world: World) -> None:
    declare(world, label_rules=[])
    world.queue.judge_first = False
    world.queue.scheme = {
        "kind": "panel",
        "roles": [{"name": "legal", "decides": ["purpose"]}, {"name": "risk", "decides": ["income"]}],
        "on_conflict": "return",
    }
    world.queue.full_clean()
    world.queue.save()
    case = world.submit()
    for name in ("bob", "carol"):
        lease = claim(world, name)
        key = {"legal": "purpose", "risk": "income"}[lease["review"]["scheme"]["seat"]]
        assert [q["key"] for q in lease["case"]["questions"]] == [key]
        assert verb(world, name, lease, "judgement", label="approve", answers={key: "yes"}).status_code == 200
    told = get(world, "alice", f"cases/{case['id']}/trace").json()["answers"]
    assert {(a["question"], a["seat"]) for a in told} == {("purpose", "legal"), ("income", "risk")}


@pytest.mark.parametrize(
    "values, words",
    [
        ({"questions": [{"key": "x"}]}, "title"),
        ({"questions": [*QUESTIONS, QUESTIONS[0]]}, "same key"),
        ({"label_rules": [{"when": {"income": "perhaps"}, "label": "reject"}]}, "no answer 'perhaps'"),
        ({"label_rules": [{"when": {}, "label": "later"}]}, "use one of: approve, reject"),
    ],
)
def test_wrong_questions_are_refused_with_the_cure(world: World, values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        declare(world, **values)
    assert words in str(refused.value)
