"""/ops/visibility and GET /visibility: figures from judged cases whose truth is known, row-filtered and bounded."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hitl.core.clock import now, rfc3339
from reviews.actions.visibility import Shares, set_visibility_policy
from reviews.models import Judgement, VisibilityPolicy
from tests.api.support import claim, get, open_queue, post, problem, verb
from tests.factories import World, make_world


def live(world: World, n: int, *, outcome: bool = True) -> None:
    """Bob judges `n` cases: first right, then swayed by a machine that is wrong on every third."""
    for number in range(n):
        wrong = number % 3 == 0
        label = "approve" if wrong else "reject"
        prediction = {"label": label, "confidence": 0.7, "model_version": "credit-1"}
        case = world.submit(world.case_body(external_id=f"v-{number}", prediction=prediction))
        lease = claim(world, "bob")
        final = "reject"
        if lease["review"]["judge_first"]:
            said = verb(world, "bob", lease, "first-judgement", label="reject").json()
            final = said["machine"]["label"] if said["machine"] else "reject"
        else:
            final = label
        assert verb(world, "bob", lease, "judgement", label=final).status_code == 200
        if outcome:
            body = {"label": "reject", "observed_at": rfc3339(now())}
            assert post(world, "partner", f"cases/{case['id']}/outcomes", body).status_code == 201


@pytest.fixture
def arms(world: World) -> World:
    open_queue(world)
    set_visibility_policy(
        actor=world.actor("alice"), queue=world.queue, shares=Shares(0.3, 0.4, 0.3), in_force_after=timedelta(0)
    )
    return world


def test_the_figures_are_those_of_the_judgements(arms: World) -> None:
    live(arms, 45)
    found = get(arms, "alice", "visibility").json()
    counted = {arm["arm"]: arm for arm in found["arms"]}
    finals = Judgement.objects.filter(stage="final")
    for name, arm in counted.items():
        rows = finals.filter(visibility=name)
        assert arm["n"] == rows.count()
        assert arm["combined"]["k"] == rows.filter(label="reject").count()
        assert arm["human"]["n"] == (0 if name == "before" else rows.count())
    assert counted["never"]["combined"]["k"] == counted["never"]["n"], "unswayed, Bob was always right"
    assert found["judged"] == 45 and found["truth"][0] == {"source": "outcome", "n": 45}
    over = found["reliance"]["over"]
    assert over["k"] == over["n"] > 0, "he followed the machine wherever it was wrong"
    assert found["policies"][0]["version"] == 1
    assert [part["name"] for part in found["by_reviewer"]] == ["bob"]
    assert {part["name"] for part in found["by_label"]} == {"approve", "reject"}


def test_too_little_is_said_with_its_n(arms: World) -> None:
    live(arms, 6)
    found = get(arms, "alice", "visibility").json()
    effect = found["effects"][0]
    assert effect["value"] is None and effect["reason"].startswith("not enough data: n = ")
    assert b"not enough data" in arms.browser("alice").get("/ops/visibility").content


def test_nobody_is_measured_against_their_own_word(arms: World) -> None:
    live(arms, 4, outcome=False)
    found = get(arms, "alice", "visibility").json()
    assert (found["judged"], found["without_truth"], found["arms"]) == (4, 4, [])


def test_windows_and_queues_narrow_it(arms: World) -> None:
    live(arms, 3)
    assert get(arms, "alice", "visibility?queue=loans&window=24h").json()["judged"] == 3
    assert get(arms, "alice", "visibility?queue=loans-expert").json()["judged"] == 0
    problem(get(arms, "alice", "visibility?queue=nowhere"), 404, "not_found")
    problem(get(arms, "alice", "visibility?window=9999d"), 400, "invalid_input")
    assert arms.browser("alice").get("/ops/visibility?window=x").status_code == 302
    assert arms.browser("alice").get("/ops/visibility?queue=nowhere").status_code == 404


def test_another_workspace_sees_nothing_of_it(arms: World) -> None:
    live(arms, 3)
    other = make_world("other")
    assert get(other, "alice", "visibility").json()["judged"] == 0
    problem(get(arms, "bob", "visibility"), 403, "scope_required")


def test_the_cost_does_not_grow_with_the_data(arms: World) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert get(arms, "alice", "visibility").status_code == 200
        return len(captured.captured_queries)

    live(arms, 2)
    few = statements()
    for number in range(8):
        arms.submit(arms.case_body(external_id=f"more-{number}"))
    assert statements() <= few <= 9


def test_alice_sets_the_arms_in_the_page_and_is_told_what_is_wrong(world: World) -> None:
    alice = world.browser("alice")
    said = alice.post("/ops/visibility/loans", {"before": "50", "after": "30", "never": "20"}, follow=True)
    assert b"judge-first" in said.content and not VisibilityPolicy.objects.exists()
    said = alice.post("/ops/visibility/loans", {"before": "0", "after": "70", "never": "30", "reason": "a trial"})
    assert said.status_code == 302
    row = VisibilityPolicy.objects.get()
    assert (row.before_share, row.after_share, row.never_share, row.reason) == (0.0, 0.7, 0.3, "a trial")
    assert "a trial" in alice.get("/ops/visibility?queue=loans").content.decode()
