"""What review buys: accuracy by the share reviewed, cost per correct decision, and where hours help most. Plain Python.

Cases are reviewed in the order of the machine's confidence, the least confident first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from feedback.stats.bounds import Interval, wilson_interval
from feedback.stats.difference import Proportion, proportion

STEPS = 20
ENOUGH = 100
"""Effective labelled cases below which nothing is said."""
BANDS = 5


@dataclass(frozen=True, slots=True)
class Scored:
    """A labelled case: the machine's confidence, whether it was right, how many cases it stands for (> 0)."""

    confidence: float
    correct: bool
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class ReviewPoint:
    """share: of all cases that people review. accuracy of what is decided in the end, with its 95 % interval; machine:
    accuracy on what it still decides, null where that is nothing; n: labelled cases behind that. marginal: decisions
    put right per hundred further reviews, by the step from here; null at the end.
    """

    share: float
    accuracy: float
    low: float
    high: float
    machine: float | None
    n: int
    marginal: float | None
    cost: float
    cost_per_correct: float | None


@dataclass(frozen=True, slots=True)
class ReviewCurve:
    """points from no review to all; cheapest: the share that costs least. people: their accuracy as measured, null:
    never, and the curve takes them for always right, so it is an upper bound. Empty with the `reason`.
    """

    points: tuple[ReviewPoint, ...]
    people: Proportion | None
    n: int
    effective_n: float
    cheapest: float | None = None
    reason: str | None = None


def review_curve(
    cases: Sequence[Scored], people: Proportion | None, *, review_cost: float, error_cost: float
) -> ReviewCurve:
    """Final accuracy and cost at each share reviewed, 0 to 1 in `STEPS` steps.

    accuracy(s) = (1 - s) * machine's accuracy on the most confident 1 - s + s * people's accuracy: classification with
    a reject option (Chow 1970), the rejected going to people (Madras, Pitassi & Zemel 2018). Shares and accuracies are
    weighted by what each case stands for (Hajek 1971); people are taken to be equally accurate on every case. Interval:
    of the sum of both parts from their Wilson intervals, at Kish's effective size (MOVER: Zou & Donner 2008,
    Statistics in Medicine 27:1693); it takes the parts for independent. Costs: per review and per wrong decision, >= 0.
    Below `ENOUGH` effective cases: the reason alone. Ties in confidence are parted in proportion.
    """
    total, squares = sum(c.weight for c in cases), sum(c.weight**2 for c in cases)
    effective = total * total / squares if squares else 0.0
    if effective < ENOUGH:
        reason = f"{effective:.0f} labelled cases, by weight; {ENOUGH} are needed"
        return ReviewCurve((), people, len(cases), effective, reason=reason)
    ranked = sorted(cases, key=lambda c: -c.confidence)
    right = people if people is not None and people.share is not None else Proportion(1.0, 0.0, Interval(1.0, 1.0))
    parts = [_machine(ranked, total * (1.0 - k / STEPS)) for k in range(STEPS + 1)]
    means = [_mixed(k / STEPS, part, right) for k, part in enumerate(parts)]
    points = []
    for k, (part, (accuracy, low, high)) in enumerate(zip(parts, means, strict=True)):
        cost = review_cost * k / STEPS + error_cost * (1.0 - accuracy)
        gain = 100.0 * (means[k + 1][0] - accuracy) * STEPS if k < STEPS else None
        each = cost / accuracy if accuracy > 0.0 else None
        points.append(ReviewPoint(k / STEPS, accuracy, low, high, part[0].share, part[1], gain, cost, each))
    cheapest = min(points, key=lambda p: p.cost).share
    measured = people if people is not None and people.share is not None else None
    return ReviewCurve(tuple(points), measured, len(cases), effective, cheapest)


def _machine(ranked: Sequence[Scored], wanted: float) -> tuple[Proportion, int]:
    """The machine's accuracy on the most confident cases that weigh `wanted`, and how many cases these are.

    Cases of equal confidence count in the proportion that is still wanted, right and wrong alike.
    """
    pairs: list[tuple[bool, float]] = []
    left, place = wanted, 0
    while place < len(ranked) and left > 1e-9 * wanted:
        end = place
        while end < len(ranked) and ranked[end].confidence == ranked[place].confidence:
            end += 1
        weight = sum(c.weight for c in ranked[place:end])
        share = min(1.0, left / weight)
        pairs += [(c.correct, c.weight * share) for c in ranked[place:end]]
        left -= weight * share
        place = end
    return proportion(pairs), len(pairs)


