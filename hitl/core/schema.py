"""OpenAPI from the same typed structs that parse and render: nothing is described twice."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

F = TypeVar("F", bound=Callable[..., Any])
_STRUCTS: dict[str, type[Any]] = {}
_REF = "#/components/schemas/{name}"


class FieldProblemOut(msgspec.Struct, frozen=True):
    """One wrong place."""

    pointer: str
    detail: str
    code: str


class Problem(msgspec.Struct, frozen=True):
    """RFC 9457 problem document; further members may be present."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblemOut] | msgspec.UnsetType = msgspec.UNSET


# What any endpoint may answer besides its own statuses.
_COMMON = (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)


def _ref(kind: type[Any]) -> dict[str, Any]:
    _STRUCTS[kind.__name__] = kind
    return {"$ref": _REF.format(name=kind.__name__)}


def any_of(*kinds: type[Any]) -> dict[str, Any]:
    """The JSON Schema of an answer that takes one of several forms."""
    return {"anyOf": [_ref(kind) for kind in kinds]}


def _file(media_type: str) -> OpenApiTypes:
    """What a file is: bytes; of JSON, whatever that format says."""
    return OpenApiTypes.ANY if media_type == "application/json" else OpenApiTypes.BINARY


def documented(
    *,
    operation_id: str,
    responses: Mapping[int, type[Any] | tuple[type[Any], ...] | None],
    request: type[Any] | None = None,
    parameters: tuple[OpenApiParameter, ...] = (),
    tags: tuple[str, ...] = (),
    files: tuple[str, ...] = (),
) -> Callable[[F], F]:
    """Describe an endpoint's method by msgspec structs (null: an answer without body; a tuple: one of these forms).

    `files`: media types in which 200 answers a file instead. Problem documents for every refusal of the contract are
    added to `responses`.
    """
    described: dict[Any, Any] = {(200, media_type): _file(media_type) for media_type in files}
    for status, kind in responses.items():
        if kind is None:
            described[status] = None
        else:
            schema = any_of(*kind) if isinstance(kind, tuple) else _ref(kind)
            described[status, "application/json"] = schema
    for status in _COMMON:
        if status not in responses:
            described[status, "application/problem+json"] = _ref(Problem)
    return extend_schema(
        operation_id=operation_id,
        request={"application/json": _ref(request)} if request else None,
        responses=described,
        parameters=list(parameters),
        tags=list(tags) or None,
    )


def query(name: str, description: str, kind: type = str, *, required: bool = False, **schema: Any) -> OpenApiParameter:
    """One query parameter."""
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, required=required, description=description, **schema)


def add_components(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular hook, last in line: put the structs' schemas where the references point."""
    _, components = msgspec.json.schema_components(_STRUCTS.values(), ref_template=_REF)
    result.setdefault("components", {}).setdefault("schemas", {}).update(components)
    return result
