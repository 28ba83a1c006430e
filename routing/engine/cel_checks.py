"""What a rule may say, checked before anything runs: the library's compilation looks at syntax only.

The library gives no syntax tree, so the checks read tokens. They refuse more than CEL does (no triple quotes, bytes,
messages or optional syntax), so that what they let through is what they understood.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

from routing.engine.record import FIELD_BY_PATH, INPUT, ROOTS, FieldType

MAX_LENGTH = 2_000
MAX_TOKENS = 400
MAX_NESTING = 32
MAX_ADDITIONS = 16
MAX_PATTERN = 100
MAX_REPETITION = 64

FUNCTIONS = frozenset({"has", "size", "int", "double", "string", "duration", "timestamp"})
METHODS = frozenset({"size", "contains", "startsWith", "endsWith", "matches"})
MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
_LITERALS = frozenset({"true", "false", "null", "in"})

# Roots younger than rules that are in force: such a rule may have called its item so.
_SHADOWED = frozenset({"signals", "history"})

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f]+|//[^\n]*)
    |(?P<triple>(?:\b[rR])?(?:\"{3}|'{3}))
    |(?P<string>[rR](?:"[^"\r\n]*"|'[^'\r\n]*')|"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*')
    |(?P<number>0x[0-9a-fA-F]+[uU]?|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()\[\]{}])""",
    re.VERBOSE,
)
_PAIRS = {")": "(", "]": "[", "}": "{"}


class CelError(ValueError):
    """A rule that is refused: a stable code, a sentence, and the character offset (from 0) of the offence."""

    def __init__(self, code: str, detail: str, offset: int) -> None:
        super().__init__(detail)
        self.code, self.detail, self.offset = code, detail, offset


@dataclass(frozen=True, slots=True)
class Token:
    """kind: string, number, name or sign; `end` marks the end of the source with an empty text."""

    kind: str
    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class References:
    """What a checked rule reads: record paths (see `build_record`), the name its macro binds or null.

    free: it reads maps or the input, whose keys nobody can check before a case comes.
    """

    paths: frozenset[str]
    bound: str | None
    free: bool


@dataclass(frozen=True, slots=True)
class _Macro:
    """The one macro: the name it binds and the token places between its parentheses."""

    bound: str
    first: int
    last: int

    def holds(self, place: int) -> bool:
        return self.first <= place <= self.last


def check_rule(source: str) -> References:
    """Everything the rule reads; CelError where it breaks a limit or names what the record does not have."""
    if len(source) > MAX_LENGTH:
        raise CelError("too_long", f"A rule has at most {MAX_LENGTH} characters.", MAX_LENGTH)
    tokens = list(_tokens(source))
    if len(tokens) > MAX_TOKENS:
        raise CelError("too_many_terms", f"A rule has at most {MAX_TOKENS} words and signs.", tokens[MAX_TOKENS].offset)
    tokens.append(Token("end", "", len(source)))
    closing = _brackets(tokens)
    _check_signs(tokens)
    macro = _check_calls(tokens, closing)
    return _references(tokens, macro)


def _tokens(source: str) -> Iterator[Token]:
    place = 0
    while place < len(source):
        match = _TOKEN.match(source, place)
        if match is None:
            raise CelError("syntax", f"Unexpected character {source[place]!r}, or a text without its end.", place)
        if match.lastgroup == "triple":
            raise CelError("syntax", "Write texts between single quotation marks, not three.", place)
        if match.lastgroup != "space":
            yield Token(str(match.lastgroup), match.group(), place)
        place = match.end()


def _brackets(tokens: list[Token]) -> dict[int, int]:
    """Where each opening bracket closes."""
    open_at: list[int] = []
    closing: dict[int, int] = {}
    for place, token in enumerate(tokens):
        if token.kind == "sign" and token.text in "([{":
            open_at.append(place)
            if len(open_at) > MAX_NESTING:
                raise CelError("too_deep", f"A rule nests at most {MAX_NESTING} brackets.", token.offset)
        elif token.text in _PAIRS:
            if not open_at or tokens[open_at[-1]].text != _PAIRS[token.text]:
                raise CelError("syntax", f"This {token.text!r} closes nothing.", token.offset)
            closing[open_at.pop()] = place
    if open_at:
        raise CelError("syntax", "This bracket is never closed.", tokens[open_at[-1]].offset)
    return closing


def _check_signs(tokens: list[Token]) -> None:
    additions = 0
    for place, token in enumerate(tokens):
        if token.text == ".":
            before, after = tokens[place - 1] if place else tokens[-1], tokens[place + 1]
            if after.kind != "name" or not (before.kind in ("name", "string") or before.text in (")", "]")):
                raise CelError("syntax", "A dot stands between a value and a field's name.", token.offset)
        elif token.text == "+":
            additions += 1
            # Each + copies a text or list of up to a case's size.
            if additions > MAX_ADDITIONS:
                raise CelError("too_many_terms", f"A rule adds at most {MAX_ADDITIONS} times.", token.offset)


