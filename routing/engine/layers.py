"""A cascade ready to run, and what each layer said of a case."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from routing.engine.cascade import Cascade, JudgeLayer, Layer, LocalLayer
from routing.engine.checks import Check, CheckError, CheckFailed, compile_check
from routing.engine.features import Validation
from routing.engine.templates import TemplateError, check_template


@dataclass(frozen=True, slots=True)
class CompiledLayer:
    """A layer with its `key`, which changes with anything in it, and its check; a judge has none."""

    layer: Layer
    key: str
    check: Check | None

    @property
    def kind(self) -> str:
        return str(type(self.layer).__struct_config__.tag)


@dataclass(frozen=True, slots=True)
class Checked:
    """One layer run on one case; `latency_s` as the caller's clock says."""

    compiled: CompiledLayer
    said: Validation
    latency_s: float


def compile_cascade(cascade: Cascade) -> tuple[CompiledLayer, ...]:
    """The layers in order; CheckError where one cannot be compiled, which `cascade_problems` says beforehand."""
    return tuple(
        CompiledLayer(layer, _key(layer), None if isinstance(layer, JudgeLayer) else compile_check(layer))
        for layer in cascade.layers
    )


def run_check(compiled: CompiledLayer, content: Mapping[str, Any]) -> Validation:
    """What a layer that computes says of the input; pure and total."""
    assert compiled.check is not None
    try:
        problem = compiled.check(content)
    except CheckFailed as failed:
        return Validation(compiled.key, "error", str(failed))
    return Validation(compiled.key, "pass" if problem is None else "fail", problem or "")


def check_locally(
    layers: tuple[CompiledLayer, ...], content: Mapping[str, Any], clock: Callable[[], float]
) -> tuple[Checked, ...]:
    """Run the layers that compute, up to the first that does not pass, timed."""
    done: list[Checked] = []
    for compiled in layers:
        if compiled.check is None:
            break
        started = clock()
        said = run_check(compiled, content)
        done.append(Checked(compiled, said, clock() - started))
        if said.outcome != "pass":
            break
    return tuple(done)


def cascade_problems(cascade: Cascade) -> Iterator[tuple[str, str, str]]:
    """(pointer below /cascade, code, sentence) of everything that would not work."""
    names = [layer.name for layer in cascade.layers]
    judged = False
    for place, layer in enumerate(cascade.layers):
        pointer = f"/layers/{place}"
        if layer.name in names[:place]:
            yield f"{pointer}/name", "duplicate", f"Two layers are called {layer.name!r}."
        if isinstance(layer, JudgeLayer):
            judged = True
            yield from _judge_problems(layer, pointer)
            continue
        if judged:
            yield pointer, "out_of_order", "Layers that compute come before judges, which are slower and cost money."
        yield from _check_problems(layer, pointer)


def _check_problems(layer: LocalLayer, pointer: str) -> Iterator[tuple[str, str, str]]:
    try:
        compile_check(layer)
    except CheckError as error:
        yield f"{pointer}/{error.field}", "invalid", str(error)


def _judge_problems(layer: JudgeLayer, pointer: str) -> Iterator[tuple[str, str, str]]:
    for field, text in (("prompt", layer.prompt), ("system", layer.system)):
        try:
            check_template(text)
        except TemplateError as error:
            yield f"{pointer}/{field}", "unknown_field", str(error)
    if overlap := set(layer.verdict.passes) & set(layer.verdict.fails):
        yield f"{pointer}/verdict/fails", "duplicate", f"{min(overlap)!r} would both pass and fail."


def _key(layer: Layer) -> str:
    return hashlib.blake2s(msgspec.json.encode(layer, order="deterministic"), digest_size=8).hexdigest()
