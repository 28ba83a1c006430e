"""What still has to be asked of a model before a case can be routed: which one, with which words."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec

from routing.engine.adapters import AdapterRule, choose_adapter
from routing.engine.cascade import JudgeLayer
from routing.engine.features import Features
from routing.engine.policy import Snapshot
from routing.engine.record import Facts
from routing.engine.route import Route
from routing.engine.signals import compute_signals
from routing.engine.templates import fill_json, fill_text
from routing.mapping import mapping_of
from routing.models import ModelEndpoint


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to one model. `request` is the JSON body; `spec` the layer or rule, `key` the layer's."""

    kind: str
    name: str
    endpoint: str
    key: str
    spec: dict[str, Any]
    request: dict[str, Any]
    deadline_s: float


def next_ask(
    features: Features, snapshot: Snapshot, route: Route, *, stopped: bool, asked: Collection[str] = ()
) -> Ask | None:
    """The next question, or null when the route stands. `asked`: the adapters that have answered already.

    Adapters come first, and only where the partner sent no prediction; then the judge that `route` awaits.
    """
    if not stopped and (features.label is None or asked):
        rule = choose_adapter(snapshot.policy.adapters, _facts(features, snapshot, route), asked)
        if rule is not None:
            return _adapter_ask(rule)
    if route.awaits is None:
        return None
    found = next(c for c in snapshot.policy.cascade if c.layer.name == route.awaits)
    assert isinstance(found.layer, JudgeLayer)
    return _judge_ask(found.layer, found.key, _facts(features, snapshot, route))


def _facts(features: Features, snapshot: Snapshot, route: Route) -> Facts:
    signals = compute_signals(features, snapshot.task.labels)
    return Facts(features, snapshot.task, signals, route.calibrated_confidence, route.risk)


def _judge_ask(layer: JudgeLayer, key: str, facts: Facts) -> Ask:
    system = [{"role": "system", "content": fill_text(layer.system, facts)}] if layer.system else []
    request = {
        "model": layer.model,
        "messages": [*system, {"role": "user", "content": fill_text(layer.prompt, facts)}],
        "max_tokens": layer.max_tokens,
        "temperature": 0,
        "response_format": {"type": "json_object"},
    }
    return Ask("judge", layer.name, layer.endpoint, key, msgspec.to_builtins(layer), request, layer.deadline_s)


def _adapter_ask(rule: AdapterRule) -> Ask:
    """The request is made when it is sent, from the endpoint's template."""
    return Ask("adapter", rule.name, rule.endpoint, "", msgspec.to_builtins(rule), {}, rule.deadline_s)


def adapter_request(endpoint: ModelEndpoint, features: Features, snapshot: Snapshot) -> Any:
    """The body an adapter is sent: its template with the fields of the record."""
    signals = compute_signals(features, snapshot.task.labels)
    facts = Facts(features, snapshot.task, signals, features.confidence, snapshot.task.risk)
    return fill_json(mapping_of(endpoint.mapping).request, facts)
