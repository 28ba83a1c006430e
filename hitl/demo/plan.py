"""What the demo consists of: who, how many cases, which seeds. Numbers only; everything else follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass

from hitl.core.permissions import Role

WORKSPACE = "demo"
WORKSPACE_TITLE = "Demo"
CLIENT = "demo-partner"
SEED = 11


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the demo. `tier` null: no reviewer. Tier and queues are configured in config/*.yaml."""

    username: str
    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class SimulatedPerson:
    """A simulated reviewer: says the truth with probability `skill`, whatever the case."""

    username: str
    name: str
    skill: float


PEOPLE = (
    Person("alice", "Alice", Role.SUPERVISOR),
    Person("bob", "Bob", Role.REVIEWER),
    Person("carol", "Carol", Role.REVIEWER),
    Person("dave", "Dave", Role.REVIEWER),
    Person("erin", "Erin", Role.AUDITOR),
)
SIMULATED = (
    SimulatedPerson("sim-anna", "Anna", 0.99),
    SimulatedPerson("sim-ben", "Ben", 0.98),
    SimulatedPerson("sim-chloe", "Chloe", 0.97),
    SimulatedPerson("sim-dan", "Dan", 0.95),
    SimulatedPerson("sim-ella", "Ella", 0.93),
    SimulatedPerson("sim-finn", "Finn", 0.90),
)


@dataclass(frozen=True, slots=True)
class Amounts:
    """Cases per task type: `history` is judged by simulated reviewers, `fresh` comes after the recalibration.

    `outcomes`: share of the history, and of what the machine then decides, whose truth the partner reports.
    """

    history: Mapping[str, int]
    fresh: Mapping[str, int]
    outcomes: float = 0.9
