"""Versions that take effect without a person: only inside bounds that two people approved (mission B13, F7)."""

from django.db import transaction

from hitl.core.actors import Actor
from hitl.core.clock import now
from routing.access import require_configure
from routing.actions.policies import Status, locked_policy, move_version, put_in_force
from routing.engine.bounds import outside_bounds
from routing.engine.document import decode_document
from routing.models import PolicyVersion


@transaction.atomic
def apply_within_bounds(*, actor: Actor, version: PolicyVersion) -> str | None:
    """Put a draft in force if the version in force allows that; null when done, else why a person must approve it.

    The bounds count only where a person proposed them and another approved them: in the version in force, or in the
    one that licensed it, whose bounds it then still carries.
    """
    require_configure(actor)
    policy = locked_policy(actor, version.policy_id)
    active = policy.versions.select_related("licensed_by").filter(status=Status.ACTIVE).first()
    if active is None:
        return "No version is in force that could allow it."
    if policy.replay_first:
        return "This policy wants every version replayed over past cases first."
    licence = active.licensed_by or active
    if None in (licence.proposed_by_id, licence.approved_by_id) or licence.proposed_by_id == licence.approved_by_id:
        return "A person must approve it: two people have not approved the bounds in force."
    before, after = decode_document(active.document), decode_document(version.document)
    if before.automatic != decode_document(licence.document).automatic:
        return "A person must approve it: the bounds in force are not those two people approved."
    refused = outside_bounds(before, after)
    if refused is not None:
        return f"A person must approve it. {refused}"
    reason = f"inside the bounds of version {licence.number}"
    move_version(actor, policy, version.pk, "approve", reason, approved_at=now(), licensed_by_id=licence.pk)
    put_in_force(actor, policy, version.pk, "activate", reason)
    return None
