"""What one reviewer's judgements say of their work, beside colleagues in the same queue. Pure, plain Python.

Quality is judged against what turned out to be true (outcomes) and known answers (gold) before rulings, and never
against agreement: whoever differs from the others and is right by outcomes has the better figures.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import expm1, log

from feedback.stats.bounds import clopper_pearson_interval
from feedback.stats.comparing import (
    Ranked,
    Spread,
    TwoCounts,
    exact_more,
    holm,
    ranked,
    slope_within,
    smaller_among,
    spread_of,
    trend,
)
from feedback.stats.pooling import Pooled, pool

KNOWN = ("outcome", "gold")
"""Sources that say what is true, whatever people think."""
SOURCES = (*KNOWN, "ruling", "consensus")
ENOUGH = 10
"""Below so many cases with a known answer nothing is said of quality."""
ENOUGH_WRONG = 5
"""So many wrong answers of the machine must have been met before anything is said of following it blindly."""
LONGEST_HOUR = 8
LEAST_HOURS, LEAST_TIMES = 1.0, 20
"""Of a shift over which, and of judgements from which, a change per hour is read: minutes say nothing about hours."""
MUCH_MORE = 0.05
"""Agreeing with the machine by less than five points more than colleagues is no signal."""
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Done:
    """One final judgement. `kind`: the task type; `shift`: a stretch of work without a long pause, `hours`: into it.

    `first`: said unaided, null where nothing was; `shown`: the machine's answer was visible before the last word;
    `truth` with its `source` (best of `SOURCES`, each without this person's own word), both null where nobody knows.
    """

    person: str
    kind: str
    label: str
    seconds: float
    shift: int = 0
    hours: float = 0.0
    first: str | None = None
    machine: str | None = None
    shown: bool = False
    truth: str | None = None
    source: str | None = None

    @property
    def known(self) -> bool:
        """Whether an outcome or a gold answer says what is right."""
        return self.source in KNOWN

    @property
    def right(self) -> bool:
        return self.label == self.truth


@dataclass(frozen=True, slots=True)
class Counted:
    """`k` of `n` with Clopper-Pearson's 95 % interval; `share` null without cases."""

    k: int
    n: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        return self.k / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Quality:
    """Right of the cases whose answer is known. `basis`: outcomes_and_gold, else rulings, else none (too few)."""

    basis: str
    right: Counted


@dataclass(frozen=True, slots=True)
class Confused:
    """So often this person said `said` where `truth` was right."""

    truth: str
    said: str
    n: int


@dataclass(frozen=True, slots=True)
class Leniency:
    """How often this person gives a label, shrunk towards the queue's mean; null where too few people work there."""

    label: str
    pooled: Pooled
    mean: float
    strength: float


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds per judgement, beside colleagues' on the same task types; null with fewer than two."""

    own: Spread | None
    others: Spread | None


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the shift, 0 the first: errors of cases with a known answer, overrides where the machine was seen."""

    hour: int
    n: int
    errors: Counted
    overrides: Counted
    median_s: float


@dataclass(frozen=True, slots=True)
class Fatigue:
    """Whether errors, overrides or speed change over the shift. p-values adjusted for the three looks (Holm).

    `slower_by`: change of the time per case with each hour, as a share (-0.1: 10 % less), with its 95 % interval; null
    where there is too little.
    """

    hours: tuple[Hour, ...]
    errors_p: float | None = None
    overrides_p: float | None = None
    speed_p: float | None = None
    slower_by: float | None = None
    slower_low: float | None = None
    slower_high: float | None = None


@dataclass(frozen=True, slots=True)
class Stamp:
    """The rubber-stamp signal. `status`: signal, none or not_enough_data.

    Agreeing alone is no fault: the signal needs all three, agreeing with a visible machine much more than colleagues,
    being faster, and following it more where it is known to be wrong. `p` is the largest of the three p-values
    (intersection-union test, Berger 1982, Technometrics 24:295), adjusted for the people of the queue (Holm).
    """

    status: str
    agrees: Counted
    others_agree: Counted
    followed_wrong: Counted
    others_followed: Counted
    p_agrees: float
    p_faster: float
    p_followed: float
    p: float


@dataclass(frozen=True, slots=True)
class Figures:
    """All of one person in one queue over the window."""

    judged: int
    quality: Quality
    unaided: Counted
    by_source: dict[str, Counted]
    confusion: tuple[Confused, ...]
    leniency: tuple[Leniency, ...]
    speed: Speed
    fatigue: Fatigue
    stamp: Stamp
    repeats: Counted = field(default_factory=lambda: counted(()))


def counted(values: Iterable[bool]) -> Counted:
    """How many are true, of how many; with no cases 0 to 1."""
    said = list(values)
    return _exact(sum(said), len(said))


def _exact(k: int, n: int) -> Counted:
    return Counted(k, n, *clopper_pearson_interval(k, n))


def quality_of(mine: Sequence[Done]) -> Quality:
    """Against outcomes and gold where there are `ENOUGH`, else with rulings added, else nothing is said.

    What colleagues think (`consensus`) never counts here.
    """
    known = counted(d.right for d in mine if d.known)
    if known.n >= ENOUGH:
        return Quality("outcomes_and_gold", known)
    ruled = counted(d.right for d in mine if d.known or d.source == "ruling")
    return Quality("rulings", ruled) if ruled.n >= ENOUGH else Quality("none", known)


def figures_of(rows: Sequence[Done]) -> dict[str, Figures]:
    """Everybody's figures in one queue. Each person is compared with the others of that queue."""
    people: dict[str, list[Done]] = defaultdict(list)
    for row in rows:
        people[row.person].append(row)
    pooled = _leniency(people)
    stamps = _stamps(people)
    times = _Times(rows)
    return {
        person: Figures(
            judged=len(mine),
            quality=quality_of(mine),
            unaided=counted(d.first == d.truth for d in mine if d.known and d.first is not None),
            by_source={source: counted(d.right for d in mine if d.source == source) for source in SOURCES},
            confusion=confusion_of(mine),
            leniency=pooled.get(person, ()),
            speed=_speed(mine, times),
            fatigue=fatigue_of(mine),
            stamp=stamps[person],
        )
        for person, mine in people.items()
    }


def confusion_of(mine: Sequence[Done]) -> tuple[Confused, ...]:
    """What was said against what was right, by outcomes, gold and rulings; the largest counts first."""
    told = Counter((d.truth or "", d.label) for d in mine if d.source in (*KNOWN, "ruling"))
    return tuple(Confused(truth, said, n) for (truth, said), n in sorted(told.items(), key=lambda i: (-i[1], i[0])))


def _leniency(people: dict[str, list[Done]]) -> dict[str, tuple[Leniency, ...]]:
    names = sorted(people)
    labels = Counter(d.label for mine in people.values() for d in mine)
    found: dict[str, list[Leniency]] = defaultdict(list)
    for label, _ in labels.most_common(20):
        shared = pool([(sum(d.label == label for d in people[name]), len(people[name])) for name in names])
        if shared is not None:
            for name, group in zip(names, shared.groups, strict=True):
                found[name].append(Leniency(label, group, shared.mean, shared.strength))
    return {name: tuple(rows) for name, rows in found.items()}


class _Times:
    """Everybody's times on some task types, sorted or ranked once for all who work on the same ones."""

    def __init__(self, rows: Iterable[Done]) -> None:
        self._by_kind: dict[str, list[float]] = defaultdict(list)
        for row in rows:
            self._by_kind[row.kind].append(row.seconds)
        self._ordered: dict[frozenset[str], list[float]] = {}
        self._ranked: dict[frozenset[str], Ranked] = {}

    def ranked(self, kinds: frozenset[str]) -> Ranked:
        if kinds not in self._ranked:
            self._ranked[kinds] = ranked(s for kind in kinds for s in self._by_kind[kind])
        return self._ranked[kinds]

    def others(self, kinds: frozenset[str], mine: Iterable[float]) -> list[float]:
        """In order, without mine."""
        if kinds not in self._ordered:
            self._ordered[kinds] = sorted(s for kind in kinds for s in self._by_kind[kind])
        left, kept = Counter(mine), []
        for seconds in self._ordered[kinds]:
            if left.get(seconds):
                left[seconds] -= 1
            else:
                kept.append(seconds)
        return kept


def _speed(mine: Sequence[Done], times: _Times) -> Speed:
    own = [d.seconds for d in mine]
    return Speed(spread_of(own), spread_of(times.others(frozenset(d.kind for d in mine), own)))


def fatigue_of(mine: Sequence[Done]) -> Fatigue:
    """Trends over hours since the shift began: shares by Cochran-Armitage, time per case within shifts."""
    hours: dict[int, list[Done]] = defaultdict(list)
    for d in mine:
        hours[min(LONGEST_HOUR, int(d.hours))].append(d)
    rows = tuple(_hour(hour, hours[hour]) for hour in sorted(hours))
    errors = trend([(r.hour, r.errors.k, r.errors.n) for r in rows if r.errors.n])
    overrides = trend([(r.hour, r.overrides.k, r.overrides.n) for r in rows if r.overrides.n])
    lasts = max((d.hours for d in mine), default=0.0) - min((d.hours for d in mine), default=0.0)
    steps = None
    if lasts >= LEAST_HOURS and len(mine) >= LEAST_TIMES:
        steps = slope_within([((d.shift, d.kind), d.hours, log(max(d.seconds, 0.1))) for d in mine])
    looks = [p for p in (errors, overrides, steps.p if steps else None) if p is not None]
    adjusted = dict(zip(looks, holm(looks), strict=True))
    if steps is None:
        return Fatigue(rows, _of(adjusted, errors), _of(adjusted, overrides))
    change = [expm1(value) for value in (steps.value, steps.low, steps.high)]
    return Fatigue(rows, _of(adjusted, errors), _of(adjusted, overrides), adjusted[steps.p], *change)


def _of(adjusted: dict[float, float], p: float | None) -> float | None:
    return None if p is None else adjusted[p]


def _hour(hour: int, done: Sequence[Done]) -> Hour:
    seen = [d for d in done if d.shown and d.machine is not None]
    middle = spread_of([d.seconds for d in done])
    return Hour(
        hour,
        len(done),
        counted(not d.right for d in done if d.known),
        counted(d.label != d.machine for d in seen),
        middle.median if middle else done[0].seconds,
    )


Tally = dict[str, dict[str, tuple[int, int]]]
"""Person → task type → (followed the machine, cases)."""


def _stamps(people: dict[str, list[Done]]) -> dict[str, Stamp]:
    seen = {name: [d for d in done if d.shown and d.machine is not None] for name, done in people.items()}
    wrong = {name: [d for d in done if d.known and d.machine != d.truth] for name, done in seen.items()}
    tallies = _tally(seen), _tally(wrong)
    times = _Times(d for done in seen.values() for d in done)
    found = {person: _stamp(person, [d.seconds for d in seen[person]], times, *tallies) for person in people}
    able = [person for person, stamp in found.items() if stamp.status != "not_enough_data"]
    for person, p in zip(able, holm([found[person].p for person in able]), strict=True):
        raw = found[person]
        more = (raw.agrees.share or 0.0) - (raw.others_agree.share or 0.0) >= MUCH_MORE
        found[person] = replace(raw, status="signal" if p < ALPHA and more else "none", p=p)
    return found


def _stamp(person: str, mine: Sequence[float], times: _Times, agree: Tally, follow: Tally) -> Stamp:
    agrees, followed = _held_against(person, agree), _held_against(person, follow)
    faster = smaller_among(mine, times.ranked(frozenset(agree[person])))
    ps = exact_more(agrees), faster, exact_more(followed)
    sides = *_sides(agrees), *_sides(followed)
    enough = min(side.n for side in sides[:2]) >= ENOUGH and min(side.n for side in sides[2:]) >= ENOUGH_WRONG
    return Stamp("none" if enough else "not_enough_data", *sides, *ps, max(ps))


def _tally(rows: dict[str, list[Done]]) -> Tally:
    found: Tally = {}
    for person, done in rows.items():
        kinds: dict[str, list[bool]] = defaultdict(list)
        for d in done:
            kinds[d.kind].append(d.label == d.machine)
        found[person] = {kind: (sum(said), len(said)) for kind, said in kinds.items()}
    return found


def _held_against(person: str, tally: Tally) -> list[TwoCounts]:
    """This person's following of the machine beside the others', task type by task type."""
    strata = []
    for kind, (k, n) in sorted(tally[person].items()):
        others = [told[kind] for name, told in tally.items() if name != person and kind in told]
        strata.append(TwoCounts(k, n, sum(k for k, _ in others), sum(n for _, n in others)))
    return strata


def _sides(strata: Sequence[TwoCounts]) -> tuple[Counted, Counted]:
    return (
        _exact(sum(s.k for s in strata), sum(s.n for s in strata)),
        _exact(sum(s.others_k for s in strata), sum(s.others_n for s in strata)),
    )
