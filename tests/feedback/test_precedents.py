"""Similar decided cases and the subject's earlier ones: found in a worker, row-filtered, sealed until the reveal."""

from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from guardian.shortcuts import assign_perm
from hypothesis import given
from hypothesis import strategies as st

from feedback.actions.precedents import sweep_precedents
from feedback.gower import describe, similarities
from hitl.core.clock import now, rfc3339
from reviews.models import Case, CasePrecedents, Decision, Queue
from tests.api.support import claim, get, judge, open_queue, post, use_policy, verb
from tests.api.test_sealing import ANSWERS, masked
from tests.factories import World, make_world


def decided(world: World, label: str, *, name: str = "bob", queue: str = "loans", **body: Any) -> dict[str, Any]:
    case = world.submit(world.case_body(**body))
    return judge(world, name, claim(world, name, queue=queue), label) | {"id": case["id"]}


def with_embedding(world: World, *values: float, **more: Any) -> dict[str, Any]:
    """A body whose prediction has this embedding."""
    prediction = world.case_body()["prediction"] | {"embedding": list(values)}
    return {"prediction": prediction} | more


def take_effect() -> None:
    """As time would: nothing can be undone any more."""
    Decision.objects.update(effects_at=now())


@pytest.fixture
def shown(world: World) -> World:
    """A queue that shows the machine's answer, so that nothing is sealed."""
    open_queue(world)
    return world


def test_the_nearest_by_embedding_come_first(shown: World) -> None:
    far = decided(shown, "reject", **with_embedding(shown, 0.0, 1.0))
    near = decided(shown, "approve", **with_embedding(shown, 1.0, 0.1))
    shown.submit(shown.case_body(**with_embedding(shown, 1.0, 0.0)))
    lease = claim(shown, "bob")
    assert get(shown, "bob", f"claims/{lease['id']}/precedents").json()["method"] is None
    assert sweep_precedents() == 1
    take_effect()
    found = get(shown, "bob", f"claims/{lease['id']}/precedents").json()
    assert (found["method"], found["sealed"]) == ("embedding", False)
    assert [row["case"] for row in found["results"]] == [near["id"]], "an orthogonal case is not alike"
    assert found["results"][0]["outcome"]["label"] == "approve"
    assert found["results"][0]["similarity"] == pytest.approx(0.995, abs=1e-3)
    assert far["id"] not in str(found)


def test_without_embeddings_what_was_submitted_decides(shown: World) -> None:
    alike = decided(shown, "approve", input={"income": 50_000, "purpose": "car"})
    other = decided(shown, "reject", input={"income": 9_000, "purpose": "boat"})
    shown.submit(shown.case_body(input={"income": 51_000, "purpose": "car"}))
    lease = claim(shown, "bob")
    sweep_precedents()
    take_effect()
    found = get(shown, "bob", f"claims/{lease['id']}/precedents").json()
    assert found["method"] == "features"
    assert found["results"][0]["case"] == alike["id"]
    near = {row["case"]: row["similarity"] for row in found["results"]}
    assert near[alike["id"]] > near.get(other["id"], 0.0)
    page = shown.browser("bob").get(f"/claims/{lease['id']}/copilot").content.decode()
    assert "1 of" in page and "Nearest by what was submitted" in page


def test_a_sweep_asks_again_only_after_a_day(shown: World) -> None:
    shown.submit()
    assert sweep_precedents() == 1
    assert sweep_precedents() == 0
    CasePrecedents.objects.update(computed_at="2020-01-01T00:00:00Z")
    assert sweep_precedents() == 1


def test_a_case_the_reviewer_may_not_see_is_absent(shown: World) -> None:
    bob, expert = shown.users["bob"], Queue.objects.get(slug="loans-expert")
    body = {"input": {"income": 51_000, "purpose": "car"}}
    hidden = decided(shown, "reject", name="dave", queue="loans-expert", context={"complexity": 0.9}, **body)
    shown.submit(shown.case_body(**body))
    lease = claim(shown, "bob")
    sweep_precedents()
    take_effect()
    assert get(shown, "bob", f"claims/{lease['id']}/precedents").json()["results"] == []
    assign_perm("view_queue", bob, expert)
    (row,) = get(shown, "bob", f"claims/{lease['id']}/precedents").json()["results"]
    assert row["case"] == hidden["id"]
    stranger = make_world("other")
    assert get(stranger, "alice", f"claims/{lease['id']}/precedents").status_code == 404


def test_what_only_the_machine_decided_is_no_precedent(shown: World) -> None:
    decided(shown, "approve")
    Decision.objects.update(owner="system")
    shown.submit()
    lease = claim(shown, "bob")
    sweep_precedents()
    take_effect()
    path = f"claims/{lease['id']}/precedents"
    assert get(shown, "bob", path).json()["results"] == []
    earlier = Case.objects.exclude(pk=lease["case"]["id"]).get()
    body = {"label": "reject", "observed_at": rfc3339(now())}
    assert post(shown, "partner", f"cases/{earlier.pk}/outcomes", body).status_code == 201
    (row,) = get(shown, "bob", path).json()["results"]
    assert (row["outcome"]["label"], row["outcome"]["by"]) == ("reject", "outcome")


