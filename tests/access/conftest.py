"""A workspace with something of everything, and everybody who may knock."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from feedback.actions.error_monitors import watch_errors
from feedback.actions.experiments import Declared, declare_experiment
from feedback.actions.export_work import work_exports
from feedback.actions.exports import request_export
from feedback.actions.imports import request_import
from feedback.actions.labels import rebuild_labels
from feedback.actions.retraining import suggest_retraining
from feedback.actions.suite_runs import request_suite_run
from feedback.digest_data import week_of
from feedback.models import ErrorMonitor, Experiment, ReplayChange, ReplayJob, SuiteRun
from feedback.structs import ExportIn, ImportIn
from hitl.accounts.models import ApiKey, Membership, User
from hitl.core.clock import now, rfc3339
from hitl.core.permissions import Role, Scope
from hitl.delivery.actions.endpoints import register_endpoint, send_test
from reviews.actions.alerts import About, Wording, raise_alert
from reviews.actions.appeals import file_appeal
from reviews.actions.guidelines import put_in_force, write_guideline
from reviews.actions.suites import write_suite
from reviews.models import Appeal, Case, Decision, Judgement, Panel, Queue, Reviewer
from reviews.suites import ExampleIn
from routing.models import ModelEndpoint, ModelVersion, Policy, TaskType
from tests.api.support import claim, judge, post
from tests.factories import World, make_key, make_world, policy_document
from tests.feedback.history import add_cases, observe
from tests.feedback.past import draft, replay

ROLES = ("partner", "alice", "bob", "erin", "oscar", "stranger", "nobody")


@dataclass
class Scene:
    """`ids` fill the routes' parameters, all of workspace acme."""

    world: World
    stranger: World
    ids: dict[str, str]
    token: str
    callers: dict[tuple[str, bool], Browser] = field(default_factory=dict)

    def caller(self, role: str, path: str) -> Browser:
        """A key for the API, a session for pages; the partner has no session."""
        return self.callers[role, path.startswith("/api/")]

    def knock(self, role: str, api: bool) -> Browser:
        """A new caller; made beforehand, so that undoing a request does not undo the session."""
        if role == "nobody" or (role == "partner" and not api):
            return Browser()
        world, name = (self.stranger, "alice") if role == "stranger" else (self.world, role)
        return world.api(name) if api else world.browser(name)

    def body(self, method: str, path: str) -> dict[str, Any]:
        """What a caller who may do it would send; nothing on most pages."""
        if not path.startswith("/api/"):
            if path.endswith("/notes"):
                return {"data": {"text": "odd"}}
            wishes = {"style": "grey", "scope": "all", "break_after_min": "0"} if path == "/settings/wellness" else {}
            return {"data": {"token": self.token} if path.startswith("/claims") else wishes}
        return {"data": self.json(path, method), "content_type": "application/json"}

    def json(self, path: str, method: str = "POST") -> dict[str, Any]:
        """The smallest body that is right for this route of the API."""
        if path.endswith("/interactions"):
            return {"ms": 10, "events": [{"kind": "shown", "ms": 0}]}
        if path.startswith("/api/v1/claims/"):
            more: dict[str, dict[str, Any]] = {
                "snooze": {"until": rfc3339(now() + timedelta(hours=1)), "reason": "waits for papers"},
                "transfer": {"to": "carol", "note": "yours"},
                "return": {"reason": "not mine"},
                "answer": {"answer": "yes"},
            }
            label = {"label": "reject"} if "judgement" in path else more.get(path.rsplit("/", 1)[1], {})
            return {"token": self.token} | label
        return {
            "/api/v1/cases": self.world.case_body(),
            "/api/v1/cases/batch": {"cases": [self.world.case_body()]},
            "/api/v1/cases/<case_id>/outcomes": {"label": "reject", "observed_at": rfc3339(now())},
            "/api/v1/cases/<case_id>/notes": {"text": "odd"},
            "/api/v1/cases/<case_id>/appeals": {"reason": "I do earn that.", "submitted_by": "customer-7"},
            "/api/v1/cases/<case_id>/reports": {"category": "spam"},
            "/api/v1/cases/<case_id>/known-bad": {"reason": "fraud ring"},
            "/api/v1/decisions/<decision_id>/audit": {"verdict": "upheld"},
            "/api/v1/threshold-studies": {"task_type": "loan", "records": [{"confidence": 0.5, "correct": True}]},
            "/api/v1/policies/<slug>/versions": {"document": policy_document()},
            "/api/v1/model-versions/<model_id>/status": {"status": "withdrawn"},
            "/api/v1/policies/<slug>/rule-trials": {"when": "context.is_new_user"},
            "/api/v1/policies/<slug>/advice": {
                "irreversible": False,
                "per_day": 10,
                "error_cost": 1,
                "reviewable_share": 1,
            },
            "/api/v1/model-endpoints": {"slug": "new", "kind": "judge", "url": "http://127.0.0.1:9/v1"},
            "/api/v1/queues/<slug>/guideline": {"number": 1},
            "/api/v1/task-types/<slug>/guidelines": {"title": "Loans", "text": "Look closely.", "note": "first"},
            "/api/v1/task-types/<slug>/suites": {
                "examples": [{"name": "a", "input": {}, "expected": "reject"}],
                "note": "second",
            },
            "/api/v1/reviews/bulk": {
                "queue": "loans",
                "task_type": "loan",
                "label": "reject",
                "reviews": [self.ids["review_id"]],
                "count": 1,
            },
            "/api/v1/saved-filters": {"place": "cases", "name": "mine", "query": {}},
            "/api/v1/reviews/<review_id>/assignment": {"to": "carol"} if method == "PUT" else {},
            "/api/v1/panels/<panel_id>/settle": {"label": "reject", "reason": "both read it again"},
            "/api/v1/retraining-suggestions/<suggestion_id>/status": {"status": "dismissed", "reason": "no"},
            "/api/v1/imports": {"task_type": "loan", "format": "csv", "content": "external_id,label\n1,reject\n"},
            "/api/v1/digests": {"task_type": "loan", "week": week_of(now()).isoformat()},
            "/api/v1/agreement": {"ratings": [[1, 2], [1, 2]], "level": "nominal"},
            "/api/v1/webhooks": {"url": "http://127.0.0.1:9/hook"},
        }.get(path, {})

    def fill(self, path: str) -> dict[str, str]:
        """The ids for this route: a slug names what its address is about."""
        own_key = {"key_id": self.ids["alices_key_id"]} if path.startswith("/settings/") else {}
        queue = {"slug": "loans"} if path.removeprefix("/api/v1").startswith(("/queues", "/ops/visibility")) else {}
        model = {"slug": "gpt"} if "/model" in path else {}
        return self.ids | own_key | queue | model


