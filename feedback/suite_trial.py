"""One example tried: ask the models as intake would, then let the engine decide. Reads and writes no row."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from math import nextafter

from feedback.suite_results import ExampleResult
from reviews.asked import with_prediction, with_verdict
from reviews.features import features_of
from reviews.past import with_lookups
from reviews.suites import ExampleIn
from routing.asks import Ask, adapter_request, next_ask
from routing.engine.evaluate import evaluate
from routing.engine.features import Features
from routing.engine.layers import check_locally
from routing.engine.policy import Snapshot
from routing.engine.route import Route
from routing.model_client import Reply, ask_model
from routing.models import ModelEndpoint, PolicyVersion
from routing.selectors import snapshot_of_version

UNSAMPLED = nextafter(1.0, 0.0)
"""The draw under which no rate below 1 picks the case: exploration and audit are chance, and a test has none."""
PATIENCE_S = 60.0
"""For all questions of one example; the last one may take its own time-out beyond."""
PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Bench:
    """What a run decides under, read once: the version as written, without stop buttons and adjustments."""

    snapshot: Snapshot
    endpoints: Mapping[str, ModelEndpoint]

    @property
    def labels(self) -> Collection[str]:
        return self.snapshot.task.labels

    def usable(self, ask: Ask) -> bool:
        """Whether the endpoint of the question is there and active."""
        endpoint = self.endpoints.get(ask.endpoint)
        return endpoint is not None and endpoint.active and endpoint.kind == ask.kind


def bench_for(version: PolicyVersion) -> Bench:
    """`version` with its policy's task type."""
    endpoints = ModelEndpoint.objects.filter(workspace_id=version.workspace_id)
    return Bench(snapshot_of_version(version), {endpoint.slug: endpoint for endpoint in endpoints})


@dataclass(frozen=True, slots=True)
class Prepared:
    """An example with its features: `bare` without a prediction, `stored` with the one that stands beside it."""

    example: ExampleIn
    bare: Features
    stored: Features


def prepare(example: ExampleIn, bench: Bench, version: PolicyVersion) -> Prepared:
    """What intake would look up and compute; in the thread that owns the database connection."""
    task_type = version.policy.task_type
    case = example.as_case(task_type.slug)
    policy = bench.snapshot.policy
    stored = with_lookups(features_of(case), case, policy, workspace_id=version.workspace_id, task_type_id=task_type.pk)
    said = tuple(done.said for done in check_locally(policy.cascade, example.input, time.perf_counter))
    bare = features_of(example.as_case(task_type.slug, with_prediction=False))
    return Prepared(example, replace(bare, validations=said), replace(stored, validations=said))


def try_example(prepared: Prepared, bench: Bench) -> ExampleResult:
    """Never raises for anything a model does."""
    features, asks = prepared.stored, False
    found = next_ask(prepared.bare, bench.snapshot, _route(prepared.bare, bench), stopped=False)
    if found is not None and found.kind == "adapter":
        asks = bench.usable(found) or prepared.example.prediction is None
    if asks:
        features = prepared.bare
    features, error = _asked(features, bench)
    return _result(prepared.example, features, _route(features, bench), error, asks)


def _asked(features: Features, bench: Bench) -> tuple[Features, str]:
    """The features once every model has been asked that the version asks, and why one gave no answer."""
    until = time.monotonic() + PATIENCE_S
    asked: list[str] = []
    error = ""
    while (ask := next_ask(features, bench.snapshot, _route(features, bench), stopped=False, asked=asked)) is not None:
        reply = _reply(ask, features, bench, until)
        if ask.kind == "judge":
            features = with_verdict(features, ask.key, reply)
            error = f"{ask.name}: {reply.detail}" if reply.outcome == "error" else error
            continue
        predicted = with_prediction(features, reply, bench.labels)
        features = predicted.features
        asked.append(ask.name)
        if predicted.prediction is None:  # as for a case, no other adapter takes its place
            return features, f"{ask.name}: {predicted.problem}"
    return features, error


def _reply(ask: Ask, features: Features, bench: Bench, until: float) -> Reply:
    """One question, asked again as often as the policy says while there is time; none once it is over."""
    if time.monotonic() > until:
        return Reply("error", "no answer before the deadline")
    endpoint = bench.endpoints.get(ask.endpoint)
    judge = ask.kind == "judge" or endpoint is None
    request = ask.request if judge else adapter_request(endpoint, features, bench.snapshot)  # type: ignore[arg-type]
    for attempt in range(1 + int(ask.spec["retries"])):
        pause = PAUSE_S * 2**attempt
        reply = ask_model(endpoint, kind=ask.kind, spec=ask.spec, request=request)
        if not reply.again or attempt == ask.spec["retries"] or time.monotonic() + pause > until:
            break
        time.sleep(pause)
    return reply


def _route(features: Features, bench: Bench) -> Route:
    return evaluate(features, bench.snapshot, draw=UNSAMPLED)


def _result(example: ExampleIn, features: Features, route: Route, error: str, asked: bool) -> ExampleResult:
    side = "people" if route.selection_probability >= 1.0 else "machine"
    said = features.label
    return ExampleResult(
        name=example.name,
        section=example.section,
        expected=example.expected,
        expected_route=example.expected_route,
        source="model" if asked else "none" if example.prediction is None else "stored",
        label=said,
        confidence=features.confidence,
        correct=None if said is None else said == example.expected,
        route=side,  # type: ignore[arg-type]
        route_as_expected=None if example.expected_route is None else side == example.expected_route,
        action=route.action.value,
        zone=route.zone.value,
        tier=route.tier,
        reason=route.reason,
        rule=route.rule,
        calibrated_confidence=route.calibrated_confidence,
        threshold=route.threshold,
        error=error,
    )
