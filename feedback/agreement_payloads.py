"""The public JSON of agreement between people, from the stored judgements."""

import msgspec

from feedback.agreement_report import PeopleAgree
from feedback.payloads import AgreementOut, CoefficientOut, agreement_out
from feedback.stats.agreement_parts import Group
from hitl.core.clock import rfc3339


class AgreementGroupOut(msgspec.Struct, frozen=True):
    """`alike` of `n` cases all said the same of, with Wilson's 95 % interval `low`, `high`."""

    name: str
    alike: int
    n: int
    low: float
    high: float
    coefficients: list[CoefficientOut]


class CoincidencesOut(msgspec.Struct, frozen=True):
    """`cells[i][j]`: how often `labels[i]` met `labels[j]`, as Krippendorff counts; `left_out`: rarer labels."""

    labels: list[str]
    cells: list[list[float]]
    left_out: int


class PeopleAgreeOut(msgspec.Struct, frozen=True):
    """`units`: cases that two people or more judged, by `basis`; of a pair the name is “one · other”."""

    since: str | None
    window: str
    queue: str | None
    basis: str
    units: int
    unaided: int
    final: int
    whole: AgreementOut
    by_queue: list[AgreementGroupOut]
    by_label: list[AgreementGroupOut]
    by_pair: list[AgreementGroupOut]
    coincidences: CoincidencesOut


def people_agree_out(found: PeopleAgree) -> PeopleAgreeOut:
    """Figures only: which cases people part on is for the page, which knows who may see them."""
    met = found.coincidences
    return PeopleAgreeOut(
        since=rfc3339(found.since),
        window=found.window,
        queue=found.queue.slug if found.queue else None,
        basis=found.basis,
        units=found.units,
        unaided=found.unaided,
        final=found.final,
        whole=agreement_out(found.whole),
        by_queue=[_group(group.name, group) for group in found.by_queue],
        by_label=[_group(group.name, group) for group in found.by_label],
        by_pair=[_group(f"{pair.first} · {pair.second}", pair.group) for pair in found.by_pair],
        coincidences=CoincidencesOut(list(met.labels), [list(row) for row in met.cells], met.left_out),
    )


def _group(name: str, group: Group) -> AgreementGroupOut:
    coefficients = [msgspec.convert(c, CoefficientOut, from_attributes=True) for c in group.coefficients]
    return AgreementGroupOut(name, group.alike.k, group.alike.n, *group.alike.interval, coefficients)
