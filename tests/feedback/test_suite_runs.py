"""A policy test suite run on models and policy: the engine's own route, exact figures, what fails anew, no traces."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models.functions import Now
from pytest_django import DjangoAssertNumQueries

from audit.models import Event
from feedback.actions import suite_work
from feedback.actions.suite_runs import request_suite_run
from feedback.actions.suite_work import work_suites
from feedback.models import SuiteRun
from feedback.suite_payloads import results_of, summary_of
from feedback.suite_results import ExampleResult, SuiteSummary
from hitl.accounts.models import ApiKey
from hitl.core.errors import DomainError, Forbidden, NotFound
from reviews.actions.asking import ask_models
from routing.models import ModelEndpoint, PolicyVersion, RoutingDecision, TaskType
from tests.api.support import get, post, problem, table_counts, use_policy
from tests.factories import World, make_world
from tests.models_asked.conftest import JUDGE, endpoint
from tests.models_asked.server import ModelServer, answers, model_server, says
from tests.reviews.test_suites import example, written

ADAPTER = {"name": "general", "endpoint": "general", "retries": 0}
NO = answers(200, {"label": "reject", "confidence": 0.97, "model_version": "credit-1"})


def prediction(label: str = "approve", confidence: float = 0.99) -> dict[str, Any]:
    return {"label": label, "confidence": confidence, "model_version": "credit-1"}


def run(world: World, number: int | None = None) -> SuiteRun:
    """A run of the newest suite, ended."""
    asked = request_suite_run(actor=world.actor("alice"), task_type=world.task_type, number=number)
    assert work_suites() == 1
    asked.refresh_from_db()
    return asked


def figures(done: SuiteRun) -> SuiteSummary:
    found = summary_of(done)
    assert found is not None, done.detail
    return found


def by_name(done: SuiteRun) -> dict[str, ExampleResult]:
    return {result.name: result for result in results_of(done)}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server(NO) as found:
        yield found


def ask_adapter(world: World, server: ModelServer, **policy: Any) -> ModelEndpoint:
    use_policy(world, adapters=[ADAPTER], **policy)
    return endpoint(world, server, "general", kind="adapter")


def test_labels_and_routes_are_held_against_what_is_expected(world: World) -> None:
    written(
        world,
        example("right and sure", expected_route="machine"),
        example("wrong and sure", expected="reject", section="Income", expected_route="people"),
        example("wrong, but seen", expected="reject", prediction=prediction(confidence=0.5), expected_route="people"),
        example("nobody predicts", prediction=None, expected_route="people"),
    )  # fmt: skip
    done = run(world)
    assert done.status == "done"
    found = by_name(done)
    assert list(found) == ["wrong and sure", "wrong, but seen", "right and sure", "nobody predicts"]
    assert (found["right and sure"].correct, found["right and sure"].route) == (True, "machine")
    bad = found["wrong and sure"]
    assert (bad.correct, bad.route, bad.route_as_expected, bad.wrong_alone, bad.section) == (
        False, "machine", False, True, "Income",
    )  # fmt: skip
    seen = found["wrong, but seen"]
    assert (seen.correct, seen.route_as_expected, seen.wrong_alone, seen.action) == (False, True, False, "review")
    none = found["nobody predicts"]
    assert (none.source, none.label, none.correct, none.failing) == ("none", None, None, False)
    summary = figures(done)
    assert (summary.examples, summary.failing, summary.unanswered, summary.wrong_alone) == (4, 2, 1, 1)
    assert (summary.model.passed, summary.model.of, summary.route.passed, summary.route.of) == (1, 3, 3, 4)


def test_the_interval_is_exact(world: World) -> None:
    """Clopper & Pearson 1934, 95 %: 4 of 10 gives 0.1216 to 0.7376 (Brown, Cai & DasGupta 2001)."""
    written(world, *(example(str(n), expected="approve" if n < 4 else "reject") for n in range(10)))
    model = figures(run(world)).model
    assert (model.share, round(model.low, 4), round(model.high, 4)) == (0.4, 0.1216, 0.7376)


def test_a_run_leaves_nothing_behind_but_itself(world: World) -> None:
    written(world)
    before = table_counts()
    run(world)
    after = table_counts()
    changed = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    assert changed == {"feedback.SuiteRun": 1, "audit.Event": 2}


CASES: dict[str, dict[str, Any]] = {
    "sure": {},
    "unsure": {"prediction": prediction(confidence=0.6)},
    "a rule": {"context": {"is_new_user": True}},
    "raised risk": {"context": {"stakes": "critical", "amount": 5.0}},
    "irreversible": {"proposed_action": {"type": "disburse", "reversible": False}},
    "another model": {"prediction": prediction() | {"model_version": "unknown-9"}},
    "no prediction": {"prediction": None},
    "split votes": {"prediction": prediction() | {"ensemble": [{"model": "b", "label": "reject", "confidence": 0.9}]}},
    "a check fails": {"input": {"purpose": "car"}},
}


@pytest.mark.parametrize("name", CASES)
def test_the_route_is_the_one_a_case_gets(world: World, name: str) -> None:
    """The same facts submitted as a case: every part of the route that no draw decides is equal."""
    use_policy(
        world,
        rules=[{"name": "new", "when": "context.is_new_user", "then": "escalate"}],
        signals={"min_ensemble_agreement": 0.9},
        cascade={"layers": [{"kind": "json_schema", "name": "income", "schema": {"required": ["income"]}}]},
    )
    changes = CASES[name]
    written(world, example("it", **changes))
    ours = by_name(run(world))["it"]
    body = {key: value for key, value in example(**changes).items() if key not in ("name", "expected")}
    case = world.submit(
        body | {"task_type": "loan"} | ({"prediction": changes["prediction"]} if "prediction" in changes else {})
    )
    live = RoutingDecision.objects.get(case_id=case["id"])
    assert (ours.zone, ours.rule, ours.threshold, ours.calibrated_confidence) == (
        live.zone, live.rule, live.threshold, live.calibrated_confidence,
    )  # fmt: skip
    assert ours.route == ("people" if live.selection_probability == 1 else "machine")
    if not live.sampled:
        assert (ours.action, ours.tier, ours.reason) == (live.action, live.tier, live.reason)


def test_chance_does_not_count_against_an_expected_route(world: World) -> None:
    written(world, *(example(str(number), expected_route="machine") for number in range(20)))
    use_policy(world, sampling={"exploration_rate": 0.99, "audit_rate": 0.99})
    assert figures(run(world)).route.passed == 20
    use_policy(world, sampling={"exploration_rate": 1.0, "audit_rate": 1.0})
    assert figures(run(world)).route.passed == 0, "with a rate of 1 every case reaches a person"


def test_the_adapter_is_asked_and_its_answer_counts_instead_of_the_stored_one(
    world: World, server: ModelServer
) -> None:
    ask_adapter(world, server)
    written(world, example("a"), example("b", input={"income": 1}, expected="reject"))
    done = run(world)
    found = by_name(done)
    assert {(r.source, r.label, r.confidence) for r in found.values()} == {("model", "reject", 0.97)}
    assert (found["a"].correct, found["b"].correct) == (False, True)
    assert sorted(server.asked, key=str) == [{"input": {"income": 1}}, {"input": {"income": 51000, "purpose": "car"}}]
    assert server.headers[0]["authorization"] == "Bearer sk-1"


def test_a_specialist_revises_as_it_does_for_a_case(world: World, server: ModelServer) -> None:
    unsure = answers(200, {"label": "approve", "confidence": 0.6, "model_version": "credit-1"})
    server.script = [unsure, NO, unsure, NO]
    ask_adapter(world, server)
    expert = {"name": "expert", "endpoint": "general", "revises": True, "when": "prediction.confidence < 0.9"}
    use_policy(world, adapters=[ADAPTER, expert], signals={"min_ensemble_agreement": 0.9})
    written(world, example("a", prediction=None))
    ours = by_name(run(world))["a"]
    body = world.case_body()
    del body["prediction"]
    case = world.submit(body)
    ask_models()
    live = RoutingDecision.objects.get(case_id=case["id"])
    assert len(server.asked) == 4
    assert (ours.label, ours.route, ours.zone, ours.reason) == ("reject", "people", live.zone, live.reason)


def test_where_no_endpoint_is_active_the_stored_prediction_counts(world: World, server: ModelServer) -> None:
    model = ask_adapter(world, server)
    ModelEndpoint.objects.filter(pk=model.pk).update(active=False)
    written(world, example("stored"), example("none", prediction=None))
    found = by_name(run(world))
    assert (found["stored"].source, found["stored"].label) == ("stored", "approve")
    assert found["none"].error == "general: there is no active endpoint of kind adapter by this name"
    assert not server.asked


FAILURES = {
    "refused": (answers(403, {}), "general: HTTP 403"),
    "nothing there": (answers(200, {}), "general: not a usable prediction: "),
    "another's label": (
        answers(200, {"label": "maybe", "confidence": 0.9, "model_version": "x"}),
        "general: not a usable prediction: “maybe” is not a label of this task type.",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_model_that_does_not_answer_is_told_and_people_get_the_case(
    world: World, server: ModelServer, name: str
) -> None:
    server.otherwise, says_why = FAILURES[name]
    ask_adapter(world, server)
    written(world, example("a", expected_route="people"))
    done = run(world)
    found = by_name(done)["a"]
    assert found.error.startswith(says_why)
    assert (found.label, found.correct, found.route, found.failing) == (None, None, "people", True)
    assert (figures(done).unanswered, figures(done).model.of) == (1, 0)


def test_judges_are_asked_too(world: World, server: ModelServer) -> None:
    server.script = [says({"verdict": "fail", "reason": "no"}), answers(403, {})]
    endpoint(world, server)
    use_policy(world, cascade={"layers": [JUDGE | {"retries": 0}]})
    written(world, example("a", expected_route="people"))
    first, second = by_name(run(world))["a"], by_name(run(world))["a"]
    assert (first.route, first.correct, first.error) == ("people", True, "")
    assert (second.route, second.error) == ("people", "judge: HTTP 403")


def test_what_fails_anew_stands_first(world: World) -> None:
    written(world, example("kept"), example("always", expected="reject"), example("once", expected_route="machine"))
    first = run(world)
    assert (first.compared_with, figures(first).newly_failing) == (None, [])
    strict = PolicyVersion.objects.create(
        workspace=world.workspace, policy=world.policy, number=9, status="draft", created_at=first.created_at,
        document={"thresholds": {"default": None}},
    )  # fmt: skip
    second = run(world, strict.number)
    assert second.compared_with == first
    assert [(r.name, r.change) for r in results_of(second)] == [
        ("once", "newly_failing"),
        ("always", None),
        ("kept", None),
    ]
    third = run(world)
    assert (figures(third).newly_failing, figures(third).newly_passing) == ([], ["once"])
    finished = Event.objects.filter(action="suite.run_finished", object_id=str(second.pk)).get()
    assert (finished.after["newly_failing"], finished.versions) == (1, {"policy": 9})


def test_a_lost_worker_is_followed_by_one_that_goes_on(world: World, server: ModelServer) -> None:
    ask_adapter(world, server)
    written(world, *(example(str(number)) for number in range(20)))
    asked = request_suite_run(actor=world.actor("alice"), task_type=world.task_type)
    lost = suite_work._claim()
    assert lost is not None and suite_work._claim() is None, "it is held"
    bench = suite_work.bench_for(lost.run.version)
    with suite_work.ThreadPoolExecutor(4) as pool:
        suite_work._store(lost, suite_work._batch(lost, bench, pool))
    assert len(server.asked) == 16
    SuiteRun.objects.filter(pk=asked.pk).update(lease_until=Now())
    assert work_suites() == 1
    asked.refresh_from_db()
    assert (asked.status, asked.done, len(server.asked)) == ("done", 20, 20)
    assert not suite_work._work(lost, until=0), "what the first worker still brings is not stored"
    asked.refresh_from_db()
    assert (asked.status, len(asked.results)) == ("done", 20)


def test_a_run_that_kills_its_workers_fails(world: World) -> None:
    written(world)
    asked = request_suite_run(actor=world.actor("alice"), task_type=world.task_type)
    for _ in range(suite_work.MOST_ATTEMPTS):
        assert suite_work._claim() is not None
        SuiteRun.objects.filter(pk=asked.pk).update(lease_until=Now())
    work_suites()
    asked.refresh_from_db()
    assert (asked.status, asked.detail) == ("failed", "It was begun three times, and no worker came to its end.")
    assert Event.objects.filter(action="suite.run_failed").count() == 1


def test_who_may_run_what(world: World) -> None:
    with pytest.raises(DomainError) as none:
        request_suite_run(actor=world.actor("alice"), task_type=world.task_type)
    assert none.value.code == "no_suite"
    written(world)
    first = request_suite_run(actor=world.actor("alice"), task_type=world.task_type)
    assert request_suite_run(actor=world.actor("partner"), task_type=world.task_type) == first, "still waiting"
    with pytest.raises(Forbidden):
        request_suite_run(actor=world.actor("erin"), task_type=world.task_type)
    with pytest.raises(NotFound):
        request_suite_run(actor=make_world("globex").actor("alice"), task_type=world.task_type)
    with pytest.raises(DomainError) as unknown:
        request_suite_run(actor=world.actor("alice"), task_type=world.task_type, number=7)
    assert (unknown.value.code, unknown.value.errors[0].pointer) == ("unknown_version", "/policy_version")
    PolicyVersion.objects.filter(policy=world.policy).update(status="retired")
    with pytest.raises(DomainError, match="No version is active"):
        request_suite_run(actor=world.actor("alice"), task_type=world.task_type)


def test_over_rest(world: World, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    written(world, *(example(str(number), expected="reject" if number < 3 else "approve") for number in range(60)))
    asked = post(world, "partner", "task-types/loan/suite-runs", {"policy_version": 1})
    assert asked.status_code == 202, asked.content
    path = f"suite-runs/{asked.json()['id']}"
    assert get(world, "erin", path).json()["status"] == "waiting"
    assert get(world, "erin", f"{path}/results").json() == {"results": [], "next": None}
    work_suites()
    with django_assert_max_num_queries(2):
        done = get(world, "erin", path).json()
    assert (done["status"], done["done"], done["suite"], done["policy_version"]) == ("done", 60, 1, 1)
    assert (done["summary"]["model"]["passed"], done["summary"]["failing"]) == (57, 3)
    with django_assert_max_num_queries(3):
        page = get(world, "erin", f"{path}/results?limit=50").json()
    assert [row["name"] for row in page["results"][:4]] == ["0", "1", "2", "3"]
    rest = get(world, "erin", f"{path}/results?limit=50&cursor={page['next']}").json()
    assert (len(rest["results"]), rest["next"]) == (10, None)
    assert len(get(world, "erin", f"{path}/results?only=failing").json()["results"]) == 3
    problem(get(world, "erin", f"{path}/results?only=odd"), 400, "invalid_input")
    problem(get(world, "erin", f"{path}/results?cursor=x"), 400, "invalid_input")
    problem(get(world, "bob", path), 403, "scope_required")
    with django_assert_max_num_queries(3):
        assert len(get(world, "erin", "task-types/loan/suite-runs").json()["results"]) == 1
    problem(post(world, "alice", "task-types/loan/suite-runs", {"policy_version": 7}), 422, "unknown_version")


def test_runs_of_a_hidden_task_type_are_missing(world: World) -> None:
    written(world)
    done = run(world)
    other = TaskType.objects.create(workspace=world.workspace, slug="car", title="Car", labels=world.task_type.labels)
    ApiKey.objects.filter(client=world.client).update(task_type_ids=[other.pk])
    for path in ("task-types/loan/suite-runs", f"suite-runs/{done.pk}", f"suite-runs/{done.pk}/results"):
        problem(get(world, "partner", path), 404, "not_found")
    problem(post(world, "partner", "task-types/loan/suite-runs", {}), 404, "not_found")
