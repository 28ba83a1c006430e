"""pytest plugin (`-p hitl.embedded.testing`): tests get a throwaway PostgreSQL when DATABASE_URL names none.

The process that collects starts it once; xdist's workers inherit the URL. A second run beside the first gets its own.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hitl.embedded.binaries import AlreadyRunningError, EmbeddedPostgresError
from hitl.embedded.postgres import EmbeddedPostgres

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


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """A wrapper, because pytest-django reads the settings in this very hook."""
    if "DATABASE_URL" not in os.environ and "--help" not in early_config.invocation_params.args:
        server = start_test_server(_CHECKOUT / "var")
        early_config.stash[_server] = server
        os.environ["DATABASE_URL"] = server.url
    yield


def pytest_unconfigure(config: pytest.Config) -> None:
    server = config.stash.get(_server, None)
    if server is not None:
        server.stop()
