"""The only door from a view to an object. Hidden and missing look the same: NotFound.

Row rules (mission H1): a client sees its own cases; supervisors and auditors see their workspace; everybody else sees
the cases of queues and task types that guardian lets them view, and single cases granted to them.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from hitl.core.actors import Actor, ActorKind
from hitl.core.clock import now
from hitl.core.errors import Forbidden, NotFound
from hitl.core.permissions import Permission
from hitl.core.rows import Rows, Select, Statement, instances, link, run_pipelined
from reviews.duty import on_duty, read_schedule, turn_of
from reviews.models import (
    Case,
    CaseContent,
    Claim,
    Decision,
    Exclusion,
    Judgement,
    Panel,
    Queue,
    ReviewTask,
    VisibilityPolicy,
)
from reviews.panel_selectors import panels_in_conflict
from reviews.selectors import judged_stages
from reviews.visibility import POLICY_OF_REVIEW, Arm, arm_of, is_gated
from routing.models import RoutingDecision, TaskType, Tier


@dataclass(frozen=True, slots=True)
class QueueRight:
    """A queue this person may see; `claim`: may claim from it; `own`: one of their own.

    `judge_first`: its cases are sealed until judged, or may be because an experiment says so for some of them.

    `blocked`: why nothing is given out to them here at the moment (`reviews.actions.standing.BLOCKED`); else empty.
    """

    id: uuid.UUID
    slug: str
    task_type_id: uuid.UUID | None
    judge_first: bool
    lease_s: int
    max_open_claims: int
    claim: bool
    own: bool
    blocked: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """A reviewer's working profile with the queues they may see, own first, general last.

    `on_duty`: available, and by their schedule at work now; `assigned`: a review waits for this person alone.
    """

    user_id: uuid.UUID
    reviewer_id: uuid.UUID | None
    available: bool
    max_open_claims: int | None
    subject_ids: tuple[str, ...]
    queues: tuple[QueueRight, ...]
    on_duty: bool = False
    assigned: bool = False

    def claimable(self) -> tuple[QueueRight, ...]:
        return tuple(q for q in self.queues if q.claim)


# guardian's direct-foreign-key tables, resolved once per request: one query for person and groups, this workspace only.
_DESK = """
WITH me AS (
  SELECT r.id, r.available, r.max_open_claims, r.subject_ids, t.rank, r.schedule, r.on_call_until,
    EXISTS (SELECT 1 FROM reviews_reviewtask a WHERE a.assigned_to_id = r.user_id AND a.status = 'assigned'
      AND a.workspace_id = r.workspace_id) AS assigned
  FROM reviews_reviewer r JOIN routing_tier t ON t.id = r.tier_id
  WHERE r.workspace_id = %(workspace)s AND r.user_id = %(user)s
), rights AS (
  SELECT p.content_object_id AS queue_id, bool_or(c.codename = 'claim_queue') AS claim
  FROM (
    SELECT content_object_id, permission_id FROM reviews_queueuserobjectpermission WHERE user_id = %(user)s
    UNION ALL
    SELECT g.content_object_id, g.permission_id FROM reviews_queuegroupobjectpermission g
    JOIN accounts_user_groups ug ON ug.group_id = g.group_id WHERE ug.user_id = %(user)s
  ) p JOIN auth_permission c ON c.id = p.permission_id
  WHERE c.codename IN ('claim_queue', 'view_queue')
  GROUP BY p.content_object_id
)
SELECT me.id, me.available, me.max_open_claims, me.subject_ids, me.schedule, me.on_call_until, me.assigned,
       q.id, q.slug, q.task_type_id,
       q.judge_first OR COALESCE(q.sealed_until > statement_timestamp(), false), q.lease_s, q.max_open_claims,
       COALESCE(rights.claim AND t.rank <= me.rank, false),
       EXISTS (SELECT 1 FROM reviews_reviewer_queues o WHERE o.reviewer_id = me.id AND o.queue_id = q.id) AS own,
       CASE WHEN s.paused_at IS NOT NULL THEN 'paused'
            WHEN q.training_cases > 0 AND COALESCE(s.training, 'none') NOT IN ('passed', 'waived') THEN 'training'
            WHEN g.must_acknowledge AND NOT EXISTS (
              SELECT 1 FROM reviews_guidelineacknowledgement a
              WHERE a.version_id = g.version_id AND a.user_id = %(user)s
            ) THEN 'guideline' ELSE '' END
