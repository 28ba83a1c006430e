"""Several people judge one case: blind double, dynamic third, panels of roles (docs/schemes.md)."""

from typing import Any

import pytest
from django.db.models import Count

from audit.models import Event, OutboxMessage
from hitl.accounts.models import Membership, User
from hitl.core.permissions import Role, Scope
from reviews.models import Case, Decision, Judgement, Panel, Queue, Reviewer, ReviewTask
from tests.api.support import claim, get, judge, overdue, post, problem, verb
from tests.factories import PASSWORD, World, make_key

DOUBLE = {"kind": "blind_double", "adjudication_queue": "loans-expert"}
PANEL: dict[str, Any] = {
    "kind": "panel",
    "roles": [{"name": "risk", "title": "Risk"}, {"name": "sales"}, {"name": "legal", "queue": "loans-expert"}],
    "agreement": "unanimous",
    "on_conflict": "return",
}


def declare(world: World, scheme: dict[str, Any], *, judge_first: bool = True) -> None:
    """The scheme of the first queue, as the admin would save it."""
    world.queue.scheme, world.queue.judge_first = scheme, judge_first
    world.queue.full_clean()
    world.queue.save()


def add_reviewer(world: World, name: str) -> None:
    """One more tier-1 reviewer of the first queue."""
    from guardian.shortcuts import assign_perm

    user = User.objects.create_user(name, f"{name}@example.org", PASSWORD)
    Membership.objects.create(workspace=world.workspace, user=user, role=Role.REVIEWER)
    Reviewer.objects.create(workspace=world.workspace, user=user, tier=world.tiers["tier-1"])
    for codename in ("claim_queue", "view_queue"):
        assign_perm(codename, user, world.queue)
    world.users[name], world.keys[name] = user, make_key(world, user=user, scopes=list(Scope))


