"""Make the weekly digest of a task type: what people overruled, and drafts because of it (mission F15)."""

import logging
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop

from audit.actions.events import Change, Subject, record_event
from feedback.actions.replays import request_replay
from feedback.digest_content import DigestContent, Proposal, digest_of
from feedback.digest_data import MOST, judged_in_week, week_of
from feedback.digest_drafts import Draft, rule_draft, threshold_drafts
from feedback.models import Digest
from feedback.structs import ReplayIn
from hitl.core.actors import Actor, system_actor
from hitl.core.clock import now
from hitl.core.errors import DomainError, FieldProblem, Forbidden, Refused
from hitl.core.permissions import Permission
from reviews.actions.alerts import About, Wording, raise_alert, resolve_alert
from routing.actions.policies import propose_version
from routing.engine.document import decode_document
from routing.models import PolicyVersion, TaskType
from routing.selectors import compiled_version

log = logging.getLogger(__name__)
ALERT = "weekly_digest"
RECURRING_WEEKS = 8
"""Earlier digests that are looked through for what recurs."""
APPROVAL_WEEKS = 4
"""Weeks of unaided judgements on which lowering a threshold is weighed."""
REPLAYED = 20_000
_WORDING = Wording(
    gettext_noop("Weekly digest: %(task_type)s"),
    gettext_noop(
        "Week of %(week)s: people overruled %(overruled)s of %(judged)s predictions that they judged unaided; "
        "%(clusters)s groups stand out, %(drafts)s drafts were proposed."
    ),
    gettext_noop("Read the groups that stand out; look at the replay of each draft before you approve or reject it."),
)


def make_digests(at: datetime | None = None) -> int:
    """The last whole week's digest of every task type that has none; returns how many were made. Safe to run twice.

    A failure of one task type is logged and keeps none of the others from theirs.
    """
    made, at = 0, at or now()
    week = week_of(at)
    have = Digest.objects.filter(week=week).values("task_type")
    for task_type in TaskType.objects.exclude(pk__in=have).order_by("pk"):
        try:
            actor = system_actor(task_type.workspace_id, "digest")
            made += make_digest(actor=actor, task_type=task_type, week=week, at=at) is not None
        except Exception:
            log.exception("the digest of %s failed", task_type.slug)
    return made


def make_digest(*, actor: Actor, task_type: TaskType, week: date, at: datetime | None = None) -> Digest | None:
    """The digest of the week that begins on this Monday; the one there is, where it was made before.

    Null where nobody judged a prediction unaided in it. Only the last whole week proposes drafts. Raises Forbidden,
    Refused (`not_a_week`).
    """
    actor.require(Permission.WRITE_POLICIES)
    if task_type.workspace_id != actor.workspace_id or not actor.sees_task_type(task_type.pk):
        raise Forbidden()
    newest = week_of(at or now())
    if week.weekday() or week > newest or week < newest - timedelta(weeks=104):
        detail = "Give the Monday of a whole week of the last two years."
        raise Refused(detail, code="not_a_week", errors=[FieldProblem("/week", detail, "not_a_week")])
    known = Digest.objects.filter(task_type=task_type, week=week)
    if found := known.first():
        return found
    rows = judged_in_week(task_type, week)
    if not rows:
        return None
    content = digest_of(rows, _before(task_type, week), capped=len(rows) == MOST)
    drafts = _drafts(task_type, content, week) if week == newest else []
    try:
        with transaction.atomic():
            return _store(actor, task_type, week, content, drafts)
    except IntegrityError:  # digest_once_a_week: another worker made it meanwhile
        return known.first()


def _before(task_type: TaskType, week: date) -> list[DigestContent]:
    rows = Digest.objects.filter(task_type=task_type, week__lt=week, week__gte=week - timedelta(weeks=RECURRING_WEEKS))
    return [msgspec.convert(content, DigestContent) for content in rows.values_list("content", flat=True)]


def _drafts(task_type: TaskType, content: DigestContent, week: date) -> list[Draft]:
    """Made of the version in force; none without one."""
    active = PolicyVersion.objects.filter(policy__task_type=task_type, status="active").first()
    if active is None:
        return []
    document = decode_document(active.document)
    rule = rule_draft(content, document, active.document)
    maps = compiled_version(active.pk).calibrations
    rows = judged_in_week(task_type, week, weeks=APPROVAL_WEEKS)
    return [*([rule] if rule else []), *threshold_drafts(task_type, document, active.document, maps, rows)]


def _store(actor: Actor, task_type: TaskType, week: date, content: DigestContent, drafts: list[Draft]) -> Digest:
    """The row first: who comes second stops at its constraint before anything is proposed twice."""
    plain: dict[str, Any] = msgspec.to_builtins(content)
    digest = Digest(
        workspace_id=task_type.workspace_id, task_type=task_type, week=week, content=plain, created_at=now()
    )
    digest.save(force_insert=True)
    proposals = [_propose(task_type, draft) for draft in drafts]
    digest.proposals = msgspec.to_builtins(proposals)
    digest.save(update_fields=["proposals"])
    counted = {
        "task_type": task_type.title,
        "week": week.isoformat(),
        "judged": content.judged,
        "overruled": content.overruled,
        "clusters": sum(cluster.stands_out for cluster in content.clusters),
        "drafts": sum(proposal.version is not None for proposal in proposals),
    }
    record_event(actor=actor, action="digest.made", subject=Subject("digest", digest.pk), change=Change(after=counted))
    _tell(task_type, counted)
    return digest


def _propose(task_type: TaskType, draft: Draft) -> Proposal:
    """The draft as a policy version with its replay asked for; one that waits already is not proposed again."""
    if draft.document is None:
        return Proposal(draft.kind, draft.reason)
    actor = system_actor(task_type.workspace_id, "digest")
    policy = task_type.policy
    wanted = decode_document(draft.document)
    waiting = policy.versions.filter(status__in=["draft", "approved", "shadow", "canary", "rejected"])
    for version in waiting.order_by("-number")[:50]:
        if decode_document(version.document) == wanted:
            reason = f"{draft.reason} Version {version.number} ({version.status}) already says so."
            return Proposal(draft.kind, reason, policy.slug, version.number)
    try:
        with transaction.atomic():
            version = propose_version(actor=actor, policy=policy, document=draft.document, note=draft.reason[:2000])
            replay = request_replay(actor=actor, version=version, wanted=ReplayIn(limit=REPLAYED))
    except DomainError as refusal:
        return Proposal(draft.kind, f"{draft.reason} It could not be proposed: {refusal.detail}")
    return Proposal(draft.kind, draft.reason, policy.slug, version.number, str(replay.pk))


def _tell(task_type: TaskType, counted: dict[str, Any]) -> None:
    """An alert, and by it the mail and the webhook; the one of the week before is over."""
    actor = system_actor(task_type.workspace_id, "digest")
    resolve_alert(
        actor=actor, kind=ALERT, subject_type="task_type", subject_id=task_type.pk, reason="a newer digest is there"
    )
    words = Wording(_WORDING.title, _WORDING.detail, _WORDING.runbook, counted)
    about = About("task_type", task_type.pk, task_type.title, f"/ops/digest?task_type={task_type.slug}", task_type.pk)
    raise_alert(actor=actor, kind=ALERT, about=about, words=words)
