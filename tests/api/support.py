"""What the contract tests share: sending JSON, walking the life of a claim, and policies made certain."""

from datetime import timedelta
from typing import Any

from django.apps import apps
from django.http import HttpResponse

from hitl.core.clock import now
from reviews.models import Claim, ReviewTask
from routing.models import PolicyVersion
from tests.factories import World, policy_document

JSON = "application/json"


def post(world: World, name: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
    """POST below /api/v1/ with this person's (or the partner's) key; header names with underscores."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    data = body if isinstance(body, bytes | str) else {} if body is None else body
    return world.api(name).post(f"/api/v1/{path}", data, content_type=JSON, headers=named)


def get(world: World, name: str, path: str) -> HttpResponse:
    """GET below /api/v1/."""
    return world.api(name).get(f"/api/v1/{path}")


def problem(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """The problem document of a refusal, after checking its form (RFC 9457 and our stable code)."""
    assert response.status_code == status, (response.status_code, response.content)
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["code"] == code, body
    assert body["title"]
    assert body["detail"]
    return body


def claim(world: World, name: str, **body: str) -> dict[str, Any]:
    """Claim the next review and return the claim."""
    response = post(world, name, "reviews/claim", body)
    assert response.status_code == 200, response.content
    return response.json()["claim"]


def verb(world: World, name: str, lease: dict[str, Any], what: str, **body: Any) -> HttpResponse:
    """renew, release, skip, escalate, first-judgement or judgement on a claim, with its token."""
    return post(world, name, f"claims/{lease['id']}/{what}", {"token": lease["token"]} | body)


def judge(world: World, name: str, lease: dict[str, Any], label: str, query: str = "", **body: Any) -> dict[str, Any]:
    """First judgement where it is asked for, then the final one; returns the case."""
    if lease["review"]["judge_first"]:
        assert verb(world, name, lease, "first-judgement", label=label).status_code == 200
    response = verb(world, name, lease, f"judgement{query}", label=label, **body)
    assert response.status_code == 200, response.content
    return response.json()


def lapse(lease: dict[str, Any]) -> None:
    """Let a lease run out, as time would."""
    Claim.objects.filter(pk=lease["id"]).update(expires_at=now() - timedelta(seconds=1))


def overdue(case: dict[str, Any]) -> None:
    """Let the SLA of a case's review pass, as time would."""
    past = now() - timedelta(seconds=1)
    assert ReviewTask.objects.filter(case_id=case["id"]).update(due_at=past, urgent_at=past)


def use_policy(world: World, **changes: Any) -> PolicyVersion:
    """Put another policy document in force."""
    active = PolicyVersion.objects.get(policy=world.policy, status="active")
    PolicyVersion.objects.filter(pk=active.pk).update(status="retired", retired_at=now())
    return PolicyVersion.objects.create(
        workspace=world.workspace,
        policy=world.policy,
        number=active.number + 1,
        status="active",
        document=policy_document(**changes),
        created_at=now(),
        activated_at=now(),
    )


def sample_all(world: World) -> None:
    """Every automated case is drawn for review or audit."""
    use_policy(world, sampling={"exploration_rate": 1.0, "audit_rate": 1.0})


def submit_until(world: World, action: str, body: dict[str, Any]) -> dict[str, Any]:
    """Submit until the draw gives this action; both sides of a draw come up within a few dozen cases."""
    for _ in range(200):
        case = world.submit(body)
        if case["routing"]["action"] == action:
            return case
    raise AssertionError(f"no case was routed to {action}")


def open_queue(world: World) -> None:
    """Reviewers of the first queue see the machine's answer from the start."""
    world.queue.judge_first = False
    world.queue.save()


def table_counts() -> dict[str, int]:
    """Rows of every table of ours, but for the rate limit's windows, which count requests, not content."""
    ours = ("core", "accounts", "audit", "delivery", "routing", "reviews", "feedback")
    models = [m for m in apps.get_models(include_auto_created=True) if m._meta.app_label in ours]
    return {m._meta.label: m._default_manager.count() for m in models if m._meta.model_name != "ratewindow"}