FROM (VALUES (1)) AS one LEFT JOIN me ON true
LEFT JOIN (
  rights JOIN reviews_queue q ON q.id = rights.queue_id AND q.workspace_id = %(workspace)s
  JOIN routing_tier t ON t.id = q.tier_id
) ON true
LEFT JOIN reviews_queuestanding s ON s.queue_id = q.id AND s.user_id = %(user)s
LEFT JOIN LATERAL (
  SELECT u.version_id, u.must_acknowledge FROM reviews_guidelineuse u
  WHERE u.queue_id = q.id AND u.from_at <= statement_timestamp() ORDER BY u.from_at DESC, u.id DESC LIMIT 1
) g ON true
ORDER BY own DESC, (q.task_type_id IS NULL), q.slug
"""


def desk_of(actor: Actor) -> Desk:
    """The actor's queues and reviewing profile. An actor without a person has an empty desk."""
    if actor.user_id is None:
        return Desk(uuid.UUID(int=0), None, False, None, (), ())
    (rows,) = run_pipelined((_DESK, {"workspace": actor.workspace_id, "user": actor.user_id}))
    reviewer_id, available, cap, subjects, stored, on_call_until, assigned = rows[0][:7]
    queues = tuple(QueueRight(*row[7:]) for row in rows if row[7] is not None)
    at, schedule = now(), read_schedule(stored)
    if (turn := turn_of(schedule, at)) is not None:
        queues = tuple(sorted((replace(q, own=q.slug in turn) for q in queues), key=lambda q: not q.own))
    if actor.task_type_ids is not None:
        ids = actor.task_type_ids  # of a general queue the key sees its own task types' cases and claims none
        open_to = (q for q in queues if q.task_type_id is None or q.task_type_id in ids)
        queues = tuple(replace(q, claim=q.claim and q.task_type_id in ids) for q in open_to)
    on = on_duty(schedule, at, available=bool(available), on_call_until=on_call_until)
    return Desk(actor.user_id, reviewer_id, bool(available), cap, tuple(subjects or ()), queues, on, bool(assigned))


def reviewer_desk(actor: Actor) -> Desk:
    """The desk of somebody who reviews. Raises Forbidden `reviewer_required`."""
    desk = desk_of(actor)
    if desk.reviewer_id is None or not actor.may(Permission.REVIEW):
        raise Forbidden("Only a person with a reviewer profile can claim.", code="reviewer_required")
    return desk


def visible_cases(actor: Actor, desk: Desk | None = None) -> QuerySet[Case]:
    """The cases this actor may see, by row; keyset-friendly (no join with permission tables)."""
    cases = Case.objects.filter(workspace_id=actor.workspace_id)
    if actor.task_type_ids is not None:
        cases = cases.filter(task_type_id__in=actor.task_type_ids)
    if actor.kind is ActorKind.SYSTEM:
        return cases
    if actor.may(Permission.SEE_ALL_CASES):
        mine = Claim.objects.filter(review__case_id=OuterRef("pk"), user_id=actor.person_id)
        return cases.filter(~Q(mode="gold") | Exists(mine))  # a copy is no case; whoever holds it must not notice
    if actor.kind is ActorKind.CLIENT:
        return cases.filter(owner_id=actor.client_id or actor.person_id)
    desk = desk or desk_of(actor)
    granted = _granted(actor)
    return cases.filter(
        Q(queue_id__in=[q.id for q in desk.queues]) | Q(task_type_id__in=granted.task_types) | Q(id__in=granted.cases)
    )


def conflict_for_actor(actor: Actor, panel_id: uuid.UUID) -> Panel:
    """A panel whose conflict this actor may end. Raises NotFound, Forbidden."""
    actor.require(Permission.AUDIT_DECISIONS)
    panel = Panel.objects.filter(pk=panel_id, workspace_id=actor.workspace_id).first()
    if panel is None:
        raise NotFound()
    case_for_actor(actor, panel.case_id)
    return panel


@dataclass(frozen=True, slots=True)
class Granted:
    """Object permissions beyond queues, ids resolved once."""

    task_types: tuple[uuid.UUID, ...]
    cases: tuple[uuid.UUID, ...]


