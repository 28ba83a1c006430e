"""How an adapter is asked, and how its answer becomes a prediction."""

from typing import Annotated, Any, Literal

import msgspec
from django.core.exceptions import ValidationError
from msgspec import Meta

from routing.engine.checks import MISSING, at_pointer
from routing.engine.templates import TemplateError, check_template

Pointer = Annotated[str, Meta(max_length=200, pattern="^(/.*)?$")]
Word = Annotated[str, Meta(min_length=1, max_length=100)]


class AdapterMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`request`: JSON to send, `{{path}}` replaced by a field of the record; pointers (RFC 6901) read the answer.

    `labels` turns the model's labels into the task type's. `model`: the version, where the answer does not say it.
    `probabilities` points at {label: probability}; empty: not given.
    """

    request: Any = msgspec.field(default_factory=lambda: {"input": "{{input}}"})
    label: Pointer = "/label"
    confidence: Pointer = "/confidence"
    confidence_source: Literal["probability", "token_logprob", "self_assessment", "ensemble"] = "probability"
    model: Word | None = None
    model_version: Pointer = "/model_version"
    probabilities: Pointer = ""
    labels: dict[Word, Word] = {}


def mapping_of(value: Any) -> AdapterMapping:
    """The stored mapping. Raises msgspec.ValidationError."""
    return msgspec.convert(value, AdapterMapping)


def check_mapping(value: Any) -> None:
    """A mapping whose template names what the record has."""
    try:
        check_template(mapping_of(value).request)
    except (msgspec.ValidationError, TemplateError) as error:
        raise ValidationError(f"Not a usable mapping: {error}") from None


def read_prediction(answer: Any, mapping: AdapterMapping) -> dict[str, Any]:
    """The prediction that `answer` holds, in the shape partners send; what is missing is left out."""
    label = at_pointer(answer, mapping.label)
    found = {
        "label": _own(label, mapping),
        "confidence": at_pointer(answer, mapping.confidence),
        "confidence_source": mapping.confidence_source,
        "model_version": mapping.model or at_pointer(answer, mapping.model_version),
    }
    probabilities = at_pointer(answer, mapping.probabilities) if mapping.probabilities else MISSING
    if isinstance(probabilities, dict):
        found["probabilities"] = {_own(key, mapping): share for key, share in probabilities.items()}
    return {key: value for key, value in found.items() if value is not MISSING}


def _own(label: Any, mapping: AdapterMapping) -> Any:
    return mapping.labels.get(label, label) if isinstance(label, str) else label
