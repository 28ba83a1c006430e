"""A database of its own for tests with real threads: commits are real, and nothing has to be flushed afterwards."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection, connections


@contextmanager
def own_database() -> Iterator[None]:
    """Every connection made inside goes to a copy of the test database; the copy is dropped at the end."""
    settings = connections.settings["default"]
    original, copy = settings["NAME"], f"{settings['NAME']}_race"
    assert original.startswith("test_"), "ask for the fixture `migrated`: this is no test database"
    connection.ensure_connection()
    parameters = connection.get_connection_params() | {"dbname": "postgres"}
    connection.close()
    keep = {k: v for k, v in parameters.items() if k in ("dbname", "host", "port", "user", "password")}
    with psycopg.connect(**keep, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{copy}"')
        admin.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{original}"')
        settings["NAME"] = copy
        try:
            yield
        finally:
            connection.close()
            settings["NAME"] = original
            admin.execute(f'DROP DATABASE "{copy}" WITH (FORCE)')


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run each job in a thread of its own, all released together; their results or exceptions, in order."""
    results: list[Any] = [None] * len(jobs)
    gate = threading.Barrier(len(jobs))

    def run(index: int, job: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            gate.wait()
            results[index] = job()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
