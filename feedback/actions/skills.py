"""Levels of skill: proposed by declared rules, confirmed by a supervisor or automatic where configured."""

import uuid
from dataclasses import asdict
from datetime import timedelta

import msgspec
from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from feedback.models import Level, ReviewerFigures, SkillLevel, SkillProposal, SkillRules
from feedback.skill_rules import rules_in_force
from feedback.stats.reviewing import Figures
from feedback.stats.skills import Asked, Rules, level_asked
from hitl.core.actors import Actor, system_actor
from hitl.core.clock import now
from hitl.core.errors import Conflict, FieldProblem, Forbidden, NotFound, Refused
from hitl.core.permissions import Permission
from hitl.delivery.single_flight import single_flight
from reviews.models import Queue

Status = SkillProposal.Status
DECLINED_FOR = timedelta(days=30)
"""What a supervisor declined is not proposed again for so long."""


def propose_skill_changes() -> int:
    """Hold everybody's figures against the rules; returns how many proposals were made. Safe twice, single-flight."""
    with single_flight("feedback.skills") as free:
        if not free:
            return 0
        made = 0
        rules: dict[uuid.UUID, Rules] = {}
        for row in ReviewerFigures.objects.order_by("pk").iterator():
            if row.queue_id not in rules:
                known = rules_in_force(row.workspace_id)
                rules[row.queue_id] = known.get(row.queue_id, known[None])
            made += _look(row, rules[row.queue_id])
        return made


@transaction.atomic
def _look(row: ReviewerFigures, rules: Rules) -> bool:
    """One person in one queue: only what is known to be true counts (outcomes and gold), never agreement."""
    quality = msgspec.convert(row.figures, Figures).quality
    known = quality.basis == "outcomes_and_gold"
    right, n = (quality.right.k, quality.right.n) if known else (0, 0)
    mine = {"queue_id": row.queue_id, "user_id": row.user_id}
    level = SkillLevel.objects.filter(**mine).first()
    held = level.level if level else ""
    asked = level_asked(held, right, n, rules)
    open_ = SkillProposal.objects.select_for_update(of=("self",)).filter(**mine, status=Status.OPEN).first()
    if open_ is not None and (open_.after != asked.level or open_.before != held):
        _close(
            open_, Status.WITHDRAWN, system_actor(row.workspace_id, "skill rules"), "The figures no longer ask for it."
        )
        open_ = None
    declined = SkillProposal.objects.filter(
        **mine, status=Status.DECLINED, after=asked.level, decided_at__gte=now() - DECLINED_FOR
    )
    if asked.level == held or open_ is not None or declined.exists():
        return False
    _propose(row, held, asked, (right, n), rules)
    return True


def _propose(row: ReviewerFigures, held: str, asked: Asked, told: tuple[int, int], rules: Rules) -> None:
    actor = system_actor(row.workspace_id, "skill rules")
    proposal = SkillProposal.objects.create(
        workspace_id=row.workspace_id, queue_id=row.queue_id, user_id=row.user_id, before=held, after=asked.level,
        right=told[0], n=told[1], low=asked.low, high=asked.high, created_at=now(),
    )  # fmt: skip
    _record(actor, "skill.proposed", proposal, "")
    if rules.automatic:
        _apply(proposal, rules)
        _close(proposal, Status.AUTOMATIC, actor, "The rules say so, and changes are automatic here.")


@transaction.atomic
def decide_skill(*, actor: Actor, proposal_id: uuid.UUID, confirm: bool, reason: str) -> SkillProposal:
    """Confirm or decline a change of level. Raises Forbidden, NotFound, Refused (no reason), Conflict (decided)."""
    actor.require(Permission.AUDIT_DECISIONS)
    rows = SkillProposal.objects.select_for_update(of=("self",)).filter(workspace_id=actor.workspace_id)
    proposal = rows.filter(pk=proposal_id).first()
    if proposal is None:
        raise NotFound()
    if proposal.user_id == actor.user_id:
        raise Forbidden("Nobody decides on their own level.", code="own_level")
    if not reason.strip():
        raise Refused("Say why.", code="reason_required", errors=[FieldProblem("/reason", "Say why.", "required")])
    if proposal.status != Status.OPEN:
        raise Conflict("This proposal is decided already.", code="already_decided")
    if confirm:
        known = rules_in_force(actor.workspace_id)
        _apply(proposal, known.get(proposal.queue_id, known[None]))
    _close(proposal, Status.CONFIRMED if confirm else Status.DECLINED, actor, reason.strip()[:2000])
    return proposal


