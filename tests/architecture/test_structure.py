"""The shape of the code: sizes, who may write, which way relations point, what the customer fixed."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("hitl", "audit", "routing", "reviews", "feedback")
MAX_FILE_LINES, MAX_FUNCTION_LINES = 500, 60
# path or path::function → why it may be longer
SIZE_EXEMPT: dict[str, str] = {
    "hitl/core/sentences.py": "a collected list, one sentence a line",
    "hitl/core/admin_names.py": "a collected list, one name a line",
}
# Where rows may be written besides actions/, and why.
WRITERS_EXEMPT = {
    "hitl/accounts/rate_limit.py": "counts requests, no business data",
    "hitl/core/rows.py": "the row writer that actions use",
}
ORDER = ("core", "audit", "accounts", "delivery", "routing", "reviews", "feedback")
WRITES = {"create", "bulk_create", "save", "delete", "update", "update_or_create", "get_or_create", "bulk_update"}


def sources() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), path


@pytest.mark.parametrize("name, path", list(sources()), ids=lambda value: value if isinstance(value, str) else "")
def test_files_and_functions_stay_small(name: str, path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_FILE_LINES or name in SIZE_EXEMPT
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and f"{name}::{node.name}" not in SIZE_EXEMPT:
            assert (node.end_lineno or 0) - node.lineno < MAX_FUNCTION_LINES, f"{name}::{node.name}"


def _writes(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Calls such as `Case.objects.filter(…).update(…)`, `obj.save()`, `Model.objects.create(…)`."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES):
            continue
        source = ast.unparse(node.func.value)
        touches_rows = ".objects" in source or node.func.attr in ("save", "bulk_create", "get_or_create")
        if touches_rows and "form" not in source and "super()" not in source:
            yield node.lineno, ast.unparse(node.func)[:80]


def test_only_actions_write() -> None:
    found = [
        f"{name}:{line} {call}"
        for name, path in sources()
        if "/actions/" not in name and "/embedded/" not in name and name not in WRITERS_EXEMPT
        for line, call in _writes(ast.parse(path.read_text()))
    ]
    assert not found, "rows are written by actions only:\n" + "\n".join(found)


def test_relations_follow_the_import_order() -> None:
    rank = {label: place for place, label in enumerate(ORDER)}
    for model in apps.get_models():
        own = model._meta.app_label
        for field in model._meta.get_fields():
            target = field.related_model if field.is_relation and not field.auto_created else None
            if own in rank and target is not None and not isinstance(target, str):
                other = target._meta.app_label
                assert rank.get(other, -1) <= rank[own], f"{own}.{model.__name__}.{field.name} points at {other}"


def test_business_tables_name_their_workspace() -> None:
    without = {
        "Workspace": "is the workspace",
        "User": "a person may belong to several",
        "CaseContent": "part of its case's row",
        "RateWindow": "counters of keys",
        "LabelSweep": "one row of bookkeeping of the sweep",
        "MetricSweep": "the same",
    }
    for label in ORDER[1:]:
        for model in apps.get_app_config(label).get_models():
            name = model.__name__
            if name.startswith("Historical") or name.endswith("ObjectPermission") or name in without:
                continue
            assert any(f.attname == "workspace_id" for f in model._meta.concrete_fields), name


def test_what_the_customer_fixed_is_really_used() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = " ".join(project["dependencies"] + project["optional-dependencies"]["dev"])
    for package in ("django", "djangorestframework", "celery", "django-guardian", "django-simple-history", "psycopg"):
        assert package in named
    assert "pytest-django" in named
    assert {"rest_framework", "guardian", "simple_history"} <= set(settings.INSTALLED_APPS)
    assert settings.DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql"
    for entry in ("manage.py", "pyproject.toml", *PACKAGES, "templates", "tests"):
        assert (ROOT / entry).exists(), entry
    kept = ("routing.Policy", "routing.Tier", "routing.TaskType", "reviews.Queue", "reviews.Reviewer", "reviews.Case")
    for model in kept:
        assert hasattr(apps.get_model(model), "history"), model


def test_pages_carry_no_inline_script_or_style() -> None:
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        for banned in ("style=", "<style", "onclick=", "hx-on", "javascript:", "js:"):
            assert banned not in text, f"{path.relative_to(ROOT)} has {banned}"


def test_the_tests_run_with_their_own_settings() -> None:
    """Whatever reads Django's settings while hitl is imported would settle them before pytest names these."""
    code = "import hitl.embedded.testing; from django.conf import settings; assert not settings.configured"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    assert settings.SETTINGS_MODULE == "hitl.settings.test"
