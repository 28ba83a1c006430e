"""Serving gold cases: a copy with a new id waits in the queue like any other review, at an ordinary place.

For each real review in a queue with a rate r a hash decides, with probability r / (1 − r), whether a copy goes beside
it: so the declared share of what reviewers are given is gold, and the draw can be repeated. The claim statement knows
nothing of it. Nothing in a copy tells it from a real case before the final judgement: age, place, number, routing and
due time are made from the review it lies beside.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from guardian.shortcuts import get_users_with_perms
from uuid_utils.compat import uuid7

from audit.actions.events import Change, Subject, build_event
from hitl.accounts.models import User
from hitl.core.actors import Actor, system_actor
from hitl.core.clock import db_now
from hitl.core.rows import insert_rows, new_row
from reviews.actions.heads import note_waiting
from reviews.actions.opening import new_review
from reviews.history import case_history
from reviews.models import Case, CaseContent, Claim, Exclusion, GoldCase, GoldCopy, Judgement, Queue, ReviewTask
from reviews.selectors import QueueChoice
from routing.engine.sampling import hash_draw
from routing.models import RoutingDecision

_LOOKED_AT = 5_000
_ARRIVED_WITHIN = timedelta(hours=1)
_STALE = timedelta(days=7)
_JITTER_S = 60.0


def seed_gold() -> int:
    """Put a copy beside every drawn review that has none yet. Returns how many; sweeping twice draws the same ones."""
    _end_stale()
    queues = Queue.objects.filter(gold_rate__gt=0.0).select_related("tier").order_by("workspace_id", "slug")
    return sum(_seed(queue) for queue in queues)


def seeding_probability(rate: float) -> float:
    """Copies per real review so that `rate` of what is given out is gold; at most one each."""
    return min(1.0, rate / (1.0 - rate)) if rate < 1.0 else 1.0


def _seed(queue: Queue) -> int:
    chance = seeding_probability(queue.gold_rate)
    real = ReviewTask.objects.filter(
        Q(status=ReviewTask.Status.WAITING) | Q(created_at__gte=db_now() - _ARRIVED_WITHIN),
        ~Exists(GoldCopy.objects.filter(beside=OuterRef("pk"))),
        queue=queue,
        kind=ReviewTask.Kind.FIRST,
        case__content__proposed_action__isnull=True,
    )
    drawn = [
        key
        for key in real.order_by("order_key", "id").values_list("pk", flat=True)[:_LOOKED_AT]
        if hash_draw(f"gold:{queue.pk}", str(key)) < chance
    ]
    return sum(_place(queue, key, chance) for key in drawn)


@transaction.atomic
def _place(queue: Queue, review_id: uuid.UUID, chance: float) -> int:
    """One copy beside this review; 0 where no gold case is left that somebody of the queue has not seen."""
    Queue.objects.select_for_update(of=("self",)).get(pk=queue.pk)  # two sweeps take turns
    beside = ReviewTask.objects.select_related("case").get(pk=review_id)
    if GoldCopy.objects.filter(beside=review_id).exists():
        return 0
    people = _who_claim(queue)
    choices = [(gold, seen) for gold in _ready(beside.case) if people - (seen := _saw(gold))]
    if not choices:
        return 0
    place = int(hash_draw(f"gold choice:{queue.pk}", str(review_id)) * len(choices))
    gold, seen = choices[place]
    at = _arrival(beside, db_now())
    case = _copy_of(gold, beside, at)
    choice = QueueChoice(queue.pk, queue.slug, queue.near_due_share, queue.tier.sla_s, queue.tier.slug, queue.tier.rank)
    review = new_review(case, choice, kind=ReviewTask.Kind.GOLD, at=at)
    review.id, review.order_key = uuid7(nanoseconds=_nanoseconds(at)), beside.order_key
    actor = system_actor(queue.workspace_id, "gold")
    copy = GoldCopy(
        case_id=case.pk,
        workspace_id=queue.workspace_id,
        gold=gold,
        queue=queue,
        beside=review_id,
        propensity=chance,
        choices=len(choices),
        created_at=db_now(),
    )
    insert_rows(case, _content(gold, case), review, copy, *_exclusions(case, seen, at), *_evidence(actor, case, copy))
    note_waiting(queue.pk, review)
    return 1


def _evidence(actor: Actor, case: Case, copy: GoldCopy) -> tuple[Model, ...]:
    """Filed under the gold case, not the copy: the copy's own path must not tell."""
    after = {"copy": str(case.pk), "queue": str(copy.queue_id), "propensity": copy.propensity, "choices": copy.choices}
    event = build_event(
        actor=actor, action="gold.served", subject=Subject("gold", copy.gold_id), change=Change(after=after)
    )
    return event, case_history(case, actor=actor, at=case.created_at, created=True)


