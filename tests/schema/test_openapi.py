"""The OpenAPI document is valid 3.1, describes every API route, and is made without a warning."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client as Browser
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.access.routes import all_routes

UNDESCRIBED = {"/api/v1/schema", "/api/v1/docs", "/api/v1/.*"}  # the document, its page, and the 404 for the rest


@pytest.fixture
def document(db: None) -> dict[str, Any]:
    response = Browser().get("/api/v1/schema")
    assert response.status_code == 200
    return response.json()


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_it_is_made_without_warnings(db: None) -> None:
    GENERATOR_STATS.reset()
    SchemaGenerator().get_schema(request=None, public=True)
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache


def test_every_api_route_and_method_is_described(document: dict[str, Any]) -> None:
    described = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    routes = {
        (route.path.replace("<", "{").replace(">", "}"), method)
        for route in all_routes()
        if route.path.startswith("/api/v1/") and route.path not in UNDESCRIBED
        for method in route.methods
    }
    assert described == routes


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method} {path}", operation


def test_every_operation_has_a_name_a_summary_and_its_refusals(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for where, operation in operations(document):
        assert operation.get("description") or operation.get("summary"), where
        assert {"400", "401", "403", "404", "409", "422", "429", "503"} <= operation["responses"].keys(), where
        assert "application/problem+json" in operation["responses"]["404"]["content"], where


def test_no_component_is_missing(document: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)
