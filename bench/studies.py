"""Threshold studies of a million labelled records, for each objective: plain Python, as the request path runs them."""

import random
import time
from collections.abc import Iterator

from bench.report import Line
from bench.scale import Scale
from bench.servers import Databases
from bench.world import World
from feedback.stats.costs import Costs, ErrorCost
from feedback.stats.objective import Objective, ObjectiveQuestion, objective_study
from feedback.stats.threshold_counts import Record

_GOAL_S = 5.0
_LABELS = ("approve", "reject", "refer")
_COSTS = Costs(2.0, 10.0, (ErrorCost(100.0, truth="reject", decided="approve"),))


def studying(databases: Databases, world: World, scale: Scale) -> Iterator[Line]:
    """Once with equal and once with unequal selection probabilities, which need thinning."""
    size = 10 * scale.replayed
    goal = _GOAL_S * size / 1_000_000
    for name, propensities in (("", (1.0,)), (", unequal propensities", (1.0, 0.2, 0.1))):
        records = _records(size, propensities)
        for objective in Objective:
            question = ObjectiveQuestion(objective=objective, costs=_COSTS, labels=_LABELS)
            took = min(_timed(records, question) for _ in range(2))
            metric = f"threshold study of {size:,} records, {objective}{name}"
            yield Line(metric, f"{took:.2f} s", goal=f"< {goal:.1f} s", ok=took < goal)


def _records(n: int, propensities: tuple[float, ...]) -> list[Record]:
    rng = random.Random(1)
    records = []
    for _ in range(n):
        confidence = 1.0 - 0.5 * rng.random() ** 2
        predicted, truth = rng.choice(_LABELS), rng.choice(_LABELS)
        correct = rng.random() >= 0.2 * (1.0 - confidence)
        truth = predicted if correct else truth
        records.append(Record(confidence, correct, rng.choice(propensities), rng.random(), predicted, truth))
    return records


def _timed(records: list[Record], question: ObjectiveQuestion) -> float:
    started = time.perf_counter()
    objective_study(records, question)
    return time.perf_counter() - started
