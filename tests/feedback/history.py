"""A past: cases as intake would have stored them, with what people and the world said about them."""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from feedback.models import Signal
from hitl.core.clock import now
from hitl.core.ids import new_id
from reviews.models import Case, CaseContent, Claim, Decision, GuidelineVersion, Judgement, ReviewTask
from routing.engine.features import Features
from routing.models import PolicyVersion, RoutingDecision
from tests.factories import World

TWO_REGIONS = ("EU", "US")


def add_cases(
    world: World,
    confidences: Iterable[float],
    *,
    model_version: str = "credit-1",
    label: str | None = "approve",
    selection_probability: float = 1.0,
    zone: str = "queue",
    sampled: bool = False,
    regions: Sequence[str] = ("EU",),
) -> list[Case]:
    """Cases in review with these stated confidences, from each region in turn; `label` null: nothing was predicted.

    Of two regions that do not differ one is found to differ once in a while, so one alone unless a test is about them.
    `zone` other than “queue”: the machine decided them, and `sampled` ones are audited.
    """
    cases, contents, routings = [], [], []
    version = PolicyVersion.objects.filter(policy=world.policy).first()
    for number, confidence in enumerate(confidences):
        case_id = new_id()
        predicted = {"label": label, "confidence": confidence, "model_version": model_version}
        features = Features(**predicted) if label else Features()
        cases.append(
            Case(
                id=case_id, workspace=world.workspace, task_type=world.task_type, owner_id=world.client.pk,
                client=world.client, status="in_review", queue=world.queue, risk="low", priority=0.1,
                model_version=model_version, policy_version=1, content_hash=sha256(case_id.bytes).digest(),
                created_at=now(),
            )
        )  # fmt: skip
        contents.append(
            CaseContent(
                case_id=case_id, input={}, prediction=predicted if label else None,
                context={"segments": {"region": regions[number % len(regions)]}},
            )
        )  # fmt: skip
        routings.append(
            RoutingDecision(
                workspace=world.workspace, case_id=case_id, policy_version=version, features=features.to_json(),
                action="review" if zone == "queue" else "automate_and_audit", zone=zone, risk="low", tier="tier-1",
                reason="below the threshold", priority=0.1,
                calibrated_confidence=confidence, selection_probability=selection_probability, action_propensity=1.0,
                threshold=0.9, sampled=sampled, draw=0.5, trace=[], created_at=now(),
            )
        )  # fmt: skip
    Case.objects.bulk_create(cases)
    CaseContent.objects.bulk_create(contents)
    RoutingDecision.objects.bulk_create(routings)
    return cases


def observe(world: World, truths: Iterable[tuple[Case, str]], at: datetime | None = None) -> None:
    """Outcomes, as the partner sent them."""
    Signal.objects.bulk_create(
        Signal(
            workspace=world.workspace, case=case, source="outcome", label=label, observed_at=at or now(),
            created_at=now(),
        )
        for case, label in truths
    )  # fmt: skip


def observe_world(world: World, n: int, *, seed: int = 1, error: float = 0.0, **case: object) -> list[Case]:
    """`n` cases with outcomes: seven in ten stated above 0.98 and wrong in `error`, the others wrong in a quarter."""
    rng = random.Random(seed)
    easy = [rng.random() < 0.7 for _ in range(n)]
    cases = add_cases(world, [rng.uniform(0.98, 1.0) if e else rng.uniform(0.5, 0.8) for e in easy], **case)
    wrong = [rng.random() < (error if e else 0.25) for e in easy]
    observe(world, [(c, "reject" if w else "approve") for c, w in zip(cases, wrong, strict=True)])
    return cases


def observe_regions(world: World, n: int, *, seed: int = 1) -> None:
    """Half the cases are from the EU, where the model is honest, half from the US, where it is far too sure."""
    rng = random.Random(seed)
    cases = add_cases(world, [rng.choice((0.7, 0.8, 0.9, 0.999)) for _ in range(n)], regions=TWO_REGIONS)
    contents = {content.pk: content for content in CaseContent.objects.filter(case__in=cases)}
    truths = []
    for case in cases:
        stated = contents[case.pk].prediction["confidence"]
        honest = contents[case.pk].context["segments"]["region"] == "EU"
        truths.append((case, "approve" if rng.random() < (stated if honest else stated - 0.35) else "reject"))
    observe(world, truths)


def judge(
    world: World,
    case: Case,
    name: str,
    label: str,
    *,
    first: str | None = None,
    visibility: str = "after",
    kind: str = "first",
    seat: str = "",
    at: datetime | None = None,
    guideline: GuidelineVersion | None = None,
) -> Judgement:
    """A person's final word on a case, after a first judgement where `first` is given; `at`: now unless told."""
    at = at or now()
    review = ReviewTask.objects.create(
        workspace=world.workspace, case=case, queue=world.queue, status="done", order_key=-0.1, due_at=now(),
        urgent_at=now(), created_at=now(), kind=kind, seat=seat,
    )  # fmt: skip
    claim = Claim.objects.create(
        workspace=world.workspace, review=review, user=world.users[name], epoch=1, status="submitted",
        claimed_at=now(), expires_at=now(),
    )  # fmt: skip
    said = [("first", first)] if first else []
    for stage, given in [*said, ("final", label)]:
        judgement = Judgement.objects.create(
            workspace=world.workspace, case=case, review=review, claim=claim, user=world.users[name], stage=stage,
            label=given, visibility=visibility, visibility_propensity=0.8, decision_time_s=5.0, created_at=at,
            effects_at=at, guideline=guideline,
        )  # fmt: skip
    return judgement


def decide(world: World, case: Case, label: str = "approve", by: str | None = None) -> Decision:
    """The case's standing decision: by the machine, or by a person."""
    Case.objects.filter(pk=case.pk).update(status="decided", decided_at=now())
    return Decision.objects.create(
        workspace=world.workspace, case=case, label=label, owner="reviewer" if by else "system",
        decided_by=world.users[by] if by else None, created_at=now(), effects_at=now() - timedelta(seconds=1),
    )  # fmt: skip


def stranger_id() -> UUID:
    """An id nobody has."""
    return new_id()