def a_running_replay(world: World) -> tuple[ReplayJob, ReplayChange]:
    """With a changed case, and still to be cancelled."""
    job, _ = replay(world, draft(world, rules=[{"name": "all", "when": "true", "then": "escalate"}]))
    ReplayJob.objects.filter(pk=job.pk).update(status="running")
    return job, ReplayChange.objects.filter(job=job)[0]


def an_experiment(world: World) -> Experiment:
    """Two regions compared."""
    declared = Declared(
        world.task_type, "Regions", kind="segment", over="policy", first="region=EU", second="region=US",
        measure="automated",
    )  # fmt: skip
    return declare_experiment(actor=world.actor("alice"), declared=declared)


def guideline(world: World) -> None:
    """A version in force in the queue that nobody has to acknowledge."""
    alice = world.actor("alice")
    version = write_guideline(actor=alice, task_type=world.task_type, title="Loans", text="Look.", note="first")
    put_in_force(actor=alice, version=version, queue=world.queue, must_acknowledge=False)


def a_suite_run(world: World) -> SuiteRun:
    """Of one example; it waits."""
    examples = [ExampleIn(name="a", input={}, expected="approve")]
    write_suite(actor=world.actor("alice"), task_type=world.task_type, examples=examples, note="first")
    return request_suite_run(actor=world.actor("alice"), task_type=world.task_type)


def an_appeal(world: World) -> Appeal:
    """Against what Carol decided; it waits with the experts."""
    case = world.submit()
    judge(world, "carol", claim(world, "carol"), "reject")
    filed = file_appeal(actor=world.actor("partner"), case_id=case["id"], reason="I do.", submitted_by="customer-7")
    Case.objects.filter(pk=case["id"]).update(queue=world.expert_queue)  # so that Bob may not see it
    return filed


