"""What a finished replay says: stored with its job, and the public JSON as well."""

from collections.abc import Mapping

import msgspec

from feedback.stats.off_policy import OffPolicy, evaluate
from feedback.stats.replay_estimates import Estimate, Share, difference, error_rate, mean_cost, share
from feedback.stats.replay_tally import OTHER, Group, Tally
from hitl.core.clock import from_hour, rfc3339

MAX_STEPS = 1000
"""Points of the load over time; a range with more hours is counted by day."""
MAX_GROUPS = 50
"""Values of one segment that are shown; the rarest are counted together."""


class MatrixCell(msgspec.Struct, frozen=True):
    before: str
    after: str
    n: int


class Shares(msgspec.Struct, frozen=True):
    before: Share
    after: Share


class Change(msgspec.Struct, frozen=True):
    """After less before with its 95 % interval."""

    value: float
    low: float
    high: float


class Estimates(msgspec.Struct, frozen=True):
    """`change` null where one of the two is refused."""

    before: Estimate
    after: Estimate
    change: Change | None


class QueueLoad(msgspec.Struct, frozen=True):
    """Reviews that arrive in a queue; the peaks are the busiest hours."""

    queue: str
    tier: str
    before: int
    after: int
    peak_before: int
    peak_after: int


class LoadStep(msgspec.Struct, frozen=True):
    at: str
    before: int
    after: int


class Load(msgspec.Struct, frozen=True):
    """Cases that go before a person, by queue and over time. step_hours: 1, or 24 for a long range."""

    before: int
    after: int
    peak_before: int
    peak_after: int
    queues: list[QueueLoad]
    step_hours: int
    steps: list[LoadStep]


class Segment(msgspec.Struct, frozen=True):
    """One value of one of the context's segments."""

    name: str
    value: str
    n: int
    automated: Shares
    reviewed: Shares
    error: Estimates


class Knowledge(msgspec.Struct, frozen=True):
    """What history can tell of the new route.

    automatable: cases that the policy automates with some chance; newly: those that had none before; unlabelled: those
    of them whose right answer nobody knows. unasked: cases counted as going to a person only because nobody asked a
    judge of the policy's cascade about them.
    """

    automatable: int
    automatable_unlabelled: int
    newly: int
    newly_unlabelled: int
    newly_unlabelled_share: Share
    unasked: int


class OffPolicyResult(msgspec.Struct, frozen=True):
    """Error and cost per decision of the machine under the version, by three estimators that fail differently."""

    error: OffPolicy
    cost: OffPolicy


class ReplayResult(msgspec.Struct, frozen=True):
    """n: cases replayed. unreadable: cases left out because their stored snapshot cannot be read.

    off_policy: null in replays of an earlier release.
    """

    n: int
    unreadable: int
    changed: Share
    changed_n: int
    matrix: list[MatrixCell]
    automated: Shares
    load: Load
    error: Estimates
    cost: Estimates
    segments: list[Segment]
    history: Knowledge
    off_policy: OffPolicyResult | None = None


def summarise(tally: Tally, *, tiers: Mapping[str, str], largest_cost: float) -> ReplayResult:
    """The result of all parts together. tiers: queue → its tier; largest_cost: of the task type's `error_costs`."""
    group = tally.all
    return ReplayResult(
        n=group.n,
        unreadable=tally.unreadable,
        changed=share(tally.changed, group.n),
        changed_n=tally.changed,
        matrix=[_cell(cell, n) for cell, n in sorted(tally.matrix.items(), key=lambda item: -item[1])],
        automated=_automated(group),
        load=_load(tally, tiers),
        error=_errors(group),
        cost=_estimates(mean_cost(tally.costs_before, largest_cost), mean_cost(tally.costs_after, largest_cost)),
        segments=[s for name in sorted(tally.segments) for s in _segment(name, tally.segments[name])],
        history=_knowledge(tally),
        off_policy=_off_policy(tally, largest_cost),
    )


def _off_policy(tally: Tally, largest_cost: float) -> OffPolicyResult:
    return OffPolicyResult(
        evaluate(tally.off_errors, error_rate(tally.all.errors_after)),
        evaluate(tally.off_costs, mean_cost(tally.costs_after, largest_cost), largest_cost),
    )


def _cell(actions: str, n: int) -> MatrixCell:
    before, _, after = actions.partition(">")
    return MatrixCell(before, after, n)


def _automated(group: Group) -> Shares:
    return Shares(share(group.automated_before, group.n), share(group.automated_after, group.n))


def _errors(group: Group) -> Estimates:
    return _estimates(error_rate(group.errors_before), error_rate(group.errors_after))


def _estimates(before: Estimate, after: Estimate) -> Estimates:
    change = difference(before, after)
    return Estimates(before, after, Change(*change) if change else None)


def _knowledge(tally: Tally) -> Knowledge:
    unknown = tally.newly - tally.newly_labelled
    return Knowledge(
        automatable=tally.might_automate,
        automatable_unlabelled=tally.might_automate - tally.might_automate_labelled,
        newly=tally.newly,
        newly_unlabelled=unknown,
        newly_unlabelled_share=share(unknown, tally.newly),
        unasked=tally.unasked,
    )


def _load(tally: Tally, tiers: Mapping[str, str]) -> Load:
    hours: dict[int, tuple[int, int]] = {}
    for loads in tally.load.values():
        _add_up(hours, loads)
    queues = [_queue(name, tiers.get(name, ""), loads) for name, loads in sorted(tally.load.items())]
    step = 1 if not hours or max(hours) - min(hours) < MAX_STEPS else 24
    steps = dict.fromkeys(range(min(hours) // step * step, max(hours) + 1, step), (0, 0)) if hours else {}
    for hour, load in hours.items():
        _add_up(steps, {hour - hour % step: load})
    return Load(
        before=sum(b for b, _ in hours.values()),
        after=sum(a for _, a in hours.values()),
        peak_before=max((b for b, _ in hours.values()), default=0),
        peak_after=max((a for _, a in hours.values()), default=0),
        queues=queues,
        step_hours=step,
        steps=[LoadStep(rfc3339(from_hour(hour)) or "", *load) for hour, load in sorted(steps.items())],
    )


def _queue(name: str, tier: str, loads: Mapping[int, tuple[int, int]]) -> QueueLoad:
    before, after = [b for b, _ in loads.values()], [a for _, a in loads.values()]
    return QueueLoad(name, tier, sum(before), sum(after), max(before), max(after))


def _add_up(into: dict[int, tuple[int, int]], loads: Mapping[int, tuple[int, int]]) -> None:
    for hour, (before, after) in loads.items():
        known = into.get(hour, (0, 0))
        into[hour] = known[0] + before, known[1] + after


def _segment(name: str, values: Mapping[str, Group]) -> list[Segment]:
    ranked = sorted(values.items(), key=lambda item: (item[0] == OTHER, -item[1].n, item[0]))
    shown, rest = dict(ranked[:MAX_GROUPS]), ranked[MAX_GROUPS:]
    for _, group in rest:
        shown.setdefault(OTHER, Group()).merge(group)
    return [
        Segment(
            name=name,
            value=value,
            n=group.n,
            automated=_automated(group),
            reviewed=Shares(share(group.reviewed_before, group.n), share(group.reviewed_after, group.n)),
            error=_errors(group),
        )
        for value, group in shown.items()
    ]
