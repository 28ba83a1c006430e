"""JSON as a tree to fold: objects and lists are branches, everything else a leaf."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

NODES_MAX = 400
TEXT_MAX = 500
OPEN_DEPTH = 2


@dataclass(frozen=True, slots=True)
class Node:
    """`name` null for the members of a list; `kind`: object, list, text, number, word (true, false, null) or more."""

    name: str | None
    kind: str
    text: str
    children: tuple["Node", ...] = ()
    open: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    root: Node
    nodes: int
    cut: bool


def tree(value: Json) -> Tree:
    """The first 400 nodes; `cut` where there are more, and the branch says how many it leaves out."""
    left = [NODES_MAX]
    root = _node(None, value, 0, left)
    return Tree(root, NODES_MAX - max(left[0], 0), left[0] <= 0)


def _node(name: str | None, value: Json, depth: int, left: list[int]) -> Node:
    left[0] -= 1
    if isinstance(value, str) or not isinstance(value, Mapping | Sequence):
        return Node(name, *_leaf(value))
    kind = "object" if isinstance(value, Mapping) else "list"
    named = (
        [(str(key), item) for key, item in value.items()]
        if isinstance(value, Mapping)
        else [(str(place), item) for place, item in enumerate(value)]
    )
    children: list[Node] = []
    for place, (key, item) in enumerate(named):
        if left[0] <= 0:
            children.append(Node(None, "more", str(len(named) - place)))
            break
        children.append(_node(key, item, depth + 1, left))
    return Node(name, kind, str(len(named)), tuple(children), depth < OPEN_DEPTH)


def _leaf(value: None | bool | int | float | str) -> tuple[str, str]:
    if isinstance(value, str):
        return "text", value if len(value) <= TEXT_MAX else f"{value[:TEXT_MAX]} …"
    if value is None or isinstance(value, bool):
        return "word", json.dumps(value)
    return "number", json.dumps(value)