def _mixed(share: float, part: tuple[Proportion, int], people: Proportion) -> tuple[float, float, float]:
    """Value, low and high of (1 - share) machine + share people."""
    machine = part[0]
    m, h = (machine.share if machine.share is not None else 0.0), people.share or 0.0
    value = (1.0 - share) * m + share * h
    below = sqrt(((1.0 - share) * (m - machine.interval.low)) ** 2 + (share * (h - people.interval.low)) ** 2)
    above = sqrt(((1.0 - share) * (machine.interval.high - m)) ** 2 + (share * (people.interval.high - h)) ** 2)
    return value, max(0.0, value - below), min(1.0, value + above)


@dataclass(frozen=True, slots=True)
class Band:
    """A fifth of what the machine decides alone, by confidence. per_week: cases; error: the machine's, with interval
    and n; wrong and n as counted.
    """

    low_confidence: float
    high_confidence: float
    per_week: float
    error: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Team:
    """A tier: hours one review takes it (> 0), what an hour costs, and its own error."""

    tier: str
    hours_per_review: float
    hour_cost: float
    error: float


@dataclass(frozen=True, slots=True)
class Effort:
    """Hours of a tier on a band. avoided: wrong decisions a week, with the interval that the band's error gives it;
    value: what they would have cost less the hours.
    """

    tier: str
    band: int
    hours: float
    reviews: float
    avoided: float
    avoided_low: float
    avoided_high: float
    value: float


def bands_of(cases: Sequence[Scored], per_week: float, bands: int = BANDS) -> list[Band]:
    """The machine's error by confidence, least confident first, in parts of about equal weight; fewer where many cases
    share a confidence. Empty without cases. Intervals: Wilson's at Kish's effective size.
    """
    total = sum(c.weight for c in cases)
    parts: list[list[Scored]] = [[]]
    reached, last = 0.0, None
    for case in sorted(cases, key=lambda c: c.confidence):
        if case.confidence != last and reached >= total * len(parts) / bands * (1.0 - 1e-9) and len(parts) < bands:
            parts.append([])
        parts[-1].append(case)
        reached, last = reached + case.weight, case.confidence
    found = []
    for part in parts:
        if part:
            wrong = proportion([(not c.correct, c.weight) for c in part])
            share = sum(c.weight for c in part) / total
            confidence = [c.confidence for c in part]
            found.append(
                Band(min(confidence), max(confidence), share * per_week, wrong.share or 0.0, *wrong.interval, len(part))
            )
    return found


def propose_effort(bands: Sequence[Band], teams: Sequence[Team], hours: float, error_cost: float) -> list[Effort]:
    """Which bands which tier should review with so many hours a week, most valuable first; empty where none pays.

    Reviewing a case avoids the machine's error less the tier's own. Each band goes to the tier that is worth most per
    hour on it, and hours are spent in that order: the greedy rule, optimal for divisible tasks when one resource is
    short (fractional knapsack, Dantzig 1957). What is worth nothing after its cost gets no hour.
    """
    options = []
    for place, band in enumerate(bands):
        worth = [(_net(band.error, team, error_cost) / team.hours_per_review, team) for team in teams]
        if worth:
            options.append((*max(worth, key=lambda w: w[0]), place))
    efforts, left = [], hours
    for rate, team, place in sorted(options, key=lambda o: -o[0]):
        band = bands[place]
        spent = min(left, band.per_week * team.hours_per_review)
        if rate <= 0.0 or spent <= 0.0:
            continue
        reviews = spent / team.hours_per_review
        avoided, least, most = (reviews * (error - team.error) for error in (band.error, band.low, band.high))
        efforts.append(Effort(team.tier, place, spent, reviews, avoided, least, most, rate * spent))
        left -= spent
    return efforts


def hours_by_tier(efforts: Sequence[Effort]) -> Mapping[str, float]:
    """The proposed hours a week, tier by tier."""
    found: dict[str, float] = {}
    for effort in efforts:
        found[effort.tier] = found.get(effort.tier, 0.0) + effort.hours
    return found


def cost_per_correct(review_cost: float, error: float, error_cost: float) -> float | None:
    """Of a decision by people: the review and its share of errors, by what is right; null where nothing is."""
    return (review_cost + error * error_cost) / (1.0 - error) if error < 1.0 else None


def accuracy_of(right: int, n: int) -> Proportion:
    """People's accuracy as counted, with Wilson's interval; a share of null without any."""
    return Proportion(right / n if n else None, float(n), wilson_interval(right, n))


def _net(error: float, team: Team, error_cost: float) -> float:
    """What one review is worth after its cost."""
    return (error - team.error) * error_cost - team.hours_per_review * team.hour_cost
