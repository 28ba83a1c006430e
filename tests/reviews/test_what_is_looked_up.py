"""The subject's past and the likeness to known bad cases are looked up where a policy asks (mission B2)."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from reviews.models import Case, Decision, KnownBad
from reviews.past import subject_history
from routing.engine.features import SubjectHistory
from routing.models import RoutingDecision
from tests.factories import World, make_world, policy_document

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def stored(case: dict[str, Any]) -> dict[str, Any]:
    features: dict[str, Any] = RoutingDecision.objects.get(case_id=case["id"]).features
    return features


def decided(world: World, label: str = "approve", owner: str = "system", **changes: Any) -> Case:
    """A decided case of customer-7, who is the subject of all of them."""
    body = world.case_body(subject="customer-7") | changes
    case = Case.objects.get(pk=world.submit(body)["id"])
    case.reviews.all().delete()
    Case.objects.filter(pk=case.pk).update(status="decided", queue=None)
    decide(world, case, label, owner)
    return case


def decide(world: World, case: Case, label: str, owner: str) -> Decision:
    before = Decision.objects.filter(case=case, is_current=True).first()
    Decision.objects.filter(case=case).update(is_current=False)
    at = case.created_at
    return Decision.objects.create(
        workspace=world.workspace, case=case, label=label, owner=owner, supersedes=before, created_at=at, effects_at=at
    )


def past(world: World) -> SubjectHistory:
    return subject_history(world.workspace.pk, world.task_type.pk, "customer-7")


def test_nothing_is_looked_up_for_a_policy_that_does_not_ask(world: World) -> None:
    features = stored(world.submit(world.case_body(subject="customer-7")))
    assert (features["history"], features["known_bad_similarity"]) == (None, None)


def test_the_past_counts_cases_decisions_corrections_and_overrides(world: World) -> None:
    world.submit(world.case_body(subject="customer-7"))  # waits
    world.submit(world.case_body(subject="another"))
    decided(world)
    decided(world, "reject", "reviewer")
    assert past(world) == SubjectHistory(cases=3, decided=2, overridden=1, last_decision="reject")
    corrected = decided(world)
    decide(world, corrected, "reject", "auditor")
    found = past(world)
    assert (found.cases, found.wrong, found.overridden) == (4, 1, 2)


def test_an_outcome_that_contradicts_the_decision_makes_it_wrong(world: World) -> None:
    case = decided(world)
    for label, at in (("reject", "2026-01-02T00:00:00Z"), ("approve", "2026-01-01T00:00:00Z")):
        body = {"label": label, "observed_at": at}
        answer = world.api().post(f"/api/v1/cases/{case.pk}/outcomes", body, content_type="application/json")
        assert answer.status_code == 201
    assert past(world).wrong == 1  # the latest observed counts, whatever arrived last


def test_the_past_is_the_subjects_of_this_task_type_and_workspace(world: World) -> None:
    stranger = make_world("globex")
    stranger.submit(stranger.case_body(subject="customer-7"))
    world.submit(world.case_body(subject="customer-7", mode="shadow"))
    assert past(world) == SubjectHistory()


def test_a_policy_can_limit_the_past_and_the_route_says_so(world: World) -> None:
    world.put_in_force(policy_document(signals={"max_history_overridden": 0}))
    decided(world, "reject", "reviewer")
    answer = world.submit(world.sure_case_body(subject="customer-7"))
    assert answer["routing"]["reason"].startswith("The history overridden is 1")
    assert stored(answer)["history"]["overridden"] == 1
    unknown = world.submit(world.sure_case_body())
    assert "is not known" in unknown["routing"]["reason"]


def test_the_past_costs_one_statement(world: World) -> None:
    for _ in range(5):
        decided(world)
    past(world)
    with CaptureQueriesContext(
        connection,
    ) as made:
        past(world)
    assert len(made) == 1


LIMITED = policy_document(signals={"max_known_bad_similarity": 0.9}, sampling={"exploration_rate": 0.01})


def embedded(world: World, *embedding: float) -> dict[str, Any]:
    body = world.sure_case_body()
    body["prediction"]["embedding"] = list(embedding)
    return body


def mark(world: World, case: Case, who: str = "alice", reason: str = "fraud ring") -> int:
    body = {"reason": reason}
    answer = world.api(who).post(f"/api/v1/cases/{case.pk}/known-bad", body, content_type="application/json")
    return answer.status_code


def test_cases_like_a_marked_one_are_kept_from_the_machine_until_the_mark_is_taken_away(world: World) -> None:
    world.put_in_force(LIMITED)
    bad = decided(world, **embedded(world, 1.0, 0.0))
    assert stored(world.submit(embedded(world, 1.0, 0.1)))["known_bad_similarity"] == 0.0
    assert mark(world, bad) == 200
    alike = world.submit(embedded(world, 2.0, 0.2))
    assert stored(alike)["known_bad_similarity"] == pytest.approx(0.995, abs=1e-3)
    assert alike["routing"]["reason"].startswith("The known bad similarity is 0.99")
    assert stored(world.submit(embedded(world, 0.0, 1.0)))["known_bad_similarity"] == pytest.approx(0.0, abs=1e-6)
    assert stored(world.submit(embedded(world, -1.0, 0.0)))["known_bad_similarity"] == 0.0
    assert stored(world.submit(embedded(world, 1.0, 0.0, 0.0)))["known_bad_similarity"] == 0.0
    answer = world.api("alice").delete(f"/api/v1/cases/{bad.pk}/known-bad")
    assert answer.json() == {"known_bad": False}
    assert stored(world.submit(embedded(world, 1.0, 0.0)))["known_bad_similarity"] == 0.0


def test_without_an_embedding_a_person_decides_where_the_limit_is_set(world: World) -> None:
    world.put_in_force(LIMITED)
    assert "is not known" in world.submit(world.sure_case_body())["routing"]["reason"]


def test_marking_is_once_and_in_the_log(world: World) -> None:
    bad = decided(world, **embedded(world, 1.0, 0.0))
    assert [mark(world, bad), mark(world, bad)] == [200, 200]
    events = Event.objects.filter(action="case.marked_known_bad")
    assert [(event.case_id, event.reason) for event in events] == [(bad.pk, "fraud ring")]


@pytest.mark.parametrize("who, status", [("partner", 403), ("bob", 404), ("erin", 403)])
def test_only_supervisors_mark(world: World, who: str, status: int) -> None:
    bad = decided(world, **embedded(world, 1.0, 0.0))
    assert mark(world, bad, who) == status
    assert not KnownBad.objects.exists()


def test_what_cannot_be_compared_or_is_not_decided_is_refused(world: World) -> None:
    assert mark(world, decided(world)) == 422
    waiting = Case.objects.get(pk=world.submit()["id"])
    assert mark(world, waiting) == 409
    assert mark(world, decided(world, **embedded(world, 1.0)), reason=" ") == 422


def test_the_page_of_the_path_marks_and_unmarks(world: World) -> None:
    bad = decided(world, **embedded(world, 1.0, 0.0))
    browser, path = world.browser("alice"), f"/cases/{bad.pk}/trace"
    assert b"Mark as known bad" in browser.get(path).content
    browser.post(f"/cases/{bad.pk}/known-bad", {"mark": "1", "reason": "fraud ring"})
    assert b"fraud ring" in browser.get(path).content
    browser.post(f"/cases/{bad.pk}/known-bad", {})
    assert not KnownBad.objects.exists()
    assert b"Mark as known bad" not in world.browser("erin").get(path).content


def test_marking_and_looking_up_cost_a_fixed_number_of_statements(world: World) -> None:
    world.put_in_force(policy_document(signals={"max_known_bad_similarity": 0.9, "max_history_wrong": 5}))
    bad = decided(world, **embedded(world, 1.0, 0.0))
    with CaptureQueriesContext(connection) as marking:
        assert mark(world, bad) == 200
    assert len(marking) <= 16
    body = world.case_body(subject="customer-7")  # always reviewed, so that no draw changes the count
    body["prediction"]["embedding"] = [1.0, 0.0]
    for _ in range(2):
        with CaptureQueriesContext(connection) as submitting:
            world.submit(body)
    with_lookups = len(submitting)
    world.put_in_force(policy_document())
    for _ in range(2):
        with CaptureQueriesContext(connection) as plain:
            world.submit(body)
    assert with_lookups - len(plain) <= 2
