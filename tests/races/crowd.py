"""Many people at work at once, and cases for them."""

from typing import Any

from django.http import HttpResponse
from guardian.shortcuts import assign_perm

from hitl.accounts.models import Membership, User
from hitl.core.permissions import Role, Scope
from reviews.models import Reviewer
from tests.api.support import post
from tests.factories import World, make_key


def add_reviewers(world: World, count: int) -> list[str]:
    """More tier-1 reviewers with keys; their names."""
    names = [f"reviewer-{n}" for n in range(count)]
    for name in names:
        user = User.objects.create(username=name)
        Membership.objects.create(workspace=world.workspace, user=user, role=Role.REVIEWER)
        Reviewer.objects.create(workspace=world.workspace, user=user, tier=world.tiers["tier-1"]).queues.set(
            [world.queue]
        )
        assign_perm("claim_queue", user, world.queue)
        world.users[name] = user
        world.keys[name] = make_key(world, user=user, scopes=list(Scope))
    return names


def submit_many(world: World, count: int) -> list[str]:
    """That many waiting cases; their ids."""
    body = {"cases": [world.case_body() for _ in range(count)]}
    results = post(world, "partner", "cases/batch", body).json()["results"]
    return [r["case"]["id"] for r in results]


def codes(answers: list[HttpResponse]) -> list[Any]:
    """Each answer's status, with the problem's code where it is one; exceptions fail the test."""
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return sorted((a.status_code, a.json()["code"] if a.status_code >= 400 else "") for a in answers)
