"""pytest plugin (`-p hitl.embedded.testing`): tests get a throwaway PostgreSQL when DATABASE_URL names none.

The process that collects starts it once; xdist's workers inherit the URL. A second run beside the first gets its own.
Migrating takes half a minute, so it is done once into a template that every test database of this state is copied from.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from hitl.embedded.binaries import AlreadyRunningError, EmbeddedPostgresError
from hitl.embedded.postgres import DATABASE, EmbeddedPostgres

_RUNS_AT_ONCE = 8
_CHECKOUT = Path(__file__).resolve().parents[2]
_server = pytest.StashKey[EmbeddedPostgres]()


def start_test_server(var: Path) -> EmbeddedPostgres:
    """The first of `var`/test-pg, test-pg-2, … that no other run uses, started; the caller stops it."""
    for number in range(1, _RUNS_AT_ONCE + 1):
        server = EmbeddedPostgres(var / ("test-pg" if number == 1 else f"test-pg-{number}"), durable=False)
        try:
            server.start()
        except AlreadyRunningError:
            continue
        return server
    raise EmbeddedPostgresError(f"{_RUNS_AT_ONCE} test runs use {var} already.")


def make_template(url: str) -> str:
    """The name of a migrated database on this server, made unless one of these migrations is there; others go."""
    name = f"template_{_state_of_migrations()}"
    with psycopg.connect(url, autocommit=True) as connection:
        found = [row[0] for row in connection.execute("SELECT datname FROM pg_database WHERE datname ^@ 'template_'")]
        if name in found:
            return name
        draft = f"{name}_draft"
        for old in found:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(old)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(draft)))
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--settings", "hitl.settings.test"],
            cwd=_CHECKOUT,
            env=os.environ | {"DATABASE_URL": url.removesuffix(DATABASE) + draft},
            check=True,
        )
        connection.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(name))
        )
    return name


def _state_of_migrations() -> str:
    """A digest of every migration and its SQL, and of the libraries that bring their own."""
    digest = hashlib.sha256()
    sources = [*_CHECKOUT.glob("*/migrations/*.py"), *_CHECKOUT.glob("hitl/*/migrations/*.py")]
    sources += [*_CHECKOUT.glob("*/sql/*.sql"), *_CHECKOUT.glob("requirements/*.txt")]
    for path in sorted(sources):
        digest.update(f"{path.relative_to(_CHECKOUT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """A wrapper, because pytest-django reads the settings in this very hook."""
    if "DATABASE_URL" not in os.environ and "--help" not in early_config.invocation_params.args:
        server = start_test_server(_CHECKOUT / "var")
        early_config.stash[_server] = server
        os.environ["HITL_TEST_TEMPLATE"] = make_template(server.url)
        os.environ["DATABASE_URL"] = server.url
    yield


def pytest_unconfigure(config: pytest.Config) -> None:
    server = config.stash.get(_server, None)
    if server is not None:
        server.stop()
