"""A past that went through intake: submitted, routed by the policy in force, some with outcomes; and drafts to try."""

import random
from collections.abc import Iterable
from typing import Any

import msgspec
from django.db import connection

from feedback.actions.labels import rebuild_labels
from feedback.actions.replay_work import work_replays
from feedback.actions.replays import request_replay
from feedback.models import ReplayJob
from feedback.replay_result import ReplayResult
from feedback.structs import ReplayIn
from hitl.core.clock import now
from hitl.core.ids import new_id
from hitl.core.parsing import convert
from reviews.actions.intake import Submission, submit_case
from reviews.models import Case
from reviews.structs import CaseIn
from routing.models import PolicyVersion
from tests.factories import World, policy_document
from tests.feedback.history import observe


def submit_past(world: World, n: int, *, seed: int = 1, wrong: float = 0.1, labelled: float = 1.0) -> list[Case]:
    """`n` cases with confidences from 0.5 to 1 in two regions; `wrong` of those with an outcome prove wrong."""
    rng = random.Random(seed)
    ids = []
    for _ in range(n):
        confidence = rng.uniform(0.5, 1.0)
        prediction = {"label": "approve", "confidence": confidence, "model_version": "credit-1"}
        context = {"segments": {"region": rng.choice(["EU", "US"])}, "amount": rng.uniform(0, 1000)}
        body = world.case_body(prediction=prediction, context=context)
        answer = submit_case(actor=world.actor("partner"), submission=Submission(convert(body, CaseIn), b""))
        ids.append(msgspec.json.decode(answer.body)["id"])
    found = {str(case.pk): case for case in Case.objects.filter(pk__in=ids)}
    cases = [found[i] for i in ids]
    observe(world, [(c, "reject" if rng.random() < wrong else "approve") for c in cases if rng.random() < labelled])
    rebuild_labels()
    return cases


def draft(world: World, **changes: Any) -> PolicyVersion:
    """A draft with a changed document."""
    last = PolicyVersion.objects.filter(policy=world.policy).count()
    return PolicyVersion.objects.create(
        workspace=world.workspace, policy=world.policy, number=last + 1, document=policy_document(**changes),
        created_at=now(),
    )  # fmt: skip


def ask(world: World, version: PolicyVersion, name: str = "alice", **wanted: Any) -> ReplayJob:
    """A waiting replay."""
    return request_replay(actor=world.actor(name), version=version, wanted=ReplayIn(**wanted))


def replay(world: World, version: PolicyVersion, **wanted: Any) -> tuple[ReplayJob, ReplayResult]:
    """A finished one."""
    job = ask(world, version, **wanted)
    work_replays(job_id=job.pk)
    job.refresh_from_db()
    assert job.status == "done", job.detail
    return job, convert(job.result, ReplayResult)


def copy_cases(template: Case, copies: Iterable[Any]) -> None:
    """More cases by SQL, each with content, routing and training label of `template`."""
    ids = [new_id() for _ in copies]
    with connection.cursor() as cursor:
        for table, key in (
            ("reviews_case", "id"),
            ("reviews_casecontent", "case_id"),
            ("routing_routingdecision", "case_id"),
        ):
            cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
            names = [row[0] for row in cursor.fetchall()]
            chosen = {key: "i.id", "external_id": "NULL"} | ({"id": "gen_random_uuid()"} if key != "id" else {})
            values = ", ".join(chosen.get(name, f't."{name}"') for name in names)
            columns = ", ".join(f'"{name}"' for name in names)
            cursor.execute(
                f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} t, unnest(%s::uuid[]) i(id)"
                f" WHERE t.{key} = %s",
                [ids, template.pk],
            )