def a_suggestion(world: World) -> dict[str, str]:
    """To train anew, on one case with an outcome."""
    observe(world, [(add_cases(world, [0.7])[0], "reject")])
    rebuild_labels()
    made = suggest_retraining(
        actor=world.actor("alice"), task_type=world.task_type, model_version="credit-1", trigger="drift", reason="drift"
    )
    assert made is not None
    return {"suggestion_id": str(made.pk), "dataset_id": str(made.dataset_id)}


@pytest.fixture
def scene(world: World) -> Scene:
    """One case held by Bob, one just judged by him, one decided; a partner with key and webhook."""
    stranger = make_world("globex")
    for model in (TaskType, Policy, Queue):  # so that a name of acme's is none of theirs
        for row in model.objects.filter(workspace=stranger.workspace):
            model.objects.filter(pk=row.pk).update(slug=f"their-{row.slug}")
    user = User.objects.create_user("oscar")
    Membership.objects.create(workspace=world.workspace, user=user, role=Role.OPERATOR)
    world.users["oscar"] = user
    world.keys["oscar"] = make_key(world, user=user, scopes=list(Scope))
    contested = an_appeal(world)
    guideline(world)
    world.submit()
    judge(world, "bob", claim(world, "bob"), "reject", "?undo_seconds=60")
    world.submit()
    lease = claim(world, "bob")
    waiting = world.submit()
    endpoint = register_endpoint(actor=world.actor("partner"), url="http://127.0.0.1:9/hook")
    ModelEndpoint.objects.create(workspace=world.workspace, slug="gpt", kind="judge", url="http://127.0.0.1:9/v1")
    delivery = send_test(actor=world.actor("partner"), endpoint=endpoint)
    running, changed = a_running_replay(world)
    export = request_export(actor=world.actor("partner"), wanted=ExportIn())
    work_exports()
    history = ImportIn(task_type="loan", format="csv", content="external_id,label\n1,reject\n")
    imported = request_import(actor=world.actor("partner"), wanted=history)
    study = post(world, "alice", "threshold-studies", {"task_type": "loan"}).json()
    about, words = About("queue", world.queue.pk), Wording("Too much", "It grows.")
    alert = raise_alert(actor=world.actor("alice"), kind="backlog", about=about, words=words)
    watch_errors()
    panel = Panel.objects.create(
        workspace=world.workspace,
        case_id=lease["case"]["id"],
        queue=world.queue,
        scheme={"kind": "blind_double"},
        status="returned",
        opened_at=now(),
    )
    ids = {
        "appeal_id": str(contested.pk),
        "panel_id": str(panel.pk),
        "alert_id": str(alert.pk),
        "case_id": lease["case"]["id"],
        "claim_id": lease["id"],
        "review_id": waiting["review"]["id"],
        "judgement_id": str(Judgement.objects.get(stage="final", user=world.users["bob"]).pk),
        "decision_id": str(Decision.objects.get(decided_by=world.users["bob"]).pk),
        "study_id": study.get("id", ""),
        "replay_id": str(running.pk),
        "change_id": str(changed.pk),
        **a_suggestion(world),
        "export_id": str(export.pk),
        "experiment_id": str(an_experiment(world).pk),
        "import_id": str(imported.pk),
        "run_id": str(a_suite_run(world).pk),
        "slug": "loan",
        "number": "1",
        "model_id": str(ModelVersion.objects.get(workspace=world.workspace).pk),
        "verb": "retire",
        "monitor_id": str(ErrorMonitor.objects.get(workspace=world.workspace).pk),
        "webhook_id": str(endpoint.pk),
        "delivery_id": str(delivery.pk),
        "client_id": str(world.client.pk),
        "key_id": str(ApiKey.objects.get(client=world.client).pk),
        "alices_key_id": str(ApiKey.objects.get(user=world.users["alice"]).pk),
        "membership_id": str(Membership.objects.get(user=world.users["carol"]).pk),
        "reviewer_id": str(Reviewer.objects.get(user=world.users["carol"]).pk),
        "uidb36": "0",
        "key": "none",
    }
    made = Scene(world, stranger, ids, lease["token"])
    made.callers = {(role, api): made.knock(role, api) for role in ROLES for api in (True, False)}
    return made