def _who_claim(queue: Queue) -> set[uuid.UUID]:
    """People who may claim from the queue, by person or group, and whose tier reaches it."""
    found: QuerySet[User] = get_users_with_perms(queue, only_with_perms_in=["claim_queue"], with_superusers=False)  # type: ignore[assignment]
    ranked = found.filter(
        reviewer_profiles__workspace_id=queue.workspace_id, reviewer_profiles__tier__rank__gte=queue.tier.rank
    )
    return set(ranked.values_list("pk", flat=True))


def _ready(case: Case) -> list[GoldCase]:
    """Active gold of the task type, none of which waits or is held anywhere, always in the same order."""
    out = ReviewTask.objects.filter(case__gold_copy__gold=OuterRef("pk"), status__in=ReviewTask.OPEN)
    rows = GoldCase.objects.filter(
        ~Exists(out), task_type_id=case.task_type_id, purpose=GoldCase.Purpose.GOLD, active=True
    )
    return list(rows.exclude(source_id=case.pk).order_by("pk"))


def _saw(gold: GoldCase) -> set[uuid.UUID]:
    """Whoever held a copy or the source, judged it, or made the gold case: each gets each gold at most once."""
    where = Q(review__case__gold_copy__gold=gold)
    if gold.source_id:
        where |= Q(review__case_id=gold.source_id)
    seen = set(Claim.objects.filter(where).values_list("user_id", flat=True))
    if gold.source_id:
        seen |= set(Judgement.objects.filter(case_id=gold.source_id).values_list("user_id", flat=True))
    return seen | ({gold.created_by_id} if gold.created_by_id else set())


def _exclusions(case: Case, seen: set[uuid.UUID], at: datetime) -> list[Exclusion]:
    return [
        new_row(
            Exclusion,
            workspace_id=case.workspace_id,
            case_id=case.pk,
            user_id=user_id,
            reason=Exclusion.Reason.JUDGED.value,
            created_at=at,
        )
        for user_id in sorted(seen)
    ]


def _arrival(beside: ReviewTask, at: datetime) -> datetime:
    """Within a minute after the review it lies beside, never in the future: ages tell nothing."""
    later = timedelta(seconds=_JITTER_S * hash_draw("gold arrival", str(beside.pk)))
    return min(beside.created_at + later, at)


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1_000


def _copy_of(gold: GoldCase, beside: ReviewTask, at: datetime) -> Case:
    """The copy: everything that a reviewer may see of it is like its neighbour's or its source's."""
    like = _routed_like(gold, beside)
    return new_row(
        Case,
        id=uuid7(nanoseconds=_nanoseconds(at)),
        workspace_id=gold.workspace_id,
        task_type_id=gold.task_type_id,
        owner_id=gold.pk,  # nobody's: no partner finds it among theirs, none can send one that collides with it
        external_id=_number_like(beside.case, "external_id"),
        subject=_number_like(beside.case, "subject"),
        status=Case.Status.PENDING.value,
        mode="gold",
        queue_id=beside.queue_id,
        risk=like.risk,
        priority=-beside.order_key,
        model_version=(gold.prediction or {}).get("model_version"),
        policy_version=like.policy_version,
        content_hash=b"",
        created_at=at,
        required_by=None,
        routed_as=like.pk,
    )