_GRANTED = """
SELECT 'type', content_object_id FROM routing_tasktypeuserobjectpermission p
JOIN auth_permission c ON c.id = p.permission_id AND c.codename = 'view_tasktype' WHERE p.user_id = %(user)s
UNION ALL
SELECT 'type', content_object_id FROM routing_tasktypegroupobjectpermission p
JOIN auth_permission c ON c.id = p.permission_id AND c.codename = 'view_tasktype'
JOIN accounts_user_groups g ON g.group_id = p.group_id WHERE g.user_id = %(user)s
UNION ALL
SELECT 'case', content_object_id FROM reviews_caseuserobjectpermission p
JOIN auth_permission c ON c.id = p.permission_id AND c.codename = 'view_case' WHERE p.user_id = %(user)s
UNION ALL
SELECT 'case', content_object_id FROM reviews_casegroupobjectpermission p
JOIN auth_permission c ON c.id = p.permission_id AND c.codename = 'view_case'
JOIN accounts_user_groups g ON g.group_id = p.group_id WHERE g.user_id = %(user)s
"""


def _granted(actor: Actor) -> Granted:
    with connection.cursor() as cursor:
        cursor.execute(_GRANTED, {"user": actor.user_id})
        rows = cursor.fetchall()
    return Granted(tuple(k for t, k in rows if t == "type"), tuple(k for t, k in rows if t == "case"))


def case_for_actor(actor: Actor, case_id: uuid.UUID, desk: Desk | None = None) -> Case:
    """The case with task type and queue. Raises NotFound."""
    case = visible_cases(actor, desk).select_related("task_type", "queue__tier").filter(pk=case_id).first()
    if case is None:
        raise NotFound()
    return case


@dataclass(frozen=True, slots=True)
class Held:
    """A claim with all that judging it and answering need, as one statement read it.

    `claim` has its review, queue, tier, case, content and task type; `routing` is the one in force, `decision` the
    current one, `other` another open review of the case; `policy` says which arms the queue had when the review was
    first claimed; `at` is the database's time; `guideline_id` the version in force in the queue when the case was
    claimed.
    """

    claim: Claim
    routing: RoutingDecision | None
    decision: Decision | None
    other: ReviewTask | None
    policy: VisibilityPolicy | None
    at: datetime
    guideline_id: uuid.UUID | None

    @property
    def arm(self) -> Arm:
        """Whether and when this case's reviewer is shown the machine's answer."""
        review = self.claim.review
        return arm_of(review, self.policy, gated=is_gated(review))


_HELD = Select(
    models=(
        ("c", Claim),
        ("r", ReviewTask),
        ("q", Queue),
        ("l", Tier),
        ("k", Case),
        ("kc", CaseContent),
        ("t", TaskType),
        ("rd", RoutingDecision),
        ("d", Decision),
        ("o", ReviewTask),
        ("v", VisibilityPolicy),
    ),
    rest=f"""
, clock_timestamp(), (
  SELECT u.version_id FROM reviews_guidelineuse u WHERE u.queue_id = q.id AND u.from_at <= c.claimed_at
  ORDER BY u.from_at DESC, u.id DESC LIMIT 1
)
FROM reviews_claim c JOIN reviews_reviewtask r ON r.id = c.review_id
JOIN reviews_queue q ON q.id = r.queue_id JOIN routing_tier l ON l.id = q.tier_id
JOIN reviews_case k ON k.id = r.case_id JOIN reviews_casecontent kc ON kc.case_id = k.id
JOIN routing_tasktype t ON t.id = k.task_type_id
LEFT JOIN routing_routingdecision rd ON rd.workspace_id = k.workspace_id AND rd.case_id = COALESCE(k.routed_as, k.id)
LEFT JOIN reviews_decision d ON d.case_id = k.id AND d.is_current
LEFT JOIN reviews_reviewtask o ON o.case_id = k.id AND o.id <> r.id
  AND o.status || '' IN ('waiting', 'assigned', 'snoozed', 'claimed') AND o.kind <> 'blind'
LEFT JOIN LATERAL ({POLICY_OF_REVIEW}) v ON true
WHERE c.id = %s AND c.workspace_id = %s AND c.user_id = %s
ORDER BY rd.id, o.id
""",
    without=("features",),
)


def held_statement(actor: Actor, claim_id: uuid.UUID) -> Statement:
    """Reads the actor's own claim for `held_of`."""
    return _HELD.with_values(claim_id, actor.workspace_id, actor.person_id)


def held_of(rows: Rows) -> Held:
    """What `held_statement` read. Raises NotFound for anybody else's claim."""
    if not rows:
        raise NotFound()
    claim: Claim
    *_, newest = rows  # of several routings the newest is in force
    ((claim, review, queue, tier, case, content, task_type, routing, decision, other, policy),) = instances(
        _HELD, [newest]
    )
    link(claim, review=review)
    link(review, queue=queue, case=case)
    link(queue, tier=tier)
    link(content, case=case)
    link(case, content=content, task_type=task_type)
    if case.queue_id == queue.pk:
        link(case, queue=queue)
    return Held(claim, routing, decision, other, policy, *newest[-2:])


