"""Error rates by group: how often each group is flagged, flagged wrongly and missed, and how groups differ."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from feedback.stats.difference import Difference, Proportion, difference, proportion


class GroupDecision(NamedTuple):
    """One decision on a member of a group.

    flagged: the decision was the positive one (high risk, remove, reject). actual: what turned out to be true, null
    while unknown. weight: inverse probability that the case is among these, > 0.
    """

    group: str
    flagged: bool
    actual: bool | None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class GroupRates:
    """One group. selection: share flagged, of all `n`. false_positive: share flagged among those actually negative;
    false_negative: share not flagged among those actually positive. Shares are null, intervals 0 to 1, without cases.
    """

    group: str
    n: int
    selection: Proportion
    false_positive: Proportion
    false_negative: Proportion


@dataclass(frozen=True, slots=True)
class GroupDifference:
    """A group less the reference; null where either has no cases."""

    group: str
    selection: Difference
    false_positive: Difference
    false_negative: Difference


@dataclass(frozen=True, slots=True)
class GroupReport:
    """Groups by name; `differences` of every group but the reference, in the same order. reference null: no cases."""

    groups: tuple[GroupRates, ...]
    reference: str | None
    differences: tuple[GroupDifference, ...]


def group_rates(decisions: Iterable[GroupDecision], *, reference: str | None = None) -> GroupReport:
    """Compare groups with a reference group: the largest unless named, ties by name.

    Source: the rates of Hardt, Price & Srebro 2016 and Chouldechova 2017; intervals of rates Wilson 1927, of
    differences Newcombe 1998, method 10; weights by `difference.proportion`. Published check: ProPublica's analysis of
    COMPAS (Larson, Mattu, Kirchner & Angwin 2016), false positives 44.9 % and 23.5 %, false negatives 28.0 % and 47.7
    %. ValueError for a reference that has no decisions or a weight not above 0.
    """
    members: defaultdict[str, list[GroupDecision]] = defaultdict(list)
    for decision in decisions:
        if not decision.weight > 0.0:
            raise ValueError(f"weight must be above 0, not {decision.weight!r}")
        members[decision.group].append(decision)
    if not members and reference is None:
        return GroupReport((), None, ())
    groups = {name: _rates(name, members[name]) for name in sorted(members)}
    if reference is None:
        reference = max(groups, key=lambda name: groups[name].n)
    if reference not in groups:
        raise ValueError(f"the reference {reference!r} has no decisions; there are {', '.join(groups) or 'none'}")
    beside = groups[reference]
    differences = tuple(_difference(rates, beside) for name, rates in groups.items() if name != reference)
    return GroupReport(tuple(groups.values()), reference, differences)


def _rates(name: str, members: list[GroupDecision]) -> GroupRates:
    return GroupRates(
        group=name,
        n=len(members),
        selection=proportion([(one.flagged, one.weight) for one in members]),
        false_positive=proportion([(one.flagged, one.weight) for one in members if one.actual is False]),
        false_negative=proportion([(not one.flagged, one.weight) for one in members if one.actual is True]),
    )


def _difference(rates: GroupRates, reference: GroupRates) -> GroupDifference:
    return GroupDifference(
        rates.group,
        difference(rates.selection, reference.selection),
        difference(rates.false_positive, reference.false_positive),
        difference(rates.false_negative, reference.false_negative),
    )
