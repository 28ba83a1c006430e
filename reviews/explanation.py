"""What the subject of a decision is told, in plain words: no number, rule name or threshold (mission E5)."""

from typing import Any

import msgspec
from django.utils.translation import gettext as _

from reviews.appeals import recourse_of
from reviews.decision_chain import decisions_of
from reviews.models import Appeal, Case, Decision
from routing.models import RoutingDecision

_Owner = Decision.Owner


class ExplanationOut(msgspec.Struct, frozen=True):
    """`automated_processing`: the decision in force was made without a person. The text says where else a machine had
    a part.
    """

    text: str
    automated_processing: bool
    how_to_contest: str


def explanation_of(case: Case, routing: RoutingDecision | None) -> ExplanationOut:
    """In the reader's language; of the decision in force, and how it came about."""
    decisions = [d for d in decisions_of(case) if d.withdrawn_at is None]
    current = next((d for d in decisions if d.is_current), None)
    appeals = list(Appeal.objects.filter(case_id=case.pk).order_by("id"))
    parts = [_no_decision(case)] if current is None else [*_decided(case, current), *_how(case, current, routing)]
    if current is not None:
        parts += _before(current, decisions)
    parts += _appealed(appeals)
    automated = current is not None and current.owner in (_Owner.SYSTEM, _Owner.FALLBACK)
    return ExplanationOut(" ".join(p for p in parts if p), automated, _contest(case, current, appeals))


def _no_decision(case: Case) -> str:
    if case.status == Case.Status.CANCELLED:
        return _("The case was withdrawn before it was decided.")
    if case.status == Case.Status.SHADOW:
        return _("Nothing was decided in this case.")
    return _("There is no decision yet; a person will look at the case.")


def _decided(case: Case, current: Decision) -> list[str]:
    label: dict[str, Any] = next((entry for entry in case.task_type.labels if entry["value"] == current.label), {})
    parts = [_("The decision is: %(label)s.") % {"label": label.get("title", current.label)}]
    if current.provisional:
        parts.append(_("It is provisional: a person will still look at it, and it may be revised."))
    return parts


def _how(case: Case, current: Decision, routing: RoutingDecision | None) -> list[str]:
    machine = case.content.prediction is not None
    match current.owner:
        case _Owner.SYSTEM:
            return [_("An automated system made it, without a person.")]
        case _Owner.FALLBACK:
            return [_("It was made automatically, because no person could look at the case in time.")]
        case _Owner.PANEL:
            parts = [_("Several people made it together.")]
        case _Owner.APPEAL:
            parts = [_("A person made it who had no part in the earlier decision.")]
        case _Owner.AUDITOR | _Owner.ADJUDICATOR:
            parts = [_("A person made it when checking an earlier judgement.")]
        case _:
            parts = [_("A person made it."), _why_a_person(routing)]
    if machine:
        parts.append(_("An automated system had also assessed the case."))
    return parts


def _why_a_person(routing: RoutingDecision | None) -> str:
    match routing.action if routing else "":
        case "escalate":
            return _("Cases like this one are always decided by people.")
        case "gate":
            return _("What follows from it cannot be undone, so a person had to agree.")
        case "review":
            return _("The case was not clear enough to be decided automatically.")
    return ""


def _before(current: Decision, decisions: list[Decision]) -> list[str]:
    earlier = [d for d in decisions if d.pk != current.pk]
    changed = [d for d in earlier if d.label != current.label]
    if not earlier:
        return []
    if not changed:
        return [_("It confirms an earlier decision.")]
    if changed[-1].owner in (_Owner.SYSTEM, _Owner.FALLBACK):
        return [_("It replaces an earlier decision that was made automatically.")]
    return [_("It replaces an earlier decision that a person had made.")]


def _appealed(appeals: list[Appeal]) -> list[str]:
    if not appeals:
        return []
    match appeals[-1].outcome:
        case None:
            return [_("An appeal is open; a person who had no part in the decision will answer it.")]
        case Appeal.Outcome.UPHELD:
            return [_("After an appeal, a person who had no part in the decision upheld it.")]
        case Appeal.Outcome.PARTLY:
            return [_("After an appeal, the decision was changed in part.")]
    return [_("After an appeal, the decision was changed.")]


def _contest(case: Case, current: Decision | None, appeals: list[Appeal]) -> str:
    rules = recourse_of(case.task_type)
    if any(a.resolved_at is None for a in appeals):
        return _("Your appeal is being looked at. You need not do anything.")
    if current is None:
        return _("There is nothing to contest yet. Once there is a decision, you may appeal against it.")
    if rules.how_to_contest:
        return rules.how_to_contest
    if not rules.appeals_allowed:
        return _("Please turn to the organisation that told you of the decision.")
    return _(
        "You may appeal: tell the organisation that informed you of the decision why you think it is wrong. "
        "A person who had no part in the decision will then look at the case anew; no machine decides appeals."
    )
