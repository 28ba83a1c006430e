"""What a demo data set is made of: cases as a partner submits them, and the truth that partners learn later."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Json = Mapping[str, Any]


class Numbers(Protocol):
    """As much of a numpy array as this package passes around."""

    def tolist(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class DemoCase:
    """`body` is what POST /cases takes. `rival`: the label somebody who errs here most likely says."""

    body: Json
    truth: str
    rival: str

    @property
    def external_id(self) -> str:
        return str(self.body["external_id"])

    @property
    def right(self) -> bool:
        """Whether the model is right; only the demo can know."""
        return bool(self.body["prediction"]["label"] == self.truth)


def fingerprint(cases: Sequence[DemoCase]) -> str:
    """SHA-256 over everything in the cases, equal exactly for equal data."""
    plain = [[case.body, case.truth, case.rival] for case in cases]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def probabilities(labels: Sequence[str], row: Numbers) -> dict[str, float]:
    """Per label, rounded to six places; the largest takes the rounding error, so that they sum to one."""
    rounded = {label: round(float(p), 6) for label, p in zip(labels, row.tolist(), strict=True)}
    top = likeliest(rounded)
    rounded[top] = round(rounded[top] + 1.0 - sum(rounded.values()), 6)
    return rounded


def likeliest(shares: Mapping[str, float], *, other_than: str | None = None) -> str:
    """The label with the highest share."""
    return max((label for label in shares if label != other_than), key=lambda label: shares[label])


def ranks(values: Numbers) -> list[float]:
    """Each value's rank as a share, 0 for the smallest to 1 for the largest."""
    numbers: list[float] = values.tolist()
    order = sorted(range(len(numbers)), key=lambda place: numbers[place])
    found = [0.0] * len(numbers)
    for rank, place in enumerate(order):
        found[place] = round(rank / max(1, len(numbers) - 1), 3)
    return found
