"""What a weekly digest says, and how it is made of judged cases. Reads nothing."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from feedback.stats.bounds import wilson_interval
from feedback.stats.lift import Table, lifts

MIN_GROUP, MIN_EVENTS = 20, 5
"""Judged cases a group needs, and errors a category needs, before it is looked at."""
MOST_CLUSTERS = 20
ANY = ""
"""The event “overruled, whatever the category”."""


class JudgedRow(msgspec.Struct, frozen=True):
    """One prediction that a person judged unaided. category: what the person named, empty: nothing.

    automated: the machine decided it, or had but for the draw. confidence: calibrated, as it was routed; null: it had
    none.
    """

    predicted: str
    said: str
    model_version: str
    category: str
    segments: dict[str, str]
    automated: bool
    confidence: float | None

    @property
    def overruled(self) -> bool:
        return self.said != self.predicted


class Cluster(msgspec.Struct, frozen=True):
    """Errors of one category (empty: any) in one group of cases.

    by: `segment` or `label`; name: the segment's; value: the segment's or the machine's label. errors of n inside,
    against others of n_others outside. lift null: none outside. q: corrected for all clusters looked at. automated:
    errors inside that the machine decides alone, those a draw showed among them. excess: errors beyond what the rate
    outside lets expect.
    weeks: how many of the digests before had it too.
    """

    category: str
    by: str
    name: str
    value: str
    errors: int
    n: int
    others: int
    n_others: int
    lift: float | None
    low: float
    high: float | None
    q: float
    stands_out: bool
    automated: int
    excess: float
    weeks: int = 0

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.category, self.by, self.name, self.value


class Pattern(msgspec.Struct, frozen=True):
    """The machine said one label, people another, n times; weeks: how many of the digests before had it too."""

    predicted: str
    said: str
    n: int
    weeks: int = 0


class DigestContent(msgspec.Struct, frozen=True):
    """judged: unaided judgements on predictions; overruled of these, with Wilson's interval. named: of the overruled,
    how many name a category. looked_at: clusters tested. capped: only the newest were read.
    """

    judged: int
    overruled: int
    share: float | None
    low: float
    high: float
    named: int
    categories: dict[str, int]
    looked_at: int
    clusters: tuple[Cluster, ...]
    patterns: tuple[Pattern, ...]
    capped: bool = False


class Proposal(msgspec.Struct, frozen=True):
    """A draft made because of the week. kind: rule or threshold. version null: why nothing was proposed is in `reason`.

    replay: of the draft over past cases, already asked for.
    """

    kind: str
    reason: str
    policy: str | None = None
    version: int | None = None
    replay: str | None = None


def digest_of(
    rows: Sequence[JudgedRow], before: Iterable[DigestContent] = (), *, capped: bool = False
) -> DigestContent:
    """One week's content. before: the digests of the weeks before, to tell what recurs.

    Errors are overruled predictions. They are counted as reviewed, unweighted: a cluster says where people overrule
    what they see, and q and intervals hold for that (see `feedback.stats.lift`).
    """
    wrong = [row for row in rows if row.overruled]
    low, high = wilson_interval(len(wrong), len(rows))
    counted = Counter(row.category for row in wrong if row.category)
    weeks = [_keys(content) for content in before]
    clusters = _clusters(rows, [ANY, *(c for c, n in sorted(counted.items()) if n >= MIN_EVENTS)])
    found = [msgspec.structs.replace(c, weeks=sum(c.key in keys for keys in weeks)) for c in clusters if c.errors]
    patterns = Counter((row.predicted, row.said) for row in wrong).most_common(10)
    return DigestContent(
        judged=len(rows),
        overruled=len(wrong),
        share=len(wrong) / len(rows) if rows else None,
        low=low,
        high=high,
        named=sum(counted.values()),
        categories=dict(counted.most_common()),
        looked_at=len(clusters),
        clusters=tuple(sorted(found, key=_rank)[:MOST_CLUSTERS]),
        patterns=tuple(Pattern(p, s, n, sum((p, s) in keys for keys in weeks)) for (p, s), n in patterns),
        capped=capped,
    )


def _keys(content: DigestContent) -> set[tuple[str, ...]]:
    """What counts as “had it”: clusters that stood out, and pairs of labels."""
    pairs: set[tuple[str, ...]] = {(p.predicted, p.said) for p in content.patterns}
    return pairs | {c.key for c in content.clusters if c.stands_out}


def _clusters(rows: Sequence[JudgedRow], categories: Sequence[str]) -> list[Cluster]:
    """Every category in every group of at least `MIN_GROUP` cases that is not everything."""
    groups: Mapping[tuple[str, str, str], list[JudgedRow]] = defaultdict(list)
    for row in rows:
        groups["label", "", row.predicted].append(row)
        for name, value in row.segments.items():
            groups["segment", name, value].append(row)
    places, tables = [], []
    for category in categories:
        events = sum(_is_event(row, category) for row in rows)
        for group, inside in sorted(groups.items()):
            if MIN_GROUP <= len(inside) < len(rows):
                hits = sum(_is_event(row, category) for row in inside)
                places.append((category, group, inside))
                tables.append(Table(hits, len(inside), events - hits, len(rows) - len(inside)))
    return [
        Cluster(
            category=category,
            by=by,
            name=name,
            value=value,
            errors=table.inside,
            n=table.n_inside,
            others=table.outside,
            n_others=table.n_outside,
            lift=lift.value,
            low=lift.low,
            high=None if lift.high == float("inf") else lift.high,
            q=lift.q,
            stands_out=lift.stands_out,
            automated=sum(row.automated and _is_event(row, category) for row in inside),
            excess=table.inside - table.n_inside * table.outside / table.n_outside,
        )
        for (category, (by, name, value), inside), table, lift in zip(places, tables, lifts(tables), strict=True)
    ]


def _is_event(row: JudgedRow, category: str) -> bool:
    return row.overruled and category in (ANY, row.category)


def _rank(cluster: Cluster) -> tuple[bool, float]:
    return not cluster.stands_out, -cluster.excess
