"""The gate on the workbench: the proposed action, what was said of earlier proposals, and the form's answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from reviews.actions.gate import ActionVerdict
from reviews.chain import ProposalOut, earlier_proposals, needs_approval
from reviews.models import Approval, Case, CaseContent, ReviewTask

REMARK = "remark:"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an action; `field` names its remark in the form."""

    name: str
    value: str
    field: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """One earlier proposal and what was said of it; `remarks`: (parameter, words)."""

    name: str
    at: Any
    action: str
    parameters: list[Parameter]
    approved: bool | None
    codes: list[str]
    comment: str
    remarks: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Gate:
    """What waits for approval; `asks` false where nobody is asked (an audit, or nothing open)."""

    action: str
    parameters: list[Parameter]
    codes: list[tuple[str, str]]
    earlier: list[Earlier]
    asks: bool


def gate_shown(case: Case, content: CaseContent, review: ReviewTask | None) -> Gate | None:
    """The gate, or null where no action is proposed that cannot be taken back. The caller has checked the seal."""
    action = content.proposed_action
    if action is None or not needs_approval(action, reversible=case.task_type.reversible):
        return None
    return Gate(
        action=action["type"],
        parameters=_parameters(action),
        codes=[(value, _(str(label))) for value, label in Approval.Code.choices],
        earlier=[_earlier(proposal) for proposal in earlier_proposals(case.pk)],
        asks=review is not None and (review.kind == ReviewTask.Kind.FIRST or review.panel_id is not None),
    )


def read_verdict(sent: QueryDict) -> ActionVerdict | None:
    """What the form says of the action; null where it does not ask, or nothing was chosen."""
    choice = sent.get("approval")
    if choice not in ("approve", "reject"):
        return None
    known = set(Approval.Code.values)
    remarks = tuple({"parameter": name, "remark": text} for name, text in _remarks(sent))
    return ActionVerdict(
        approved=choice == "approve",
        codes=tuple(code for code in sent.getlist("codes") if code in known),
        comment=sent.get("reasoning", "")[:5000].strip(),
        parameters=remarks,
    )


def read_draft(sent: QueryDict) -> dict[str, Any]:
    """The same as it is put back into the form after a refusal."""
    return {
        "approval": sent.get("approval", ""),
        "codes": sent.getlist("codes"),
        "remarks": {REMARK + name: text for name, text in _remarks(sent)},
    }


def _remarks(sent: QueryDict) -> Iterable[tuple[str, str]]:
    for field in list(sent)[:200]:
        text = sent.get(field, "")[:2000].strip()
        if field.startswith(REMARK) and text:
            yield field.removeprefix(REMARK)[:200], text


def _parameters(action: Mapping[str, Any] | None) -> list[Parameter]:
    given = (action or {}).get("parameters") or {}
    return [Parameter(name, str(value), REMARK + name) for name, value in list(given.items())[:50]]


def _earlier(proposal: ProposalOut) -> Earlier:
    action, said = proposal.proposed_action, proposal.approval
    return Earlier(
        name=proposal.external_id or proposal.case_id[-6:],
        at=parse_datetime(proposal.created_at),
        action=(action or {}).get("type", ""),
        parameters=_parameters(action),
        approved=said.approved if said else None,
        codes=[_(str(Approval.Code(code).label)) for code in said.codes] if said else [],
        comment=said.comment if said else "",
        remarks=[(r["parameter"], r.get("remark", "")) for r in said.parameters] if said else [],
    )