def _apply(proposal: SkillProposal, rules: Rules) -> None:
    """The level is held from now on; labels take the new weight when they are next rebuilt."""
    values = {"level": proposal.after, "weight": rules.weight_of(proposal.after), "since": now()}
    place = {"workspace_id": proposal.workspace_id}
    SkillLevel.objects.update_or_create(
        queue_id=proposal.queue_id, user_id=proposal.user_id, defaults=values, create_defaults=values | place
    )


def _close(proposal: SkillProposal, status: Status, actor: Actor, reason: str) -> None:
    proposal.status, proposal.reason, proposal.decided_at = status, reason, now()
    proposal.decided_by_id = actor.user_id
    proposal.save(update_fields=["status", "reason", "decided_at", "decided_by"])
    _record(actor, f"skill.{status.value}", proposal, reason)


def _record(actor: Actor, action: str, proposal: SkillProposal, reason: str) -> None:
    after = {
        "queue": str(proposal.queue_id),
        "level": proposal.after,
        "right": proposal.right,
        "n": proposal.n,
        "proposal": str(proposal.pk),
    }
    record_event(
        actor=actor,
        action=action,
        subject=Subject("reviewer", proposal.user_id),
        change=Change({"level": proposal.before or None}, after, reason),
    )


@transaction.atomic
def set_skill_rules(*, actor: Actor, queue: Queue | None, rules: Rules) -> SkillRules:
    """Declare the rules of one queue, or of the workspace (`queue` null); levels held there get the new weights.

    Raises Forbidden, Refused (values out of range).
    """
    actor.require(Permission.CONFIGURE)
    if problems := problems_of(rules):
        raise Refused("These rules cannot hold.", code="invalid_rules", errors=problems)
    before = rules_in_force(actor.workspace_id)
    values = asdict(rules) | {"changed_by_id": actor.user_id, "changed_at": now()}
    row, _ = SkillRules.objects.update_or_create(workspace_id=actor.workspace_id, queue=queue, defaults=values)
    held = SkillLevel.objects.filter(workspace_id=actor.workspace_id)
    own = [queue_id for queue_id in before if queue_id is not None]
    held = held.exclude(queue_id__in=own) if queue is None else held.filter(queue=queue)
    for level in Level.values:
        held.filter(level=level).update(weight=rules.weight_of(level))
    record_event(
        actor=actor,
        action="skill.rules_set",
        subject=Subject("queue", queue.pk) if queue else Subject("workspace", actor.workspace_id),
        change=Change(asdict(before.get(queue.pk if queue else None, before[None])), asdict(rules)),
    )
    return row


def problems_of(rules: Rules) -> list[FieldProblem]:
    """What is wrong with these rules, each with its cure; NaN is out of every range."""
    found = []
    for name in ("competent_from", "expert_from"):
        if not 0.0 < getattr(rules, name) < 1.0:
            found.append(FieldProblem(f"/{name}", "Give a share between 0 and 1.", "out_of_range"))
    if not found and not rules.competent_from < rules.expert_from:
        found.append(FieldProblem("/expert_from", "Experts need more than the competent.", "out_of_range"))
    if not 5 <= rules.min_cases <= 10_000:
        found.append(FieldProblem("/min_cases", "Give a whole number from 5 to 10,000.", "out_of_range"))
    for name in ("novice_weight", "competent_weight", "expert_weight"):
        if not 0.1 <= getattr(rules, name) <= 10.0:
            found.append(FieldProblem(f"/{name}", "Give a weight from 0.1 to 10.", "out_of_range"))
    return found
