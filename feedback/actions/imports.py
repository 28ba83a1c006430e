"""Ask for history to be imported."""

import hashlib

from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from feedback.models import HistoryImport
from feedback.selectors import task_type_by_slug
from feedback.structs import ImportIn
from hitl.core.actors import Actor, ActorKind
from hitl.core.clock import now
from hitl.core.enqueue import ring
from hitl.core.errors import FieldProblem, Forbidden, InvalidInput, RateLimited, Refused
from hitl.core.permissions import Scope

TASK = "feedback.work_imports"
MOST_WAITING = 20
"""Imports one client or person may have unfinished: each keeps its file in the database until it is worked."""


@transaction.atomic
def request_import(*, actor: Actor, wanted: ImportIn) -> HistoryImport:
    """Keep the file; a worker checks it and, unless it is a dry run, brings it in.

    Raises Forbidden, InvalidInput, Refused, RateLimited (`too_many_waiting`).
    """
    if actor.kind is not ActorKind.SYSTEM and Scope.CASES_WRITE not in actor.scopes:
        raise Forbidden("The scope `cases:write` is needed here.", code="scope_required")
    if "\x00" in wanted.content:
        raise InvalidInput(errors=[FieldProblem("/content", "No NUL characters.", "nul_character")])
    task_type = task_type_by_slug(actor, wanted.task_type)
    if task_type is None:
        problem = FieldProblem("/task_type", "Name a task type of this workspace.", "unknown_task_type")
        detail = f"There is no task type “{wanted.task_type}”."
        raise Refused(detail, code="unknown_task_type", errors=[problem])
    mine = HistoryImport.objects.filter(
        workspace_id=actor.workspace_id, client=actor.client_id, requested_by=actor.user_id
    )
    if mine.filter(status__in=(HistoryImport.Status.WAITING, HistoryImport.Status.RUNNING)).count() >= MOST_WAITING:
        detail = f"{MOST_WAITING} of your imports are unfinished; ask again when one is done."
        raise RateLimited(detail, code="too_many_waiting", retry_after_s=60)
    body = wanted.content.encode()
    found = HistoryImport(
        workspace_id=actor.workspace_id,
        task_type=task_type,
        format=wanted.format,
        dry_run=wanted.dry_run,
        unaided=wanted.unaided,
        trust=wanted.trust,
        body=body,
        sha256=hashlib.sha256(body).hexdigest(),
        client_id=actor.client_id,
        requested_by_id=actor.user_id,
        requested_label=actor.label[:200],
        created_at=now(),
    )
    found.save(force_insert=True)
    after = {"task_type": task_type.slug, "format": wanted.format, "dry_run": wanted.dry_run, "sha256": found.sha256}
    declared = {"unaided": wanted.unaided, "trust": wanted.trust}
    record_event(
        actor=actor,
        action="import.requested",
        subject=Subject("import", found.pk),
        change=Change(after=after | declared),
    )
    ring(TASK)
    return found
