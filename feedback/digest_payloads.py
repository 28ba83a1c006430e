"""Weekly digests as the API tells them."""

import msgspec

from feedback.digest_content import DigestContent, Proposal
from feedback.models import Digest
from hitl.core.clock import rfc3339


class DigestOut(msgspec.Struct, frozen=True):
    """`week`: its Monday. `proposals`: drafts made because of it, or why not."""

    id: str
    task_type: str
    week: str
    content: DigestContent
    proposals: list[Proposal]
    created_at: str | None


class DigestList(msgspec.Struct, frozen=True):
    results: list[DigestOut]
    next: str | None


def digest_out(row: Digest) -> DigestOut:
    """One digest; its task type is read with it."""
    return DigestOut(
        id=str(row.pk),
        task_type=row.task_type.slug,
        week=row.week.isoformat(),
        content=msgspec.convert(row.content, DigestContent),
        proposals=msgspec.convert(row.proposals, list[Proposal]),
        created_at=rfc3339(row.created_at),
    )
