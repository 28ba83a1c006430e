"""What a person proposed, and what became of it."""

from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hitl.core.actors import Actor
from hitl.core.numbers import percent
from routing.engine.document import PolicyDocument, decode_document
from routing.models import PolicyVersion

_SHOWN = 5
Status = PolicyVersion.Status


@dataclass(frozen=True, slots=True)
class Proposal:
    """reason: what was said when its state last changed, empty for a draft. by: who decided, null before."""

    version: PolicyVersion
    by: str | None
    reason: str


def own_proposals(actor: Actor) -> tuple[Proposal, ...]:
    """The actor's newest proposals; those of nobody for a client."""
    if actor.user_id is None:
        return ()
    mine = PolicyVersion.objects.filter(workspace_id=actor.workspace_id, proposed_by_id=actor.user_id)
    versions = list(mine.select_related("policy").defer("document", "study").order_by("-id")[:_SHOWN])
    decided = ~Q(status=Status.DRAFT) & Q(id__in=[version.pk for version in versions])
    history = PolicyVersion.history.filter(decided).order_by("history_date").select_related("history_user")
    last = {row.id: row for row in history}
    return tuple(
        Proposal(v, str(last[v.pk].history_user or "hitl"), last[v.pk].history_change_reason or "")
        if v.pk in last
        else Proposal(v, None, "")
        for v in versions
    )


def in_brief(value: dict[str, object]) -> str:
    """A stored document in a line: how sure the machine must be, how many rules send cases to people."""
    document: PolicyDocument = decode_document(value)
    default = document.thresholds.default
    if document.rollout:
        said = _("roll-out: everything is reviewed until a calibration is fitted")
    elif default is None:
        said = _("people decide")
    else:
        said = _("the machine decides from %(share)s sure") % {"share": percent(default)}
    rules = len(document.rules) + len(document.risk_rules)
    return f"{said}, " + ngettext("%(n)s rule", "%(n)s rules", rules) % {"n": rules}
