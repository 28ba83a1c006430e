"""A case decided by a version other than the one that decided it: shadow, canary and replay share this one step."""

from routing.engine.evaluate import evaluate
from routing.engine.features import Features
from routing.engine.policy import Snapshot
from routing.engine.route import Route
from routing.engine.sampling import hash_draw


def case_draw(snapshot: Snapshot, case_id: str) -> float:
    """The chance a case was dealt; all versions of a policy share its salt, so the case keeps it under each."""
    return hash_draw(snapshot.policy.salt, case_id)


def replay_one(features: Features, snapshot: Snapshot, case_id: str, *, stop_reason: str | None = None) -> Route:
    """The route this snapshot gives the case, with the draw the case had when it came in; pure.

    features: as stored, with `input` put back from the case's content where rules read it. case_id: the UUID in its
    canonical text form. stop_reason: as for `evaluate`.
    """
    return evaluate(features, snapshot, draw=case_draw(snapshot, case_id), stop_reason=stop_reason)