def held_by_actor(actor: Actor, claim_id: uuid.UUID) -> Held:
    """The actor's own claim and what belongs to it. Raises NotFound for anybody else's, or beyond the key's limit."""
    held = held_of(run_pipelined(held_statement(actor, claim_id))[0])
    if not actor.sees_task_type(held.claim.review.case.task_type_id):
        raise NotFound()
    return held


def claim_for_actor(actor: Actor, claim_id: uuid.UUID) -> Claim:
    """The actor's own claim with its review, case, task type and queue. Raises NotFound for anybody else's."""
    return held_by_actor(actor, claim_id).claim


def queue_for_actor(actor: Actor, slug: str) -> Queue:
    """A queue the actor may see. Raises NotFound."""
    queue = visible_queues(actor).filter(slug=slug).first()
    if queue is None:
        raise NotFound()
    return queue


def visible_queues(actor: Actor, desk: Desk | None = None) -> QuerySet[Queue]:
    """The queues this actor may see."""
    queues = Queue.objects.filter(workspace_id=actor.workspace_id).select_related("tier", "task_type")
    if actor.task_type_ids is not None:
        queues = queues.filter(Q(task_type_id__isnull=True) | Q(task_type_id__in=actor.task_type_ids))
    if actor.may(Permission.SEE_ALL_CASES):
        return queues
    return queues.filter(pk__in=[q.id for q in (desk or desk_of(actor)).queues])


def sealed_ids(actor: Actor, cases: Sequence[Case], desk: Desk | None = None) -> frozenset[uuid.UUID]:
    """Which of these cases must be shown sealed to this actor (invariant 8).

    Sealed: the case's queue is judge-first, the person may claim from it, and has not judged the case; in the arm
    “never” it stays sealed until the final judgement. So is a case whose appeal the person may claim, in any queue.
    """
    if actor.user_id is None:
        return frozenset()
    desk = desk or desk_of(actor)
    judge_first = [q for q in desk.claimable() if q.judge_first]
    at_stake = [c.pk for c in cases if any(_may_come_to(q, c) for q in judge_first)]
    open_ = [c.pk for c in cases if c.pk not in at_stake and c.status not in _OVER]
    at_stake += on_panels_of([q.id for q in judge_first], open_)
    at_stake += _under_appeal(desk, [c for c in cases if c.pk not in at_stake])
    judged = judged_stages(actor.user_id, at_stake) if at_stake else {}
    return frozenset(pk for pk in at_stake if not revealed(judged.get(pk, [])))


_OVER = (Case.Status.DECIDED, Case.Status.CANCELLED)  # no panel sits any more


def awaits_appeal_of(actor: Actor, case: Case) -> bool:
    """Whether the actor may come to judge an open appeal of this case, and so must not hear what was said of it."""
    return bool(_under_appeal(desk_of(actor), [case]))


def _under_appeal(desk: Desk, cases: Sequence[Case]) -> list[uuid.UUID]:
    """Decided cases whose appeal waits where this person may claim it."""
    decided = [c.pk for c in cases if c.status in (Case.Status.DECIDED, Case.Status.PROVISIONAL)]
    queues = [q.id for q in desk.claimable()]
    if not decided or not queues:
        return []
    barred = Exclusion.objects.filter(case_id=OuterRef("case_id"), user_id=desk.user_id).exclude(reason="skipped")
    appeals = _open_appeals(queues).filter(~Exists(barred), case_id__in=decided)
    return list(appeals.values_list("case_id", flat=True))


def _open_appeals(queue_ids: Sequence[uuid.UUID]) -> QuerySet[ReviewTask]:
    kind, open_ = ReviewTask.Kind.APPEAL, ReviewTask.OPEN
    return ReviewTask.objects.filter(kind=kind, status__in=open_, queue_id__in=queue_ids)


def on_panels_of(queue_ids: Sequence[uuid.UUID], case_ids: Sequence[uuid.UUID]) -> frozenset[uuid.UUID]:
    """Which of these cases have a panel that still sits, with a seat in one of these queues now, earlier or to come."""
    if not queue_ids or not case_ids:
        return frozenset()
    (rows,) = run_pipelined((_ON_PANELS, [list(case_ids), list(queue_ids), list(queue_ids), list(queue_ids)]))
    return frozenset(case_id for (case_id,) in rows)


