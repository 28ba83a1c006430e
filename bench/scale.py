"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """`seconds` of a round, `rounds` measured, reviews waiting in the `small` and `large` case, leases held, …"""

    name: str
    seconds: float
    rounds: int
    small: int
    large: int
    claimed: int
    claims: int
    open_transaction_s: int
    race: int
    replayed: int
    exported: int


FULL = Scale("full sizes", 10, 3, 10_000, 1_000_000, 50_000, 600, 60, 20_000, 100_000, 1_000_000)
QUICK = Scale("quick: a tenth of the sizes", 3, 2, 10_000, 100_000, 5_000, 300, 15, 2_000, 10_000, 100_000)
