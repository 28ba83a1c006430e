"""Every route of the product with its methods, from the URL resolver."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

_CONVERTER = re.compile(r"<(?:(\w+):)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Route:
    """`path` with `<name>` where a parameter stands; `methods` that the view answers."""

    path: str
    methods: tuple[str, ...]

    def fill(self, values: dict[str, str], missing: str = "01890000-0000-7000-8000-000000000000") -> str:
        """The address with its parameters; those without a value get `missing`."""
        return re.sub(r"<(\w+)>", lambda match: values.get(match[1], missing), self.path)


def all_routes() -> list[Route]:
    """Every route, admin and catch-all included."""
    return list(_walk(get_resolver(), "/"))


def _walk(resolver: URLResolver, prefix: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        path = prefix + _plain(str(entry.pattern))
        if isinstance(entry, URLResolver):
            yield from _walk(entry, path)
        elif isinstance(entry, URLPattern):
            yield Route(path, _methods(entry.callback))


def _plain(pattern: str) -> str:
    """A pattern without converters, anchors and regular expressions' groups."""
    pattern = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", pattern.removeprefix("^").removesuffix("$"))
    return _CONVERTER.sub(r"<\2>", pattern).replace("\\Z", "")


def _methods(view: Any) -> tuple[str, ...]:
    """GET, POST, PUT, PATCH, DELETE as far as the view has them; a plain function takes GET and POST."""
    kind = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if kind is not None:
        names = ("get", "post", "put", "patch", "delete")
        return tuple(n.upper() for n in names if hasattr(kind, n) and n in kind.http_method_names)
    cells = (
        dict(zip(view.__code__.co_freevars, view.__closure__ or (), strict=True)) if hasattr(view, "__code__") else {}
    )
    if "request_method_list" in cells:  # django.views.decorators.http
        return tuple(m for m in cells["request_method_list"].cell_contents if m != "HEAD")
    return ("GET", "POST")
