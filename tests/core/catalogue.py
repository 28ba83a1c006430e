"""What is marked for translation, read from the source, and what the catalogue says; without GNU gettext's tools."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from gettext import GNUTranslations
from pathlib import Path

from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(settings.BASE_DIR)
FOLDER = ROOT / "hitl" / "locale" / "de" / "LC_MESSAGES"
APPS = ("hitl", "audit", "routing", "reviews", "feedback")
_LITERAL = r"""(u?'(?:[^'\\]|\\.)*'|u?"(?:[^"\\]|\\.)*")"""
_TEMPLATE_CALL = re.compile(
    rf"\b(_|gettext|ngettext|pgettext|npgettext)\(\s*{_LITERAL}(?:,\s*{_LITERAL})?(?:,\s*{_LITERAL})?"
)
_FUNCTIONS = ("gettext", "ngettext", "pgettext", "npgettext")


@dataclass(frozen=True)
class Message:
    """One thing to translate. `plural` is empty where there is none."""

    context: str
    text: str
    plural: str = ""


def marked() -> dict[Message, str]:
    """Every marked string and one place where it stands."""
    found: dict[Message, str] = {}
    for path in sorted(p for app in APPS for p in (ROOT / app).rglob("*.py")):
        for message in _in_python(ast.parse(path.read_text())):
            found.setdefault(message, str(path.relative_to(ROOT)))
    for path in sorted(p for p in (ROOT / "templates").rglob("*") if p.suffix in (".html", ".txt")):
        for message in _in_template(path.read_text(), str(path)):
            found.setdefault(message, str(path.relative_to(ROOT)))
    return found


def _in_python(tree: ast.Module) -> Iterator[Message]:
    names = {name: name for name in _FUNCTIONS}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            names |= {a.asname or a.name: re.sub(r"_(lazy|noop)$", "", a.name) for a in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if names.get(called) in _FUNCTIONS and texts:
                yield _message(names[called], texts)


def _in_template(source: str, origin: str) -> Iterator[Message]:
    for call in _TEMPLATE_CALL.finditer(templatize(source, origin=origin)):
        texts = [ast.literal_eval(text) for text in call.groups()[1:] if text]
        yield _message("gettext" if call[1] == "_" else call[1], texts)


def _message(function: str, texts: list[str]) -> Message:
    context = texts.pop(0) if "p" in function.removesuffix("gettext") else ""
    return Message(context, texts[0], texts[1] if function.startswith("n") else "")


def said() -> dict[Message, tuple[str, ...]]:
    """The catalogue as its source file (.po) has it; a fuzzy entry counts as none."""
    found: dict[Message, tuple[str, ...]] = {}
    for block in (FOLDER / "django.po").read_text().split("\n\n"):
        parts: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if match := re.match(r"(msg\w+(?:\[\d\])?) (\".*\")$", line):
                name = match[1]
                parts[name] = ast.literal_eval(match[2])
            elif line.startswith('"'):
                parts[name] += ast.literal_eval(line)
        fuzzy = any(line.startswith("#,") and "fuzzy" in line for line in block.splitlines())
        if parts.get("msgid") and not fuzzy:
            message = Message(parts.get("msgctxt", ""), parts["msgid"], parts.get("msgid_plural", ""))
            found[message] = tuple(text for key, text in parts.items() if key.startswith("msgstr"))
    return found


def compiled() -> dict[str, str]:
    """The catalogue as the product reads it (.mo): key (context, \\x04, text) or (key, plural form) to text."""
    with (FOLDER / "django.mo").open("rb") as file:
        catalogue = GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return {
        f"{key[0]}\0{key[1]}" if isinstance(key, tuple) else f"{key}\0": text for key, text in catalogue.items() if key
    }
