"""What a replay counts, case by case, in a form that parts of it can be added up. Plain Python."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from feedback.stats.off_policy import OffPolicySums
from feedback.stats.replay_estimates import Sums

MOST_VALUES = 1000
"""Values of one segment that a part keeps apart; the rest are counted together."""
OTHER = "(other)"
_COUNTED = ("changed", "might_automate", "might_automate_labelled", "newly", "newly_labelled", "unasked", "unreadable")


@dataclass(frozen=True, slots=True)
class Side:
    """One route of a case. automated: P(the label takes effect); queue: where it waits, null without a review.

    decided: the machine's label really took effect under this draw.
    """

    action: str
    tier: str
    queue: str | None
    automated: float
    decided: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of the machine's answer: wrong or not, what that cost, and how likely the label was to exist."""

    wrong: bool
    cost: float
    label_probability: float


@dataclass(frozen=True, slots=True)
class Seen:
    """A case with both its routes. hour: of its arrival, counted from 1970. truth null: no label.

    logged: the stored probability that a person looked at it. doubt, doubt_cost: the error, and its cost, that the new
    version's confidence leads one to expect. unasked: the new route goes to a person only because nobody asked a judge
    that the policy would ask.
    """

    hour: int
    before: Side
    after: Side
    segments: Mapping[str, str]
    truth: Truth | None
    unasked: bool = False
    logged: float = 1.0
    doubt: float = 0.0
    doubt_cost: float = 0.0

    @property
    def changed(self) -> bool:
        """Another action, or another tier of people."""
        return self.before.action != self.after.action or self.before.tier != self.after.tier


class Group(msgspec.Struct, array_like=True):
    """Counts of some cases: before and after."""

    n: int = 0
    automated_before: int = 0
    automated_after: int = 0
    reviewed_before: int = 0
    reviewed_after: int = 0
    errors_before: Sums = msgspec.field(default_factory=Sums)
    errors_after: Sums = msgspec.field(default_factory=Sums)

    def add(self, seen: Seen) -> None:
        before, after, truth = seen.before, seen.after, seen.truth
        self.n += 1
        self.automated_before += before.decided
        self.automated_after += after.decided
        self.reviewed_before += before.queue is not None
        self.reviewed_after += after.queue is not None
        wrong = None if truth is None else float(truth.wrong)
        probability = 1.0 if truth is None else truth.label_probability
        self.errors_before.add(before.automated, wrong, probability)
        self.errors_after.add(after.automated, wrong, probability)

    def merge(self, other: "Group") -> None:
        for name in self.__struct_fields__[:5]:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.errors_before.merge(other.errors_before)
        self.errors_after.merge(other.errors_after)


class Tally(msgspec.Struct):
    """All of a part. matrix: "before>after" → cases. load: queue → hour → [before, after] arrivals for review.

    might_automate: cases that the policy automates with some chance; newly: those that had none before; each with how
    many have a label. unreadable: snapshots this version cannot read, which nothing else counts.
    """

    all: Group = msgspec.field(default_factory=Group)
    costs_before: Sums = msgspec.field(default_factory=Sums)
    costs_after: Sums = msgspec.field(default_factory=Sums)
    off_errors: OffPolicySums = msgspec.field(default_factory=OffPolicySums)
    off_costs: OffPolicySums = msgspec.field(default_factory=OffPolicySums)
    matrix: dict[str, int] = {}
    load: dict[str, dict[int, tuple[int, int]]] = {}
    segments: dict[str, dict[str, Group]] = {}
    changed: int = 0
    might_automate: int = 0
    might_automate_labelled: int = 0
    newly: int = 0
    newly_labelled: int = 0
    unasked: int = 0
    unreadable: int = 0

    def add(self, seen: Seen) -> None:
        before, after, truth = seen.before, seen.after, seen.truth
        self.all.add(seen)
        cost = None if truth is None else truth.cost
        probability = 1.0 if truth is None else truth.label_probability
        self.costs_before.add(before.automated, cost, probability)
        self.costs_after.add(after.automated, cost, probability)
        wrong = None if truth is None else float(truth.wrong)
        self.off_errors.add(after.automated, wrong, seen.doubt, probability, seen.logged)
        self.off_costs.add(after.automated, cost, seen.doubt_cost, probability, seen.logged)
        cell = f"{before.action}>{after.action}"
        self.matrix[cell] = self.matrix.get(cell, 0) + 1
        self.changed += seen.changed
        self.unasked += seen.unasked
        if before.queue is not None:
            self._arrives(before.queue, seen.hour, 1, 0)
        if after.queue is not None:
            self._arrives(after.queue, seen.hour, 0, 1)
        self._count_knowledge(seen)
        for name, value in seen.segments.items():
            self._group(name, value).add(seen)

    def merge(self, other: "Tally") -> None:
        """Add another part of the same replay."""
        self.all.merge(other.all)
        self.costs_before.merge(other.costs_before)
        self.costs_after.merge(other.costs_after)
        self.off_errors.merge(other.off_errors)
        self.off_costs.merge(other.off_costs)
        for cell, n in other.matrix.items():
            self.matrix[cell] = self.matrix.get(cell, 0) + n
        for queue, hours in other.load.items():
            for hour, (before, after) in hours.items():
                self._arrives(queue, hour, before, after)
        for name, values in other.segments.items():
            for value, group in values.items():
                self._group(name, value).merge(group)
        for counted in _COUNTED:
            setattr(self, counted, getattr(self, counted) + getattr(other, counted))

    def _arrives(self, queue: str, hour: int, before: int, after: int) -> None:
        hours = self.load.setdefault(queue, {})
        known = hours.get(hour, (0, 0))
        hours[hour] = known[0] + before, known[1] + after

    def _count_knowledge(self, seen: Seen) -> None:
        if seen.after.automated <= 0.0:
            return
        labelled = seen.truth is not None
        self.might_automate += 1
        self.might_automate_labelled += labelled
        if seen.before.automated <= 0.0:
            self.newly += 1
            self.newly_labelled += labelled

    def _group(self, name: str, value: str) -> Group:
        values = self.segments.setdefault(name, {})
        if value not in values and len(values) >= MOST_VALUES:
            value = OTHER
        return values.setdefault(value, Group())
