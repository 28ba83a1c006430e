"""A workspace to measure in: `python -m bench.world` with DATABASE_URL; prints a World as JSON.

The cast of the tests, two queues that differ in judge-first, a hundred more for the spread, and many reviewers with
keys, because one person claims a few reviews a minute and not hundreds a second.
"""

import sys
from typing import TYPE_CHECKING

import msgspec

from bench.load import case_body

if TYPE_CHECKING:
    from reviews.models import Queue
    from tests.factories import World as Cast

REVIEWERS, SPREAD, OWN = 64, 100, 20
_CAP = 32_000  # open claims per reviewer: runs that only claim must not meet the limit


class World(msgspec.Struct, frozen=True):
    """Keys are whole secrets; `template_case` is a submitted case waiting for review, to be copied by `fill`."""

    partner: str
    reviewers: list[str]
    spread_reviewers: list[str]
    open_queue: str
    sealed_queue: str
    spread_queues: list[str]
    template_case: str


def build() -> World:
    from hitl.accounts.models import ApiKey
    from reviews.models import Queue
    from tests.factories import make_world

    cast = make_world()
    sealed, opened = cast.queue, _queue(cast, "open", judge_first=False)
    spread = [_queue(cast, f"spread-{n:03}") for n in range(SPREAD)]
    general = [_reviewer(cast, f"reviewer-{n}", [sealed, opened]) for n in range(REVIEWERS)]
    wide = [
        _reviewer(cast, f"wide-{n}", [spread[(n * OWN + i) % SPREAD] for i in range(OWN)]) for n in range(REVIEWERS)
    ]
    ApiKey.objects.update(requests_per_minute=100_000_000)
    Queue.objects.update(max_open_claims=_CAP)
    return World(
        partner=cast.keys["partner"],
        reviewers=general,
        spread_reviewers=wide,
        open_queue=str(opened.pk),
        sealed_queue=str(sealed.pk),
        spread_queues=[str(q.pk) for q in spread],
        template_case=_template(cast),
    )


def _window(queues: "list[Queue]", number: int) -> "list[Queue]":
    """Twenty of them; every fifth reviewer has the same, and together they have all."""
    return [queues[(number * OWN + i) % len(queues)] for i in range(OWN)]


def _queue(cast: "Cast", slug: str, *, judge_first: bool = True) -> "Queue":
    from reviews.models import Queue

    return Queue.objects.create(
        workspace=cast.workspace,
        slug=slug,
        title=slug,
        task_type=cast.task_type,
        tier=cast.tiers["tier-1"],
        judge_first=judge_first,
    )


def _reviewer(cast: "Cast", name: str, queues: "list[Queue]") -> str:
    from django.contrib.auth.models import Permission

    from hitl.accounts.models import Membership, User
    from hitl.core.permissions import Role, Scope
    from reviews.models import QueueUserObjectPermission, Reviewer
    from tests.factories import make_key

    user = User.objects.create(username=name)
    Membership.objects.create(workspace=cast.workspace, user=user, role=Role.REVIEWER)
    tier = cast.tiers["tier-1"]
    reviewer = Reviewer.objects.create(workspace=cast.workspace, user=user, tier=tier, max_open_claims=_CAP)
    reviewer.queues.set(queues)
    QueueUserObjectPermission.objects.bulk_create(
        QueueUserObjectPermission(user=user, permission=permission, content_object=queue)
        for permission in Permission.objects.filter(codename__in=["claim_queue", "view_queue"])
        for queue in queues
    )
    return make_key(cast, user=user, scopes=list(Scope))


def _template(cast: "Cast") -> str:
    from hitl.core.parsing import parse_json
    from reviews.actions.intake import Submission, submit_case
    from reviews.structs import CaseIn

    raw = case_body("template", 0.7, 1000)
    body = parse_json(raw, CaseIn, max_bytes=len(raw))
    answer = submit_case(actor=cast.actor("partner"), submission=Submission(body, raw))
    return str(msgspec.json.decode(answer.body)["id"])


if __name__ == "__main__":
    import django

    django.setup()
    sys.stdout.buffer.write(msgspec.json.encode(build()))
