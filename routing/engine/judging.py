"""The judges of a cascade: the last word before the machine decides. What they said comes with the features."""

from routing.engine.features import Validation
from routing.engine.steps import Evaluation, Verdict, layer_failed


def judged(run: Evaluation, verdict: Verdict) -> Verdict:
    """`verdict`, an automated one, where every judge passed; people where one did not, or was not asked yet."""
    said = {given.key: given for given in run.features.validations}
    for compiled in run.snapshot.policy.cascade:
        if compiled.check is not None:
            continue
        name = compiled.layer.name
        found = said.get(compiled.key) or Validation(compiled.key, "unasked")
        run.note("judge", found.outcome, layer=name, detail=found.detail)
        if found.outcome == "unasked":
            run.awaits = name
        if found.outcome != "pass":
            return layer_failed(run, compiled, found)
    return verdict