_ON_PANELS = """
SELECT p.case_id FROM reviews_panel p
WHERE p.case_id = ANY(%s) AND p.status IN ('open', 'adjudication') AND (
  p.queue_id = ANY(%s)
  OR EXISTS (SELECT 1 FROM reviews_reviewtask r WHERE r.case_id = p.case_id AND r.panel_id = p.id
             AND r.queue_id = ANY(%s))
  OR EXISTS (SELECT 1 FROM reviews_queue q WHERE q.id = ANY(%s) AND q.workspace_id = p.workspace_id
             AND (p.scheme ->> 'adjudication_queue' = q.slug
                  OR p.scheme @> jsonb_build_object('roles', jsonb_build_array(jsonb_build_object('queue', q.slug)))))
)
"""


def kept_apart(actor: Actor, case: Case, desk: Desk | None = None) -> bool:
    """Whether what others said of this case is missing for this actor: its panel still sits and they may have a seat.

    Also after their own word, until the panel has decided: what one member reads, the others might hear.
    """
    return bool(kept_apart_ids(actor, [case.pk], desk))


def kept_apart_ids(actor: Actor, case_ids: Sequence[uuid.UUID], desk: Desk | None = None) -> frozenset[uuid.UUID]:
    """`kept_apart` of many cases."""
    if actor.user_id is None:
        return frozenset()
    return on_panels_of([q.id for q in (desk or desk_of(actor)).claimable()], case_ids)


def conflicts_for_actor(actor: Actor, desk: Desk | None = None) -> QuerySet[Panel]:
    """Panels that disagree, of the cases this actor may see, for whoever audits decisions or sees all cases."""
    if not (actor.may(Permission.AUDIT_DECISIONS) or actor.may(Permission.SEE_ALL_CASES)):
        raise Forbidden()
    return panels_in_conflict(actor.workspace_id).filter(case__in=visible_cases(actor, desk))


def _may_come_to(queue: QueueRight, case: Case) -> bool:
    """The case waits in this queue, or may yet come there: a model is being asked first."""
    if case.queue_id is None and case.status == Case.Status.PENDING:
        return queue.task_type_id in (None, case.task_type_id)
    return case.queue_id == queue.id


def unsealed_cases(cases: QuerySet[Case], actor: Actor, desk: Desk | None = None) -> QuerySet[Case]:
    """`cases` without those sealed to this actor: a filter by status would tell what the machine did with them."""
    if actor.user_id is None:
        return cases
    claimable = (desk or desk_of(actor)).claimable()
    if not claimable:
        return cases
    sealing = [q for q in claimable if q.judge_first]
    judge_first = [q.id for q in sealing]
    said = Judgement.objects.filter(case_id=OuterRef("pk"), user_id=actor.user_id, undone_at__isnull=True)
    seen = said.filter(Q(stage=Judgement.Stage.FINAL) | ~Q(visibility=Judgement.Visibility.NEVER))
    nowhere_yet = Q(queue_id__isnull=True) & ~Q(status=Case.Status.PENDING)
    elsewhere = Q(queue_id__isnull=False) & ~Q(queue_id__in=judge_first)
    appealed = _open_appeals([q.id for q in claimable]).filter(case_id=OuterRef("pk"))
    return cases.filter(((nowhere_yet | elsewhere) & ~Exists(appealed) & ~on_sitting_panel(sealing)) | Exists(seen))


def on_sitting_panel(queues: Sequence[QueueRight]) -> Q:
    """`on_panels_of` as a condition on cases, for lists: true of none without queues."""
    if not queues:
        return Q(pk__in=[])
    ids = [q.id for q in queues]
    seats = ReviewTask.objects.filter(case_id=OuterRef("case_id"), panel_id=OuterRef("pk"), queue_id__in=ids)
    concerned = Q(queue_id__in=ids) | Exists(seats) | Q(scheme__adjudication_queue__in=[q.slug for q in queues])
    for queue in queues:
        concerned |= Q(scheme__contains={"roles": [{"queue": queue.slug}]})
    sitting = Panel.objects.filter(case_id=OuterRef("pk"), status__in=(Panel.Status.OPEN, Panel.Status.ADJUDICATION))
    return Q(Exists(sitting.filter(concerned)))


def revealed(judgements: Sequence[Judgement]) -> bool:
    """Whether somebody who said this may see the machine's answer."""
    return any(j.stage == Judgement.Stage.FINAL or j.visibility != Judgement.Visibility.NEVER for j in judgements)
