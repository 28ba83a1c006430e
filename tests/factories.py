"""The fixed cast: Alice supervises, Bob, Carol and Dave review, Erin audits, Mallory belongs to another workspace."""

from dataclasses import dataclass, field
from typing import Any

from django.test import Client as Browser
from guardian.shortcuts import assign_perm

from hitl.accounts.models import ApiKey, Client, Membership, User, Workspace
from hitl.accounts.selectors import actor_of_user, holder_of_key
from hitl.core.actors import Actor
from hitl.core.clock import now
from hitl.core.permissions import Role, Scope
from reviews.models import Queue, Reviewer
from routing.models import Calibration, Policy, PolicyVersion, TaskType, Tier

PASSWORD = "correct horse battery"


@dataclass
class World:
    """Everything a test names; `keys` maps a person or "partner" to an API key's whole secret."""

    workspace: Workspace
    client: Client
    task_type: TaskType
    tiers: dict[str, Tier]
    queue: Queue
    expert_queue: Queue
    policy: Policy
    users: dict[str, User] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    other: Workspace | None = None

    def actor(self, name: str) -> Actor:
        """The actor of a person of the cast, or of "partner"."""
        if name == "partner":
            holder = holder_of_key(self.keys["partner"])
            assert holder is not None
            return holder.actor
        actor = actor_of_user(self.users[name])
        assert actor is not None
        return actor

    def api(self, name: str = "partner") -> Browser:
        """A test client that sends this person's (or the partner's) key."""
        return Browser(headers={"authorization": f"Bearer {self.keys[name]}"})

    def browser(self, name: str) -> Browser:
        """A signed-in browser session."""
        browser = Browser()
        browser.force_login(self.users[name], backend="django.contrib.auth.backends.ModelBackend")
        return browser

    def case_body(self, **changes: Any) -> dict[str, Any]:
        """A valid submission; by default the machine is not sure (confidence 0.7)."""
        body: dict[str, Any] = {
            "task_type": self.task_type.slug,
            "input": {"income": 51000, "purpose": "car"},
            "prediction": {
                "label": "approve",
                "confidence": 0.7,
                "model_version": "credit-1",
                "probabilities": {"approve": 0.7, "reject": 0.3},
            },
        }
        return body | changes

    def sure_case_body(self, **changes: Any) -> dict[str, Any]:
        """A submission the policy automates (confidence 0.99) unless the draw samples it."""
        prediction = {"label": "approve", "confidence": 0.99, "model_version": "credit-1"}
        return self.case_body(prediction=prediction) | changes

    def put_in_force(self, document: dict[str, Any]) -> PolicyVersion:
        """Make `document` the active version, without the four eyes."""
        versions = PolicyVersion.objects.filter(policy=self.policy)
        versions.filter(status="active").update(status="retired")
        return PolicyVersion.objects.create(
            workspace=self.workspace,
            policy=self.policy,
            number=versions.count() + 1,
            status="active",
            document=document,
            created_at=now(),
            activated_at=now(),
        )

    def submit(self, body: dict[str, Any] | None = None, name: str = "partner") -> dict[str, Any]:
        """Submit through REST and return the answer."""
        response = self.api(name).post("/api/v1/cases", body or self.case_body(), content_type="application/json")
        assert response.status_code in (200, 201), response.content
        return response.json()


def policy_document(**changes: Any) -> dict[str, Any]:
    """Automates from 0.9 with a fitted calibration for credit-1; 5 % exploration, 20 % audit."""
    return {
        "thresholds": {"default": 0.9},
        "sampling": {"exploration_rate": 0.05, "audit_rate": 0.2},
        "calibrations": [{"model_version": "credit-1", "confidence_source": "probability", "version": 1}],
        "priority": {"weights": {"uncertainty": 1.0}},
    } | changes


def make_world(slug: str = "acme", **task_type: Any) -> World:
    """One workspace with everything; other tests may call it twice with two slugs."""
    workspace = Workspace.objects.create(slug=slug, title=slug.title())
    tiers = {
        name: Tier.objects.create(workspace=workspace, slug=name, title=name, rank=rank, **extra)
        for rank, (name, extra) in enumerate(
            {
                "automated": {"automated": True},
                "tier-1": {"max_complexity": 0.6},
                "expert": {"max_complexity": 1.0, "expertise": ["credit"]},
            }.items()
        )
    }
    kind = TaskType.objects.create(
        workspace=workspace,
        **(
            {
                "slug": "loan",
                "title": "Loan",
                "labels": [{"value": "approve", "title": "Approve"}, {"value": "reject", "title": "Reject"}],
                "static_risk": "low",
                "safest_label": "reject",
            }
            | task_type
        ),
    )
    queues = [
        Queue.objects.create(workspace=workspace, slug=s, title=s, task_type=kind, tier=tiers[t])
        for s, t in (("loans", "tier-1"), ("loans-expert", "expert"))
    ]
    world = World(
        workspace=workspace,
        client=Client.objects.create(workspace=workspace, name="bank"),
        task_type=kind,
        tiers=tiers,
        queue=queues[0],
        expert_queue=queues[1],
        policy=Policy.objects.create(workspace=workspace, task_type=kind, slug="loan", title="Loan"),
    )
    _add_policy(world)
    _add_people(world, slug)
    world.keys["partner"] = make_key(world, client=world.client, scopes=list(Scope))
    return world


def _add_policy(world: World) -> None:
    Calibration.objects.create(
        workspace=world.workspace,
        task_type=world.task_type,
        model_version="credit-1",
        confidence_source="probability",
        version=1,
        method="identity",
        parameters={},
        n=1000,
        created_at=now(),
    )
    PolicyVersion.objects.create(
        workspace=world.workspace,
        policy=world.policy,
        number=1,
        status="active",
        document=policy_document(),
        created_at=now(),
        activated_at=now(),
    )


def _add_people(world: World, slug: str) -> None:
    suffix = "" if slug == "acme" else f"-{slug}"
    cast = {
        "alice": (Role.SUPERVISOR, "expert", []),
        "bob": (Role.REVIEWER, "tier-1", [world.queue]),
        "carol": (Role.REVIEWER, "tier-1", [world.queue]),
        "dave": (Role.REVIEWER, "expert", [world.expert_queue]),
        "erin": (Role.AUDITOR, None, []),
    }
    for name, (role, tier, own) in cast.items():
        user = User.objects.create_user(name + suffix, f"{name}{suffix}@example.org", PASSWORD)
        Membership.objects.create(workspace=world.workspace, user=user, role=role)
        world.users[name] = user
        world.keys[name] = make_key(world, user=user, scopes=list(Scope))
        if tier:
            reviewer = Reviewer.objects.create(workspace=world.workspace, user=user, tier=world.tiers[tier])
            reviewer.queues.set(own)
        for queue in own:
            assign_perm("claim_queue", user, queue)
            assign_perm("view_queue", user, queue)
    assign_perm("claim_queue", world.users["dave"], world.queue)  # an expert may help tier 1
    assign_perm("view_queue", world.users["dave"], world.queue)


def make_key(world: World, *, scopes: list[Scope], client: Client | None = None, user: User | None = None) -> str:
    """A new key; returns the whole secret."""
    whole, prefix, secret_hash = ApiKey.new_secret()
    ApiKey.objects.create(
        workspace=world.workspace, client=client, user=user, prefix=prefix, secret_hash=secret_hash, scopes=scopes
    )
    return whole