def case_of(world: World, case: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = get(world, "partner", f"cases/{case['id']}").json()
    return found


def check_invariants(case_id: str) -> None:
    """What must hold whatever people did, in whatever order."""
    case = Case.objects.get(pk=case_id)
    said = Judgement.objects.filter(case_id=case_id, stage="final", undone_at__isnull=True)
    twice = said.values("user_id").annotate(n=Count("id")).filter(n__gt=1)
    assert not twice.exists(), "nobody judges a case twice"
    current = Decision.objects.filter(case_id=case_id, is_current=True)
    assert current.count() <= 1
    opened = ReviewTask.objects.filter(case_id=case_id, status__in=["waiting", "claimed"])
    panel = Panel.objects.get(case_id=case_id)
    if case.status == "decided":
        assert current.exists() and panel.status == "decided" and panel.closed_at is not None
        assert not opened.exists(), "no review stays open"
    elif panel.status == "returned":
        assert case.status == "awaiting_adjudication" and not opened.exists()
    else:
        assert opened.exists(), "somebody is awaited"
        assert (case.status == "awaiting_adjudication") == (panel.status == "adjudication")
        if panel.status == "open":
            assert case.status == ("in_review" if opened.filter(status="claimed").exists() else "pending")


def test_two_who_agree_decide(world: World) -> None:
    declare(world, DOUBLE)
    case = world.submit()
    assert case["status"] == "pending"
    first, second = claim(world, "bob"), claim(world, "carol")
    assert first["case"]["id"] == second["case"]["id"] == case["id"]
    assert first["review"]["id"] != second["review"]["id"]
    after = judge(world, "bob", first, "reject")
    assert (after["status"], after["decision"]) == ("in_review", None)
    decided = judge(world, "carol", second, "reject")
    assert (decided["status"], decided["decision"]["label"]) == ("decided", "reject")
    assert (decided["decision"]["owner"], decided["decision"]["automated"]) == ("panel", False)
    assert Decision.objects.get(case_id=case["id"]).decided_by is None
    check_invariants(case["id"])


def test_nobody_gets_both_seats(world: World) -> None:
    declare(world, DOUBLE)
    case = world.submit()
    lease = claim(world, "bob")
    assert post(world, "bob", "reviews/claim").status_code == 204
    judge(world, "bob", lease, "approve")
    assert post(world, "bob", "reviews/claim").status_code == 204
    check_invariants(case["id"])


def test_who_lost_a_seat_after_a_first_judgement_gets_no_other(world: World) -> None:
    declare(world, DOUBLE)
    world.submit()
    lease = claim(world, "bob")
    verb(world, "bob", lease, "first-judgement", label="approve")
    verb(world, "bob", lease, "release")
    again = claim(world, "bob")
    assert again["review"]["id"] == lease["review"]["id"]


def test_who_disagree_get_an_adjudicator_who_is_a_third_person(world: World) -> None:
    declare(world, DOUBLE)
    case = world.submit()
    judge(world, "bob", claim(world, "bob"), "approve", reasoning="income is fine")
    after = judge(world, "carol", claim(world, "carol"), "reject", reasoning="too many loans")
    assert (after["status"], after["decision"]) == ("awaiting_adjudication", None)
    assert not OutboxMessage.objects.filter(case_id=case["id"]).exists(), "no message before the decision is final"
    check_invariants(case["id"])
    lease = claim(world, "dave")
    assert lease["review"]["queue"] == "loans-expert"
    assert lease["review"]["scheme"] == {"kind": "blind_double", "seat": "adjudicator", "title": "Adjudicator"}
    assert "others" not in lease["review"], "not before the adjudicator's own first judgement"
    assert "too many loans" not in str(lease)
    told = verb(world, "dave", lease, "first-judgement", label="reject").json()
    assert [(o["title"], o["label"], o["reasoning"]) for o in told["others"]] == [
        ("Reviewer A", "approve", "income is fine"),
        ("Reviewer B", "reject", "too many loans"),
    ]
    decided = verb(world, "dave", lease, "judgement", label="reject").json()
    assert (decided["status"], decided["decision"]["label"], decided["decision"]["owner"]) == (
        "decided",
        "reject",
        "adjudicator",
    )
    check_invariants(case["id"])
    assert list(OutboxMessage.objects.filter(case_id=case["id"]).values_list("type", flat=True)) == ["case.decided"]


def test_a_third_is_asked_only_where_two_disagree_and_cannot_tell(world: World) -> None:
    declare(world, {"kind": "dynamic_third"})
    add_reviewer(world, "cleo")
    case = world.submit()
    first = claim(world, "bob")
    judge(world, "bob", first, "approve")
    judge(world, "carol", claim(world, "carol"), "reject")
    third = claim(world, "cleo")
    assert third["review"]["scheme"] == first["review"]["scheme"]
    assert set(third["review"]) == set(first["review"])
    assert judge(world, "cleo", third, "approve")["decision"]["label"] == "approve"
    check_invariants(case["id"])


def test_blind_reviewers_hear_nothing_of_each_other(world: World) -> None:
    """Also in a queue that shows the machine's answer from the start, and after their own word, until it is decided."""
    for judge_first in (True, False):
        declare(world, DOUBLE, judge_first=judge_first)
        case = world.submit(world.case_body(input={"income": 1, "purpose": "nothing"}))
        judge(world, "bob", claim(world, "bob"), "reject", reasoning="zanzibar")
        lease = claim(world, "carol")
        trace = f"cases/{case['id']}/trace"
        for path in (f"claims/{lease['id']}", f"cases/{case['id']}", trace, "reviews?mine=true", "claims", "cases"):
            for name in ("carol", "dave", "bob") if path == trace else ("carol", "dave"):
                assert "zanzibar" not in get(world, name, path).content.decode(), (path, name)
                assert '"panel.' not in get(world, name, path).content.decode()
        for name in ("carol", "dave", "bob"):
            pages = [world.browser(name).get(f"/cases/{case['id']}{end}").content.decode() for end in ("", "/trace")]
            assert not any("zanzibar" in page for page in pages[1 if name == "bob" else 0 :])
        assert judge(world, "carol", lease, "reject")["status"] == "decided"
        found = get(world, "carol", trace).json()
        assert [s["reviewer"] for s in found["panels"][0]["seats"]] == ["bob", "carol"]
        assert "zanzibar" in str(found)


def test_a_scheme_is_pinned_when_the_case_comes_to_people(world: World) -> None:
    declare(world, DOUBLE)
    case = world.submit()
    declare(world, {})
    later = world.submit()
    assert judge(world, "bob", claim(world, "bob"), "approve")["status"] in ("pending", "in_review")
    assert Panel.objects.get().case_id == Case.objects.get(pk=case["id"]).pk
    assert ReviewTask.objects.filter(case_id=later["id"]).count() == 1


def test_roles_judge_in_parallel_and_each_in_its_own_queue(world: World) -> None:
    declare(world, PANEL)
    case = world.submit()
    rows = ReviewTask.objects.filter(case_id=case["id"]).order_by("created_at", "pk")
    assert {(r.seat, r.kind, r.queue.slug) for r in rows} == {
        ("risk", "role", "loans"),
        ("sales", "role", "loans"),
        ("legal", "role", "loans-expert"),
    }
    judge(world, "bob", claim(world, "bob"), "approve")
    judge(world, "carol", claim(world, "carol"), "approve")
    lease = claim(world, "dave")
    assert lease["review"]["scheme"]["title"] == "legal"
    assert judge(world, "dave", lease, "approve")["decision"]["owner"] == "panel"
    check_invariants(case["id"])


def test_a_conflict_of_roles_comes_back_to_a_supervisor_with_its_explanation(world: World) -> None:
    declare(world, PANEL)
    case = world.submit()
    for name, label in (("bob", "approve"), ("carol", "approve"), ("dave", "reject")):
        after = judge(world, name, claim(world, name), label)
    assert (after["status"], after["decision"], after["review"]) == ("awaiting_adjudication", None, None)
    check_invariants(case["id"])
    (row,) = get(world, "alice", "panels").json()["results"]
    assert (row["status"], row["case"]) == ("returned", case["id"])
    assert "legal: reject" in row["explanation"]
    path = f"panels/{row['id']}/settle"
    problem(post(world, "bob", path, {"label": "reject", "reason": "x"}), 403, "permission_denied")
    problem(post(world, "alice", path, {"label": "maybe", "reason": "x"}), 422, "unknown_label")
    settled = post(world, "alice", path, {"label": "reject", "reason": "legal is right"})
    assert settled.status_code == 200, settled.content
    assert settled.json()["decision"]["owner"] == "adjudicator"
    problem(post(world, "alice", path, {"label": "reject", "reason": "x"}), 409, "not_returned")
    assert Event.objects.filter(case_id=case["id"], action="panel.settled").count() == 1
    check_invariants(case["id"])


def test_roles_in_sequence_open_one_after_another_and_stop_when_settled(world: World) -> None:
    scheme = PANEL | {"order": "sequence", "on_conflict": "tie_break", "tie_break": "reject"}
    declare(world, scheme)
    case = world.submit()
    assert ReviewTask.objects.get(case_id=case["id"]).seat == "risk"
    assert judge(world, "bob", claim(world, "bob"), "approve")["status"] == "pending"
    check_invariants(case["id"])
    decided = judge(world, "carol", claim(world, "carol"), "reject")
    assert (decided["decision"]["label"], decided["decision"]["owner"]) == ("reject", "panel")
    assert not ReviewTask.objects.filter(case_id=case["id"], seat="legal").exists()
    check_invariants(case["id"])


def undo(world: World, name: str, case: dict[str, Any]) -> Any:
    said = Judgement.objects.filter(case_id=case["id"], stage="final", user=world.users[name], undone_at=None)
    return post(world, name, f"judgements/{said.get().pk}/undo")


def test_undo_takes_back_the_adjudication_it_opened(world: World) -> None:
    declare(world, DOUBLE)
    case = world.submit()
    judge(world, "bob", claim(world, "bob"), "approve", "?undo_seconds=60")
    judge(world, "carol", claim(world, "carol"), "reject", "?undo_seconds=60")
    assert undo(world, "carol", case).status_code == 200
    assert case_of(world, case)["status"] == "in_review"
    check_invariants(case["id"])
    lease = get(world, "carol", "claims").json()["results"][0]
    assert verb(world, "carol", lease, "judgement", label="approve").json()["decision"]["label"] == "approve"
    check_invariants(case["id"])


def test_undo_by_the_first_takes_back_the_decision_the_second_completed(world: World) -> None:
    declare(world, DOUBLE)
    case = world.submit()
    judge(world, "bob", claim(world, "bob"), "approve", "?undo_seconds=60")
    judge(world, "carol", claim(world, "carol"), "approve")  # a key without a window of its own
    message = OutboxMessage.objects.get(case_id=case["id"])
    assert (message.available_at - message.created_at).total_seconds() > 30, "the decision waits for both"
    assert undo(world, "bob", case).status_code == 200
    assert case_of(world, case)["decision"] is None
    message.refresh_from_db()
    assert message.cancelled_at is not None
    check_invariants(case["id"])


def test_undo_is_too_late_once_the_adjudicator_works(world: World) -> None:
    declare(world, DOUBLE)
    case = world.submit()
    judge(world, "bob", claim(world, "bob"), "approve", "?undo_seconds=60")
    judge(world, "carol", claim(world, "carol"), "reject", "?undo_seconds=60")
    lease = claim(world, "dave")
    problem(undo(world, "carol", case), 409, "too_late")
    decided = judge(world, "dave", lease, "approve", "?undo_seconds=60")
    assert decided["status"] == "decided"
    assert undo(world, "dave", case).status_code == 200
    assert case_of(world, case)["status"] == "awaiting_adjudication"
    check_invariants(case["id"])


def test_giving_a_seat_back_leaves_the_other_in_review(world: World) -> None:
    declare(world, DOUBLE)
    case = world.submit()
    mine = claim(world, "bob")
    claim(world, "carol")
    verb(world, "bob", mine, "release")
    check_invariants(case["id"])
    assert case_of(world, case)["status"] == "in_review"


def test_cancelling_ends_the_panel(world: World) -> None:
    declare(world, DOUBLE)
    case = world.submit()
    lease = claim(world, "bob")
    assert post(world, "partner", f"cases/{case['id']}/cancel").status_code == 200
    assert Panel.objects.get().status == "cancelled"
    problem(verb(world, "bob", lease, "first-judgement", label="approve"), 409, "claim_lost")


def test_the_clock_decides_the_safest_label_and_ends_the_panel(world: World) -> None:
    from reviews.actions.sla import expire_slas

    declare(world, DOUBLE)
    world.task_type.fallback = "safest_label"
    world.task_type.save()
    case = world.submit()
    judge(world, "bob", claim(world, "bob"), "approve")
    overdue(case)
    expire_slas()
    found = case_of(world, case)
    assert (found["status"], found["decision"]["label"], found["decision"]["owner"]) == (
        "decided",
        "reject",
        "fallback",
    )
    assert Panel.objects.get().status == "cancelled"
    assert not ReviewTask.objects.filter(case_id=case["id"], status__in=["waiting", "claimed"]).exists()


def test_a_panel_answers_once_on_an_irreversible_action(world: World) -> None:
    declare(world, DOUBLE, judge_first=False)
    action = {"type": "disburse", "parameters": {"amount": 3}, "reversible": False}
    case = world.submit(world.case_body(proposed_action=action))
    judge(world, "bob", claim(world, "bob"), "approve", approval={"approved": True})
    assert not OutboxMessage.objects.filter(type__startswith="action.").exists()
    judge(world, "carol", claim(world, "carol"), "approve", approval={"approved": False, "codes": ["timing"]})
    message = OutboxMessage.objects.get(type__startswith="action.", case_id=case["id"])
    assert (message.type, message.payload["feedback"]["codes"]) == ("action.rejected", ["timing"])


def test_a_batch_brings_panels_too(world: World) -> None:
    declare(world, DOUBLE)
    body = {"cases": [world.case_body(external_id=f"b-{n}") for n in range(3)]}
    assert post(world, "partner", "cases/batch", body).status_code == 207
    assert Panel.objects.count() == 3
    assert ReviewTask.objects.filter(kind="second").count() == 3


def test_a_single_reviewer_costs_what_it_always_did(world: World, django_assert_max_num_queries: Any) -> None:
    world.submit()
    lease = claim(world, "bob")
    verb(world, "bob", lease, "first-judgement", label="approve")
    body = {"token": lease["token"], "label": "approve"}
    with django_assert_max_num_queries(7):
        world.api("bob").post(f"/api/v1/claims/{lease['id']}/judgement", body, content_type="application/json")
    assert not Panel.objects.exists()


@pytest.mark.parametrize(
    "scheme, words",
    [
        ({"kind": "triple"}, "kind"),
        ({"kind": "blind_double", "adjudication_queue": "nowhere"}, "no queue 'nowhere'"),
        ({"kind": "blind_double", "on_conflict": "tie_break", "tie_break": "perhaps"}, "use one of: approve, reject"),
    ],
)
def test_a_wrong_scheme_is_refused_where_it_is_declared(world: World, scheme: dict[str, Any], words: str) -> None:
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError) as refused:
        declare(world, scheme)
    assert words in str(refused.value)
    assert Queue.objects.get(pk=world.queue.pk).scheme == {}


def test_who_may_have_to_adjudicate_finds_the_case_under_no_status(world: World) -> None:
    """A list by status tells what the machine did with a case; the detail is sealed for the adjudicator to come."""
    declare(world, DOUBLE, judge_first=False)
    case = world.submit()
    assert "routing" not in get(world, "dave", f"cases/{case['id']}").json()
    for status in ("pending", "in_review", "decided"):
        assert get(world, "dave", f"cases?status={status}").json()["results"] == []
    assert [row["id"] for row in get(world, "bob", "cases?status=pending").json()["results"]] == [case["id"]]
    declare(world, PANEL | {"roles": [{"name": "risk"}, {"name": "law", "queue": "loans-expert"}]}, judge_first=False)
    world.submit()
    assert get(world, "dave", "cases?status=pending").json()["results"] == []
