"""Writes what the catalogue must hold besides marked strings (`make translations`).

hitl/core/sentences.py: every sentence that pure code or a refusal says in English; hitl/core/admin_names.py: the names
and help texts of the models that the admin shows.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.core.management.base import BaseCommand

from hitl.core.model_names import SHOWN

TARGET = Path("hitl/core/sentences.py")
NAMES_TARGET = Path("hitl/core/admin_names.py")
# What never reaches a page: REST alone, commands, the demo, and errors of those who write code.
_ELSEWHERE = re.compile(
    r"/(api|migrations|management|config|models|tests)/|/(api\w*|models|admin\w*|urls|apps|tasks|structs|openapi)\.py$"
    r"|^feedback/stats/(?!replay_estimates|showing|slice_fit|dawid_skene|blocks|off_policy|learning_curve|review_value|calibration_fit|drift)|^hitl/(demo|embedded|settings)/|/(intake|idempotency|rate_limit|authentication|audit/access|mapping)\.py$|/schema\w*\.py$|^hitl/core/(rows|sentences|admin_names|health|parsing|endpoint|pagination)\.py$"
)
# In these even half a sentence is said to people.
_ALL_WORDS = re.compile(
    r"^routing/(words|engine/(steps|limits|model_life|controller|advisor|rule_tests|cel|cel_checks)|views/proposals"
    r"|views/study|actions/rule_tests|selectors|engine/record)\.py$"
    r"|^reviews/(engine/schemes|actions/bulk|statements|panel_selectors)\.py$|^feedback/(tiering|certified|charts|crowd_report|off_policy|experiment_report|drift_tests|stats/(showing|slice_fit|dawid_skene|blocks|off_policy|learning_curve|review_value|calibration_fit|drift))\.py$"
)
_REFUSALS = {
    *("DomainError", "InvalidInput", "Unauthenticated", "Forbidden", "NotFound", "Conflict", "TooLarge", "Refused"),
    *("RateLimited", "Unavailable", "FieldProblem"),
}
_NOT_SAID = {"info", "warning", "error", "exception", "debug", "execute", "ValueError", "TypeError", "AssertionError"}
_MARKED = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext"}
_NUMBER = re.compile(r"^[,.\d+]*[defg%]$|^,$")
_HEAD = '''"""Made by `manage.py collect_sentences`: sentences said in English, for the catalogue. Do not edit."""

from django.utils.translation import gettext_noop as _

SENTENCES = (
'''


_NAMES_HEAD = '''"""Made by `manage.py collect_sentences`: names the admin shows, for the catalogue. Do not edit."""

from django.utils.translation import pgettext_lazy

NAMES = {
'''


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        (Path(settings.BASE_DIR) / TARGET).write_text(written())
        (Path(settings.BASE_DIR) / NAMES_TARGET).write_text(names_written())


def written() -> str:
    """The file as it should be."""
    lines = sorted({f"    _({_quoted(text)}),\n" for text in _sentences()})
    return f"{_HEAD}{''.join(lines)})\n"


def names_written() -> str:
    """The file of names as it should be."""
    lines = (f'    {_quoted(text)}: pgettext_lazy("admin", {_quoted(text)}),\n' for text in sorted(SHOWN))
    return f"{_NAMES_HEAD}{''.join(lines)}}}\n"


def _quoted(text: str) -> str:
    """As ruff writes it."""
    mark = "'" if '"' in text and "'" not in text else '"'
    return mark + text.replace("\\", "\\\\").replace(mark, f"\\{mark}").replace("\n", "\\n") + mark


def _sentences() -> Iterator[str]:
    for file in sorted((Path(settings.BASE_DIR) / "routing" / "presets").glob("*.yaml")):
        preset = yaml.safe_load(file.read_text())
        yield from (preset["title"], preset["description"].strip())
    for app in ("audit", "feedback", "hitl", "reviews", "routing"):
        for path in sorted((Path(settings.BASE_DIR) / app).rglob("*.py")):
            name = path.relative_to(settings.BASE_DIR).as_posix()
            if not _ELSEWHERE.search(name):
                yield from _said(ast.parse(path.read_text()), bool(_ALL_WORDS.match(name)))


def _said(node: ast.AST, all_words: bool, refusal: bool = False) -> Iterator[str]:
    """Sentences below `node`, in the order they stand."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue  # a docstring
        if isinstance(child, ast.Call):
            name = child.func.attr if isinstance(child.func, ast.Attribute) else getattr(child.func, "id", "")
            if name not in _MARKED | _NOT_SAID:
                yield from _said(child, all_words, refusal or name in _REFUSALS)
        elif isinstance(child, ast.Constant | ast.JoinedStr):
            text = _template(child)
            if text and _is_sentence(text, all_words or refusal):
                yield text
            for part in getattr(child, "values", ()):
                if isinstance(part, ast.FormattedValue):
                    yield from _said(part, all_words, refusal)
        elif not isinstance(child, ast.keyword) or child.arg not in ("help_text", "pattern", "code"):
            yield from _said(child, all_words, refusal)


def _is_sentence(text: str, any_words: bool) -> bool:
    words = re.sub(r"%\(\w+\)s", "", text)
    if re.search(r"\b(SELECT|FROM|WHERE|JOIN|UPDATE|INSERT|RETURNING|AND NOT|ORDER BY)\b|::|->|<[a-z]", words):
        return False
    if any_words:
        return bool(
            re.search(r"[A-Za-z]{2,}[,;:]? [A-Za-z“\d]", words) or re.match(r"[A-Z][a-z]+[ .]|^ ?[a-z“]+ $", words)
        )
    return bool(re.match(r"[A-Z“% ]", text) and re.search(r"[a-z]+ [a-z]", words) and text.rstrip()[-1] in ".?!")


def _template(node: ast.Constant | ast.JoinedStr) -> str:
    """The text with %(name)s for each expression; `number…` where it is written as a number. Empty: not a text."""
    if isinstance(node, ast.Constant):
        text = node.value if isinstance(node.value, str) else ""
        return re.sub(r"\{(\w*)\}", lambda place: f"%({place[1] or 'number'})s", text)
    parts, taken = [], set()
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value).replace("%", "%%"))
        elif isinstance(part, ast.FormattedValue):
            stem = name = _name(part)
            for count in range(2, 10):
                if name not in taken:
                    break
                name = f"{stem}{count}"
            taken.add(name)
            parts.append(f"%({name})s")
    return "".join(parts)


def _name(part: ast.FormattedValue) -> str:
    spec = ast.unparse(part.format_spec)[2:-1] if part.format_spec else ""
    if _NUMBER.match(spec):
        return "number"
    last = re.findall(r"[a-z]{2,}", ast.unparse(part.value).split("(")[-1].split("[")[0].lower())
    return last[-1] if last and last[-1] != "number" else "value"
