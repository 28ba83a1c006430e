"""REST: whether seeing the machine's answer helps."""

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from feedback.stats.reliance import ArmAccuracy, Reliance, Share
from feedback.stats.showing import Effect
from feedback.visibility_data import DEFAULT_WINDOW, policies_of
from feedback.visibility_report import Slice, visibility_report
from hitl.accounts.authentication import actor_of
from hitl.core.clock import rfc3339
from hitl.core.endpoint import Endpoint
from hitl.core.permissions import Scope
from hitl.core.schema import documented, query
from reviews.models import VisibilityPolicy


class ShareOut(msgspec.Struct, frozen=True):
    """`k` of `n` with Wilson's 95 % interval; `value`, `low`, `high` null with the `reason` where n is too small."""

    k: int
    n: int
    value: float | None
    low: float | None
    high: float | None
    reason: str | None


class ArmOut(msgspec.Struct, frozen=True):
    """How often the machine alone, people alone (first judgement) and both (last word) were right in an arm."""

    arm: str
    n: int
    machine: ShareOut
    human: ShareOut
    combined: ShareOut


class EffectOut(msgspec.Struct, frozen=True):
    """Share right in arm `first` less that in `second`, weighted by inverse propensity, with a 95 % interval.

    `method`: `jackknife_by_reviewer`, or `newcombe_by_case` with fewer than five reviewers.
    """

    first: str
    second: str
    n_first: int
    n_second: int
    reviewers: int
    value: float | None
    low: float | None
    high: float | None
    method: str | None
    reason: str | None


class RelianceOut(msgspec.Struct, frozen=True):
    """From the arm *after*: agreement and switch fraction, relative AI reliance (`rair`), relative self-reliance
    (`rsr`), over- and under-reliance."""

    n: int
    agreement: ShareOut
    switch: ShareOut
    rair: ShareOut
    rsr: ShareOut
    over: ShareOut
    under: ShareOut


class VisibilitySliceOut(msgspec.Struct, frozen=True):
    name: str
    n: int
    arms: list[ArmOut]
    effect: EffectOut
    reliance: RelianceOut


class SourceOut(msgspec.Struct, frozen=True):
    source: str
    n: int


class ArmsInForceOut(msgspec.Struct, frozen=True):
    queue: str
    version: int
    before: float
    after: float
    never: float
    seed: str
    from_at: str | None


class VisibilityOut(msgspec.Struct, frozen=True):
    """`judged`: final judgements looked at, the newest 10,000 at most; the figures are of those with a known truth."""

    since: str | None
    window: str
    queue: str | None
    judged: int
    without_truth: int
    without_machine: int
    truth: list[SourceOut]
    arms: list[ArmOut]
    effects: list[EffectOut]
    reliance: RelianceOut
    by_queue: list[VisibilitySliceOut]
    by_label: list[VisibilitySliceOut]
    by_reviewer: list[VisibilitySliceOut]
    by_week: list[VisibilitySliceOut]
    policies: list[ArmsInForceOut]


_QUERY = (
    query("queue", "The slug of one queue; all of them unless told.", required=False),
    query("window", f"Hours or days, such as 24h; {DEFAULT_WINDOW} unless told, at most 365d.", required=False),
)


class Visibility(Endpoint):
    scopes = {"GET": Scope.METRICS_READ}

    @documented(operation_id="get_visibility", responses={200: VisibilityOut}, parameters=_QUERY, tags=("Learning",))
    def get(self, request: Request) -> Response:
        """Machine-alone, human-alone and combined accuracy per arm, reliance, and the effect of showing."""
        asked = self.check_query(request, "queue", "window")
        found = visibility_report(actor_of(request), asked.get("queue", ""), asked.get("window") or DEFAULT_WINDOW)
        queues = [found.queue] if found.queue else found.queues
        return Response(
            VisibilityOut(
                rfc3339(found.since),
                found.window,
                found.queue.slug if found.queue else None,
                found.evidence.judged,
                found.evidence.without_truth,
                found.evidence.without_machine,
                [SourceOut(*source) for source in found.sources],
                [_arm(arm) for arm in found.arms],
                [_effect(effect) for effect in found.effects],
                _reliance(found.reliance),
                [_slice(part) for part in found.by_queue],
                [_slice(part) for part in found.by_label],
                [_slice(part) for part in found.by_reviewer],
                [_slice(part) for part in found.by_week],
                [_policy(row) for row in policies_of(queues)],
            )
        )


def _share(share: Share) -> ShareOut:
    low, high = share.interval or (None, None)
    return ShareOut(share.k, share.n, share.value, low, high, share.reason)


def _arm(arm: ArmAccuracy) -> ArmOut:
    return ArmOut(arm.arm, arm.n, _share(arm.machine), _share(arm.human), _share(arm.combined))


def _effect(e: Effect) -> EffectOut:
    return EffectOut(e.first, e.second, e.n_first, e.n_second, e.reviewers, e.value, e.low, e.high, e.method, e.reason)


def _reliance(r: Reliance) -> RelianceOut:
    return RelianceOut(r.n, *(_share(share) for share in (r.agreement, r.switch, r.rair, r.rsr, r.over, r.under)))


def _slice(part: Slice) -> VisibilitySliceOut:
    return VisibilitySliceOut(
        part.name, part.n, [_arm(a) for a in part.arms], _effect(part.effect), _reliance(part.reliance)
    )


def _policy(row: VisibilityPolicy) -> ArmsInForceOut:
    shares = (row.before_share, row.after_share, row.never_share)
    return ArmsInForceOut(row.queue.slug, row.number, *shares, row.seed, rfc3339(row.from_at))