def test_the_subjects_earlier_cases_come_with_their_outcomes(shown: World) -> None:
    earlier = decided(shown, "reject", subject="customer-7")
    decided(shown, "approve", subject="customer-8")
    shown.submit(shown.case_body(subject="customer-7"))
    lease = claim(shown, "bob")
    take_effect()
    found = get(shown, "bob", f"claims/{lease['id']}/subject-history").json()
    (row,) = found["results"]
    assert (row["case"], row["outcome"]["label"]) == (earlier["id"], "reject")


ADDRESSES = ("api/v1/claims/{}/precedents", "api/v1/claims/{}/subject-history", "claims/{}/copilot")


def beside(world: World, lease: dict[str, Any]) -> list[tuple[int, str]]:
    """All three as Bob gets them."""
    callers = (world.api("bob"), world.api("bob"), world.browser("bob"))
    return [masked(c.get("/" + path.format(lease["id"]))) for c, path in zip(callers, ADDRESSES, strict=True)]


@pytest.mark.parametrize("arm", [0.0, 1.0])
def test_cases_that_differ_in_the_machines_answer_have_the_same_beside_them(world: World, arm: float) -> None:
    world.queue.reveal_share = arm
    world.queue.save()
    use_policy(world, rollout=True, sampling={"exploration_rate": 1.0, "audit_rate": 1.0})
    decided(world, "approve", subject="s", **with_embedding(world, 0.5, 0.25))
    decided(world, "reject", subject="s", **with_embedding(world, -0.5, 0.25))
    seen = []
    for prediction in ANSWERS.values():
        body = {k: v for k, v in world.case_body(subject="s").items() if k != "prediction"}
        body["input"] = {"income": 1, "purpose": "a"}
        case = world.submit(body | ({"prediction": prediction} if prediction else {}))
        lease = claim(world, "bob")
        sweep_precedents()
        take_effect()
        seen.append(beside(world, lease))
        if arm == 0.0:
            verb(world, "bob", lease, "first-judgement", label="reject")
            assert beside(world, lease) == seen[-1], "in the arm “never” it stays sealed"
        assert verb(world, "bob", lease, "skip").status_code == 200
        Case.objects.filter(pk=case["id"]).update(subject=None)  # no earlier case of the next one's
    assert all(each == seen[0] for each in seen)
    assert "reject" not in seen[0][0][1].lower() and '"outcome"' not in seen[0][1][1]


def test_after_the_first_judgement_it_is_all_there(world: World) -> None:
    world.queue.reveal_share = 1.0
    world.queue.save()
    decided(world, "approve", subject="s")
    world.submit(world.case_body(subject="s"))
    lease = claim(world, "bob")
    sweep_precedents()
    take_effect()
    sealed = get(world, "bob", f"claims/{lease['id']}/precedents").json()
    assert sealed == {"sealed": True, "method": None, "computed_at": None, "results": []}
    verb(world, "bob", lease, "first-judgement", label="approve")
    assert get(world, "bob", f"claims/{lease['id']}/precedents").json()["results"]
    (row,) = get(world, "bob", f"claims/{lease['id']}/subject-history").json()["results"]
    assert row["outcome"]["label"] == "approve"
    page = world.browser("bob").get(f"/claims/{lease['id']}/copilot").content.decode()
    assert "Risk" in page and "(decided by people)" in page


def test_it_costs_a_fixed_number_of_statements(shown: World) -> None:
    for number in range(3):
        decided(shown, "approve", subject="s", external_id=f"d-{number}")
    shown.submit(shown.case_body(subject="s"))
    lease = claim(shown, "bob")
    sweep_precedents()
    take_effect()
    for what, budget in (("precedents", 9), ("subject-history", 9)):
        with CaptureQueriesContext(connection) as captured:
            assert len(get(shown, "bob", f"claims/{lease['id']}/{what}").json()["results"]) == 3
        assert len(captured.captured_queries) <= budget


def test_pictures_are_compared_pixel_by_pixel() -> None:
    blank, line = [[0, 0], [0, 0]], [[0, 16], [0, 16]]
    one = describe({"pixels": line}, ["/pixels"])
    found = similarities(one, [describe({"pixels": p}, ["/pixels"]) for p in (line, blank, [[0, 16], [0, 8]])])
    assert found == pytest.approx([1.0, 0.5, 0.875])


def test_gower_by_hand() -> None:
    """Two numbers over their range, one name, one text; a field only one has does not count."""
    one = describe({"income": 10, "age": 30, "kind": "car", "more": "x"})
    other = describe({"income": 20, "age": 30, "kind": "boat"})
    third = describe({"income": 30, "age": 50, "kind": "car"})
    found = similarities(one, [other, third])
    # income spans 10–30, age 30–50
    assert found == pytest.approx([(0.5 + 1.0 + 0.0) / 3, (0.0 + 0.0 + 1.0) / 3])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.floats(-1e6, 1e6) | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.lists(JSON, max_size=5))
def test_any_input_can_be_compared_and_is_most_like_itself(one: Any, others: list[Any]) -> None:
    mine = describe(one)
    found = similarities(mine, [mine, *map(describe, others)])
    assert np.all((found >= 0.0) & (found <= 1.0 + 1e-9))
    assert found[0] == pytest.approx(1.0 if mine else 0.0)
