"""From advice to drafts: the starting policy with its plan, and later each step that the figures unlock."""

from typing import Any

from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from hitl.core.actors import Actor
from hitl.core.clock import now, rfc3339
from hitl.core.errors import NotFound, Refused
from routing.actions.configure import sign
from routing.actions.policies import propose_version
from routing.engine.advisor import Advice, Answers, Step, advise, merged
from routing.models import Calibration, Policy, PolicyVersion


@transaction.atomic
def propose_advised(*, actor: Actor, policy: Policy, answers: Answers) -> PolicyVersion:
    """The advised draft; its plan becomes the policy's, in place of an earlier one. Raises as `propose_version`."""
    advice = advise(answers)
    note = " ".join(choice.reason for choice in advice.choices)[:2000]
    version = propose_version(actor=actor, policy=policy, document=dict(advice.document), note=note)
    plan = plan_json(answers, advice)
    plan["steps"][0]["version"] = version.number
    _store(actor, policy, plan | {"made_at": rfc3339(now())})
    return version


@transaction.atomic
def propose_step(*, actor: Actor, policy: Policy, number: int, labels: int, days: float) -> PolicyVersion:
    """Step `number` (from 1) of the policy's plan as a draft: the document in force with the step's changes.

    labels, days: the present figures. Raises NotFound without such a step, Refused `step_locked`, and as
    `propose_version`.
    """
    plan: dict[str, Any] = Policy.objects.select_for_update().get(pk=policy.pk).plan or {"steps": []}
    steps = plan["steps"]
    if not 1 <= number <= len(steps):
        raise NotFound()
    found = steps[number - 1]
    step = Step(*(found[name] for name in ("title", "why", "labels", "days", "changes")))
    if not step.opens(labels, days):
        detail = f"It needs {step.labels} labels and {step.days} days; there are {labels} and {int(days)}."
        raise Refused(detail, code="step_locked")
    base = _base(policy, steps)
    # Layers that people added since are theirs; the step's are only a start.
    keeps = {"cascade"} if base.get("cascade", {}).get("layers") else set()
    document = merged(base, {key: value for key, value in step.changes.items() if key not in keeps})
    if step.changes.get("rollout") is False and not document.get("calibrations"):
        document["calibrations"] = _newest_calibrations(policy)
    version = propose_version(actor=actor, policy=policy, document=document, note=f"{step.title}. {step.why}")
    found["version"] = version.number
    _store(actor, policy, plan)
    return version


def plan_json(answers: Answers, advice: Advice) -> dict[str, Any]:
    """The plan as it is stored with the policy; `version` of a step: the draft made of it, null before."""
    return {
        "answers": {name: getattr(answers, name) for name in Answers.__slots__},
        "choices": [{"pattern": choice.pattern.value, "reason": choice.reason} for choice in advice.choices],
        "steps": [
            {
                "title": step.title,
                "why": step.why,
                "labels": step.labels,
                "days": step.days,
                "changes": dict(step.changes),
                "version": None,
            }
            for step in advice.steps
        ],
    }


def _base(policy: Policy, steps: list[dict[str, Any]]) -> dict[str, Any]:
    """What is in force, else the latest version that came of the plan."""
    active = policy.versions.filter(status=PolicyVersion.Status.ACTIVE).first()
    numbers = [step["version"] for step in steps if step["version"] is not None]
    version = active or policy.versions.get(number=max(numbers))
    document: dict[str, Any] = version.document
    return document


def _newest_calibrations(policy: Policy) -> list[dict[str, Any]]:
    newest = (
        Calibration.objects.filter(task_type_id=policy.task_type_id, slice={})
        .order_by("model_version", "confidence_source", "-version")
        .distinct("model_version", "confidence_source")
    )
    return [
        {"model_version": row.model_version, "confidence_source": row.confidence_source, "version": row.version}
        for row in newest
    ]


def _store(actor: Actor, policy: Policy, plan: dict[str, Any]) -> None:
    before, policy.plan = policy.plan, plan
    sign(policy, actor)
    policy.save(update_fields=["plan"])
    made = [step["version"] for step in plan["steps"]]
    record_event(
        actor=actor,
        action="policy.plan_changed",
        subject=Subject("policy", policy.pk),
        change=Change({"planned": bool(before)}, {"policy": policy.slug, "versions": made}),
    )