def _number_like(case: Case, name: str) -> str | None:
    """Another number of the same form as the neighbour's, for a partner's number or a subject; null as there."""
    text = getattr(case, name)
    if text is None:
        return None
    for attempt in range(20):
        made = _other_digits(text, f"{case.pk}:{attempt}")
        if not Case.objects.filter(workspace_id=case.workspace_id, **{name: made}).exists():
            return made
    return str(text)


def _other_digits(text: str, key: str) -> str:
    """The last digits (at most four) drawn anew; where there are none, letters of the end instead."""
    places = [n for n, c in enumerate(text) if c.isascii() and c.isdigit()][-4:]
    alphabet = "0123456789"
    if not places:
        places = [n for n, c in enumerate(text) if c.isascii() and c.isalpha()][-4:]
        alphabet = "abcdefghijklmnopqrstuvwxyz"
    letters = list(text)
    for n in places:
        drawn = alphabet[int(hash_draw(f"gold number:{n}", key) * len(alphabet))]
        letters[n] = drawn.upper() if letters[n].isupper() else drawn
    return "".join(letters)


def _routed_like(gold: GoldCase, beside: ReviewTask) -> Case:
    """The case whose routing the copy shows: the source where people decided it first, else the real case of this
    queue whose prediction is most like it."""
    if gold.source_id and ReviewTask.objects.filter(case_id=gold.source_id, kind=ReviewTask.Kind.FIRST).exists():
        routed = RoutingDecision.objects.filter(workspace_id=gold.workspace_id, case_id=gold.source_id)
        if gold.source is not None and routed.exists():
            return gold.source
    recent = (
        ReviewTask.objects.filter(
            queue_id=beside.queue_id, kind=ReviewTask.Kind.FIRST, case__task_type_id=gold.task_type_id
        )
        .order_by("-id")
        .annotate(said=F("case__content__prediction"))[:200]
    )
    rows: Sequence[ReviewTask] = [beside, *recent.select_related("case")]
    own = CaseContent.objects.values_list("prediction", flat=True).get(pk=beside.case_id)
    said = [own, *(getattr(row, "said", None) for row in rows[1:])]
    nearest = min(range(len(rows)), key=lambda n: (_unlike(gold.prediction, said[n]), n))
    return rows[nearest].case


def _unlike(one: dict[str, object] | None, other: dict[str, object] | None) -> float:
    """0 for the same label at the same confidence; 2 where only one of them has a prediction."""
    if one is None or other is None:
        return 0.0 if one is None and other is None else 2.0
    apart = abs(float(str(one.get("confidence") or 0.0)) - float(str(other.get("confidence") or 0.0)))
    return apart + (one.get("label") != other.get("label"))


def _content(gold: GoldCase, case: Case) -> CaseContent:
    return new_row(
        CaseContent,
        case_id=case.pk,
        input=gold.input,
        prediction=gold.prediction,
        key_evidence=gold.key_evidence,
        evidence=gold.evidence,
        proposed_action=None,
        context=gold.context,
    )


def _end_stale() -> None:
    """Copies that nobody took in a week go."""
    stale = ReviewTask.objects.filter(
        kind=ReviewTask.Kind.GOLD, status=ReviewTask.Status.WAITING, due_at__lte=db_now() - _STALE
    )
    for review_id in stale.values_list("pk", flat=True)[:1_000]:
        _end(review_id)


@transaction.atomic
def _end(review_id: uuid.UUID) -> None:
    waiting = ReviewTask.objects.filter(pk=review_id, status=ReviewTask.Status.WAITING)
    if waiting.update(status=ReviewTask.Status.CANCELLED, done_at=db_now()):
        copy = GoldCopy.objects.get(case__reviews__pk=review_id)
        Case.objects.filter(pk=copy.pk).update(status=Case.Status.CANCELLED)
        change = Change({"status": "waiting"}, {"status": "cancelled"}, "nobody took it in a week")
        actor, subject = system_actor(copy.workspace_id, "gold"), Subject("gold", copy.gold_id)
        insert_rows(build_event(actor=actor, action="gold.withdrawn", subject=subject, change=change))
