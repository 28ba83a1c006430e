"""What people say: unaided first and immutably, then finally (mission D2)."""

from typing import Any

from reviews.actions.expiry import expire_claims
from reviews.models import Judgement
from tests.api.support import claim, get, judge, lapse, open_queue, post, problem, table_counts, verb
from tests.factories import World


def reveal(world: World, share: float) -> None:
    world.queue.reveal_share = share
    world.queue.save()


def said_first(world: World, **body: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    world.submit()
    lease = claim(world, "bob")
    response = verb(world, "bob", lease, "first-judgement", **({"label": "reject"} | body))
    assert response.status_code == 200, response.content
    return lease, response.json()


def test_the_machine_is_shown_after_the_first_judgement_in_that_arm(world: World) -> None:
    reveal(world, 1.0)
    _, answer = said_first(world, confidence=0.8)
    assert answer["first_judgement"]["label"] == "reject"
    assert (answer["visibility"], answer["visibility_propensity"]) == ("after", 1.0)
    machine = answer["machine"]
    assert (machine["label"], machine["calibrated_confidence"]) == ("approve", 0.7)
    assert machine["probabilities"] == {"approve": 0.7, "reject": 0.3}
    assert "explanation" in machine


def test_the_machine_stays_hidden_in_the_other_arm(world: World) -> None:
    reveal(world, 0.0)
    _, answer = said_first(world)
    assert (answer["visibility"], answer["visibility_propensity"], answer["machine"]) == ("never", 1.0, None)


def test_both_arms_come_up_with_their_stated_propensities(world: World) -> None:
    reveal(world, 0.5)
    seen = set()
    for _ in range(20):
        lease, answer = said_first(world)
        seen.add((answer["visibility"], answer["visibility_propensity"]))
        judge_final(world, lease)
    assert seen == {("after", 0.5), ("never", 0.5)}


def judge_final(world: World, lease: dict[str, Any], label: str = "reject") -> dict[str, Any]:
    response = verb(world, "bob", lease, "judgement", label=label)
    assert response.status_code == 200, response.content
    return response.json()


def test_the_same_first_judgement_again_gives_the_same_answer(world: World) -> None:
    lease, answer = said_first(world, confidence=0.8)
    before = table_counts()
    again = verb(world, "bob", lease, "first-judgement", label="reject", confidence=0.8)
    assert (again.status_code, again.json()) == (200, answer)
    assert table_counts() == before


def test_another_first_judgement_is_refused(world: World) -> None:
    lease, answer = said_first(world, confidence=0.8)
    problem(verb(world, "bob", lease, "first-judgement", label="approve", confidence=0.8), 409, "already_judged")
    problem(verb(world, "bob", lease, "first-judgement", label="reject", confidence=0.7), 409, "already_judged")
    assert Judgement.objects.get(stage="first").label == answer["first_judgement"]["label"] == "reject"


def test_the_final_word_needs_the_first_one(world: World) -> None:
    world.submit()
    lease = claim(world, "bob")
    before = table_counts()
    problem(verb(world, "bob", lease, "judgement", label="approve"), 409, "first_judgement_required")
    assert table_counts() == before


def test_a_queue_that_is_not_judge_first_needs_only_the_final_word(world: World) -> None:
    open_queue(world)
    world.submit()
    lease = claim(world, "bob")
    assert lease["case"]["prediction"]["label"] == "approve"
    case = judge(world, "bob", lease, "reject")
    assert case["decision"]["label"] == "reject"
    assert Judgement.objects.get().visibility == "before"


def test_the_final_word_ends_the_claim_and_answers_with_the_case(world: World) -> None:
    lease, _ = said_first(world)
    body = {"label": "approve", "reasoning": "the income is steady", "override_category": "evidence_missed"}
    case = verb(world, "bob", lease, "judgement", **body, adjustments={"limit": 900}).json()
    assert (case["status"], case["review"]) == ("decided", None)
    decision = case["decision"]
    assert (decision["label"], decision["owner"], decision["automated"]) == ("approve", "reviewer", False)
    assert decision["provisional"] is False
    assert get(world, "bob", "claims?mine=true").json()["results"] == []
    final = Judgement.objects.get(stage="final")
    assert (final.reasoning, final.override_category) == (body["reasoning"], body["override_category"])
    assert final.adjustments == {"limit": 900}


def test_changing_ones_mind_after_the_reveal_keeps_both_words(world: World) -> None:
    reveal(world, 1.0)
    lease, _ = said_first(world)
    judge_final(world, lease, "approve")
    assert dict(Judgement.objects.values_list("stage", "label")) == {"first": "reject", "final": "approve"}


def test_whoever_reclaims_goes_on_from_the_first_judgement(world: World) -> None:
    lease, answer = said_first(world)
    lapse(lease)
    expire_claims()
    again = claim(world, "bob")
    assert again["review"]["id"] == lease["review"]["id"]
    problem(verb(world, "bob", again, "first-judgement", label="approve"), 409, "already_judged")
    assert verb(world, "bob", again, "first-judgement", label="reject").json() == answer
    assert judge_final(world, again)["status"] == "decided"


def test_a_first_judgement_is_the_persons_own_not_the_reviews(world: World) -> None:
    lease, _ = said_first(world)
    verb(world, "bob", lease, "release")
    other = claim(world, "carol")
    problem(verb(world, "carol", other, "judgement", label="approve"), 409, "first_judgement_required")


def test_nobody_judges_a_case_twice(world: World) -> None:
    world.submit()
    lease = claim(world, "bob")
    judge(world, "bob", lease, "reject")
    problem(verb(world, "bob", lease, "judgement", label="approve"), 409, "claim_lost")
    assert post(world, "bob", "reviews/claim").status_code == 204


def test_my_reviews_are_those_i_hold_or_did(world: World) -> None:
    for _ in range(2):
        world.submit()
    done = claim(world, "bob")
    judge(world, "bob", done, "reject")
    held = claim(world, "bob")
    rows = get(world, "bob", "reviews?mine=true").json()["results"]
    assert {r["id"]: r["status"] for r in rows} == {done["review"]["id"]: "done", held["review"]["id"]: "claimed"}
    assert get(world, "carol", "reviews?mine=true").json()["results"] == []
