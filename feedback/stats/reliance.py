"""Whether seeing the machine's answer helps people: accuracy by arm, reliance, and the effect of showing (mission D2).

Pure and in plain Python, because the page that shows it runs in the web process.

Sources: Schemmer, Kühl, Benz, Bartos & Satzger 2023, “Appropriate Reliance on AI Advice: Conceptualization and the
Effect of Explanations” (IUI '23), for relative AI reliance and relative self-reliance; Yin, Wortman Vaughan & Wallach
2019 (CHI '19) for the switch and agreement fractions; Bansal et al. 2021 (CHI '21) for over- and under-reliance;
Horvitz & Thompson 1952 and Hájek 1971 for weighting by inverse probability; Cameron, Gelbach & Miller 2008 (Review of
Economics and Statistics 90:414) for the bootstrap of whole clusters.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from feedback.stats.bounds import Interval, wilson_interval

ENOUGH = 30
"""Below so many cases a share is not stated."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One case judged by one person in one arm, with what turned out right.

    `first`: what the person said unaided, null in the arm *before*; `final`: their last word; `machine`: its answer;
    `propensity`: the probability of the arm, in (0, 1]; `reviewer`: the cluster; `stratum`: cases among which the same
    arms were possible (one queue under one policy).
    """

    arm: str
    propensity: float
    reviewer: str
    truth: str
    machine: str
    final: str
    first: str | None = None
    stratum: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """`k` of `n` with Wilson's 95 % interval; `value` null where n is below `enough`, which `enough` says."""

    k: int
    n: int
    enough: int = ENOUGH

    @property
    def value(self) -> float | None:
        return self.k / self.n if self.n >= max(self.enough, 1) else None

    @property
    def interval(self) -> Interval | None:
        return None if self.value is None else wilson_interval(self.k, self.n)

    @property
    def reason(self) -> str | None:
        """Why there is no value."""
        return None if self.value is not None else f"not enough data: n = {self.n}, {self.enough} are needed"


@dataclass(frozen=True, slots=True)
class ArmAccuracy:
    """One arm: how often the machine alone, the person alone (first judgement) and both together (last word) were
    right. `human` has n = 0 in the arm *before*, where nobody judged unaided.
    """

    arm: str
    n: int
    machine: Share
    human: Share
    combined: Share


def accuracy_by_arm(cases: Sequence[Seen], enough: int = ENOUGH) -> list[ArmAccuracy]:
    """Per arm that has cases, in the order before, after, never."""
    found = []
    for arm in ("before", "after", "never"):
        rows = [c for c in cases if c.arm == arm]
        if rows:
            unaided = [c for c in rows if c.first is not None]
            found.append(
                ArmAccuracy(
                    arm,
                    len(rows),
                    _share((c.machine == c.truth for c in rows), enough),
                    _share((c.first == c.truth for c in unaided), enough),
                    _share((c.final == c.truth for c in rows), enough),
                )
            )
    return found


@dataclass(frozen=True, slots=True)
class Reliance:
    """How people dealt with the machine's answer, from cases judged first and then shown it (arm *after*).

    `agreement`: last word = machine's answer, of all; `switch`: took the machine's answer, of those who first said
    otherwise. `rair` (relative AI reliance): of cases where the person was first wrong and the machine right, those
    put right. `rsr` (relative self-reliance): of cases where the person was first right and the machine wrong, those
    kept right. `over`: last word = the machine's wrong answer, of cases where it was wrong; `under`: last word wrong,
    of cases where the machine was right.
    """

    n: int
    agreement: Share
    switch: Share
    rair: Share
    rsr: Share
    over: Share
    under: Share


def reliance(cases: Sequence[Seen], enough: int = ENOUGH) -> Reliance:
    """From cases with a first judgement in the arm *after*; the others are left out.

    RAIR and RSR as Schemmer et al. 2023, equations 1 and 2: the denominators leave out cases where person and machine
    were both right or both wrong at first, which say nothing about whom to follow.
    """
    rows = [c for c in cases if c.arm == "after" and c.first is not None]
    wrong = [c for c in rows if c.machine != c.truth]
    right = [c for c in rows if c.machine == c.truth]
    return Reliance(
        n=len(rows),
        agreement=_share((c.final == c.machine for c in rows), enough),
        switch=_share((c.final == c.machine for c in rows if c.first != c.machine), enough),
        rair=_share((c.final == c.truth for c in right if c.first != c.truth), enough),
        rsr=_share((c.final == c.truth for c in wrong if c.first == c.truth), enough),
        over=_share((c.final == c.machine for c in wrong), enough),
        under=_share((c.final != c.truth for c in right), enough),
    )


def _share(values: Iterable[bool], enough: int) -> Share:
    said = list(values)
    return Share(sum(said), len(said), enough)