def _check_calls(tokens: list[Token], closing: dict[int, int]) -> _Macro | None:
    macro: _Macro | None = None
    for place, token in enumerate(tokens):
        if token.kind != "name" or tokens[place + 1].text != "(" or token.text in _LITERALS:
            continue
        is_method = place > 0 and tokens[place - 1].text == "."
        if is_method and token.text in MACROS:
            if macro is not None:
                raise CelError(
                    "macro", "A rule uses at most one of all, exists, exists_one, map, filter.", token.offset
                )
            macro = _macro(tokens, place, closing)
        elif token.text not in (METHODS if is_method else FUNCTIONS):
            known = ", ".join(sorted(METHODS | MACROS if is_method else FUNCTIONS))
            raise CelError("unknown_function", f"There is no {token.text}() here; there are {known}.", token.offset)
        elif token.text == "matches":
            _check_pattern(tokens, place)
            if macro is not None and macro.holds(place):
                raise CelError("macro", "matches() is not allowed inside a macro: it would run per item.", token.offset)
    return macro


def _macro(tokens: list[Token], place: int, closing: dict[int, int]) -> _Macro:
    bound = tokens[place + 2]
    if tokens[place - 2].kind != "name":
        # A computed list could be far longer than the 1,000 items a case's list may have.
        raise CelError("macro", "A macro works on a field, not on a computed list.", tokens[place].offset)
    if bound.kind != "name" or tokens[place + 3].text != ",":
        raise CelError("macro", f"Write {tokens[place].text}(item, condition on item).", bound.offset)
    if bound.text in (ROOTS - _SHADOWED) | {INPUT} | _LITERALS:
        raise CelError("macro", f"Call the item something else than {bound.text!r}.", bound.offset)
    return _Macro(bound.text, place + 2, closing[place + 1])


def _check_pattern(tokens: list[Token], place: int) -> None:
    """A regular expression is compiled on every run; nested counted repetitions made that take 57 ms."""
    literal, after = tokens[place + 2], tokens[place + 3]
    if literal.kind != "string" or after.text != ")":
        raise CelError("pattern", "matches() takes one text, written out.", literal.offset)
    if len(literal.text) > MAX_PATTERN:
        raise CelError("pattern", f"A pattern has at most {MAX_PATTERN} characters.", literal.offset)
    if "\\" in literal.text and literal.text[0] not in "rR" and re.search(r"\\[^\\]", literal.text.replace("\\\\", "")):
        # Escapes could hide a brace from the next check.
        raise CelError("pattern", r'Write a pattern with backslashes as r"\d+".', literal.offset)
    counts = [int(count) for count in re.findall(r"\d+", " ".join(re.findall(r"\{([^}]*)\}", literal.text)))]
    if sum(counts) > MAX_REPETITION or "){" in literal.text:
        raise CelError(
            "pattern", f"Repetitions add up to at most {MAX_REPETITION}, and groups have none.", literal.offset
        )


def _references(tokens: list[Token], macro: _Macro | None) -> References:
    paths: set[str] = set()
    free = False
    for place, token in enumerate(tokens):
        after = tokens[place + 1].text if token.kind == "name" else ""
        if token.kind != "name" or token.text in _LITERALS or after == "(" or (place and tokens[place - 1].text == "."):
            continue
        if after == "{":
            raise CelError("syntax", "Messages are not allowed.", token.offset)
        if macro is not None and macro.holds(place):
            if token.text == macro.bound:
                continue
            if token.text == INPUT:
                # One list inside another is the nested loop that the one-macro limit is there to stop.
                raise CelError("macro", "Inside a macro only its item and record fields are allowed.", token.offset)
        path, is_free = _resolve(tokens, place)
        paths.add(path)
        free = free or is_free
    return References(frozenset(paths), macro.bound if macro else None, free)


def _resolve(tokens: list[Token], place: int) -> tuple[str, bool]:
    """The record path that starts at this name, and whether its keys are free."""
    names = [tokens[place].text]
    while tokens[place + 1].text == "." and tokens[place + 3].text != "(":
        place += 2
        names.append(tokens[place].text)
    if names[0] == INPUT:
        return ".".join(names[:2]), True
    path = ".".join(names[:2])
    field = FIELD_BY_PATH.get(path)
    if field is None:
        _refuse(names, tokens[place].offset)
    if field.type is not FieldType.MAP and (
        len(names) > 2 or (field.type is not FieldType.LIST and tokens[place + 1].text == "[")
    ):
        raise CelError("unknown_field", f"{path} is a {field.type} and has no fields.", tokens[place].offset)
    return path, field.type is FieldType.MAP


def _refuse(names: list[str], offset: int) -> NoReturn:
    path = ".".join(names[:2])
    if names[0] not in ROOTS:
        known = ", ".join(sorted(ROOTS | {INPUT}))
        raise CelError("unknown_field", f"There is no {names[0]!r}; a rule starts from {known}.", offset)
    if len(names) == 1:
        raise CelError("unknown_field", f"Name a field of {path}, as in {_example(path)}.", offset)
    near = get_close_matches(path, FIELD_BY_PATH, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise CelError("unknown_field", f"The record has no {path}.{hint}", offset)


def _example(root: str) -> str:
    return next(path for path in FIELD_BY_PATH if path.startswith(f"{root}."))
