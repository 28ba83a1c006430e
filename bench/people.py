"""`python -m bench.people`: what the figures about people cost in plain Python, at the most judgements each reads.

Agreement over 20,000 judgements (the web process), consensus drift over 20,000 (likewise), everybody's figures over
50,000 of one queue with 50 people (the hourly sweep). Goals: 3, 1 and 30 s. Exit code 1 when one is missed.
"""

import random
import sys
import time
from collections.abc import Callable

from feedback.stats.agreement_parts import (
    Unit,
    by_label,
    by_pair,
    by_queue,
    coincidences,
    most_disputed,
    whole_agreement,
)
from feedback.stats.consensus import Cell, Said, consensus_drift
from feedback.stats.reviewing import Done, figures_of

LABELS = ("approve", "reject", "ask", "refer")
PEOPLE = tuple(f"person-{number}" for number in range(50))


def main() -> int:
    rng = random.Random(1)
    parts: tuple[tuple[str, Callable[[], object], float], ...] = (
        ("agreement, 10,000 cases judged by two", lambda units=_units(rng): _agreement(units), 3.0),  # type: ignore[misc]
        ("consensus drift, 20,000 judgements", lambda rows=_said(rng): consensus_drift(rows), 1.0),  # type: ignore[misc]
        ("figures, 50,000 judgements of 50 people", lambda rows=_done(rng): figures_of(rows), 30.0),  # type: ignore[misc]
    )
    late = False
    for name, work, goal_s in parts:
        started = time.perf_counter()
        work()
        seconds = time.perf_counter() - started
        late |= seconds > goal_s
        print(f"{name}: {seconds:.2f} s (goal {goal_s:g} s)")
    return int(late)


def _agreement(units: list[Unit]) -> object:
    return (
        whole_agreement(units),
        by_queue(units),
        by_label(units),
        by_pair(units),
        coincidences(units),
        most_disputed(units),
    )


def _label(rng: random.Random, truth: str) -> str:
    return truth if rng.random() < 0.85 else rng.choice(LABELS)


def _units(rng: random.Random) -> list[Unit]:
    units = []
    for number in range(10_000):
        truth = rng.choice(LABELS)
        said = {person: _label(rng, truth) for person in rng.sample(PEOPLE, 2)}
        units.append(Unit(str(number), f"queue-{number % 10}", said))
    return units


def _said(rng: random.Random) -> list[Said]:
    return [
        Said(
            Cell("loan", "m-1", rng.choice(LABELS), rng.choice(("< 0.6", "≥ 0.85")), True, 1),
            rng.choice(PEOPLE),
            str(number),
            rng.choice(LABELS),
            number % 3 == 0,
        )
        for number in range(20_000)
    ]


def _done(rng: random.Random) -> list[Done]:
    rows = []
    for number in range(50_000):
        truth, machine = rng.choice(LABELS), rng.choice(LABELS)
        known = rng.random() < 0.3
        rows.append(
            Done(
                rng.choice(PEOPLE), "loan", _label(rng, truth), rng.lognormvariate(3.0, 0.5), number // 400,
                rng.uniform(0.0, 9.0), _label(rng, truth), machine, True, truth if known else None,
                "outcome" if known else None,
            )
        )  # fmt: skip
    return rows


if __name__ == "__main__":
    sys.exit(main())
