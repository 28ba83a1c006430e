"""What the engine costs a case: one core, no database, a policy of 20 rules and every kind of limit."""

import time
from collections.abc import Iterator
from statistics import median

from bench.report import Line
from bench.scale import Scale
from bench.servers import Databases
from bench.world import World
from routing.engine.calibration import CalibrationMap, CalibrationMethod
from routing.engine.document import decode_document
from routing.engine.evaluate import evaluate
from routing.engine.features import EnsembleVote, Features, SubjectHistory
from routing.engine.policy import Snapshot, compile_policy
from routing.engine.route import RiskLevel
from routing.engine.sampling import hash_draw
from routing.engine.specs import TaskSpec, TierSpec

GOAL_US = 200.0
RULES = 20


def engine_speed(databases: Databases, world: World, scale: Scale) -> Iterator[Line]:
    """Automated and reviewed cases in turn; the median of `rounds` times three rounds of 5,000."""
    snapshot = _snapshot()
    cases = [_case(number) for number in range(50)]
    costs = [_round(cases, snapshot, 5_000) for _ in range(3 * scale.rounds)]
    cost = median(costs) * 1e6
    bare = median(_round([_bare()], _bare_snapshot(), 5_000) for _ in range(3)) * 1e6
    yield Line(
        f"route one case, {RULES} rules, 8 limits (beside: no rules)",
        f"{cost:.0f} µs",
        f"{bare:.0f} µs",
        goal=f"< {GOAL_US:.0f} µs",
        ok=cost < GOAL_US,
    )


def _round(cases: list[Features], snapshot: Snapshot, n: int) -> float:
    draws = [hash_draw("bench", str(number)) for number in range(n)]
    started = time.process_time()
    for number, draw in enumerate(draws):
        evaluate(cases[number % len(cases)], snapshot, draw=draw)
    return (time.process_time() - started) / n


def _case(number: int) -> Features:
    return Features(
        label="approve",
        confidence=0.99 if number % 2 else 0.8,
        model_version="m",
        probabilities={"approve": 0.98, "reject": 0.02},
        ensemble=(EnsembleVote("b", "approve", 0.9),),
        nearest_neighbor_distance=0.1,
        risk_score=0.1,
        amount=500.0 + number,
        complexity=0.2,
        error_cost=50.0,
        predicted_disagreement=0.1,
        history=SubjectHistory(cases=3, decided=3),
        segments={"region": "EU"},
        input={"items": list(range(10)), "country": "FR", "text": "The applicant asks for a loan. " * 30},
    )


def _snapshot() -> Snapshot:
    conditions = [
        "context.amount > {}000.0",
        'prediction.label == "reject" && signals.entropy > 0.{}',
        "has(history.wrong) && history.wrong > {}.0",
        'input.country == "X{}"',
        "input.items.exists(i, i > {}000)",
    ]
    rules = [
        {"name": f"rule {n}", "when": conditions[n % 5].replace("{}", str(n + 1)), "then": "review"}
        for n in range(RULES)
    ]
    limits = {
        "min_ensemble_agreement": 0.5,
        "min_margin": 0.2,
        "max_entropy": 0.9,
        "max_distance": 0.5,
        "max_risk_score": 0.9,
        "max_error_cost": 1000,
        "max_history_wrong": 2,
    }
    sampling = {"reservoir": {"one_in": 100}}
    return _made({"rules": rules, "signals": limits, "sampling": sampling, "zones": {}})


def _bare() -> Features:
    return Features(label="approve", confidence=0.99, model_version="m")


def _bare_snapshot() -> Snapshot:
    return _made({})


def _made(document: dict[str, object]) -> Snapshot:
    named = [{"model_version": "m", "confidence_source": "probability", "version": 1}]
    fitted = CalibrationMap(CalibrationMethod.PLATT, {"slope": 1.0, "intercept": 0.0}, 1, 1000)
    compiled = compile_policy(
        decode_document(document | {"calibrations": named}),
        calibrations={("m", "probability"): fitted},
        version=1,
        salt="bench",
    )
    tiers = (TierSpec(slug="machine", rank=0, automated=True), TierSpec(slug="people", rank=1))
    return Snapshot(compiled, tiers, TaskSpec(slug="loan", labels=("approve", "reject"), risk=RiskLevel.LOW))
