"""Documents as people write them: YAML (and so JSON), read safely, with the line of each place."""

from typing import Any

import msgspec
import yaml

from hitl.core.errors import FieldProblem, InvalidInput
from routing.engine.document import PolicyDocument

MAX_CHARACTERS = 200_000


class _Loader(yaml.SafeLoader):
    """Safe; without aliases, which can expand to gigabytes; without dates, since a model may be called 2026-10-01."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(None, None, "aliases (*name) are not accepted", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(None, None, f"{key.value!r} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_document(text: str) -> Any:
    """The value written in `text`. Raises InvalidInput with line and column."""
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(f"The text has {len(text)} characters; at most {MAX_CHARACTERS} are accepted.")
    try:
        return yaml.load(text, _Loader)  # noqa: S506  # a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        raise _refused(str(error.problem or error.context), error.problem_mark or error.context_mark) from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise _refused(str(error).splitlines()[0] if str(error) else "nested too deep", None) from None


def write_document(value: Any) -> str:
    """`value` as YAML in the order given."""
    plain = msgspec.to_builtins(value)
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, default_flow_style=False, width=110)
    return text


def complete_document(document: PolicyDocument) -> dict[str, Any]:
    """A policy's document as plain JSON with every default written out, so that its meaning never shifts."""
    complete: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document))
    return complete


def line_of(text: str, pointer: str) -> int | None:
    """The line, from 1, of the place that a JSON pointer names in `text`, or of the nearest part that exists."""
    try:
        node = yaml.compose(text, _Loader)
    except yaml.YAMLError:
        return None
    line = None
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        found = _child(node, key)
        if found is None:
            break
        line, node = found
    return line


def _child(node: yaml.Node | None, key: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                return name.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and key.isdecimal() and int(key) < len(node.value):
        value = node.value[int(key)]
        return value.start_mark.line + 1, value
    return None


def _refused(problem: str, mark: yaml.Mark | None) -> InvalidInput:
    place = f"Line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return InvalidInput(errors=[FieldProblem("", f"{place}{problem}.", "malformed_document")])
