"""The arms of a queue as the file has them."""

from collections.abc import Iterator

from hitl.core.actors import Actor
from hitl.core.errors import DomainError, FieldProblem, Refused
from reviews.actions.visibility import Shares, set_visibility_policy
from reviews.config.structs import VisibilityConfig
from reviews.models import Queue


def bring_visibility(actor: Actor, queue: Queue, entry: VisibilityConfig) -> Iterator[str]:
    """Set them where they differ; yields the change in words."""
    shares = Shares(entry.before, entry.after, entry.never)
    try:
        row = set_visibility_policy(actor=actor, queue=queue, shares=shares, seed=entry.seed, reason="apply_config")
    except DomainError as error:
        errors = [FieldProblem(f"/visibility{p.pointer}", p.detail, p.code) for p in error.errors]
        raise Refused(error.detail, code=error.code, errors=errors) from None
    if row is not None:
        queue.refresh_from_db(fields=["visibility_version", "sealed_until"])
        words = ", ".join(f"{name} {share:g}" for name, share in shares.as_json().items())
        yield f"queue {queue.slug}: visibility, version {row.number}: {words}"
