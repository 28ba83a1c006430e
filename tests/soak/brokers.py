"""The brokers a run may have: without a server, RabbitMQ, Redis. Each can go away and come back."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import pytest
from kombu import Connection
from redis import Redis

from tests.soak.proxy import Proxy

_URL_VARIABLES = {"rabbitmq": "HITL_TEST_RABBITMQ_URL", "redis": "HITL_TEST_REDIS_URL"}
KINDS = ("files", *_URL_VARIABLES)


class Broker(Protocol):
    """`environment`: what the processes need to find it. `away`: nobody reaches it inside the block."""

    environment: dict[str, str]

    def away(self) -> AbstractContextManager[None]: ...
    def purge(self) -> None: ...


class FileBroker:
    """hitl's own, below HITL_HOME. It goes away with all its messages."""

    def __init__(self, home: Path) -> None:
        self.environment = {"DJANGO_SETTINGS_MODULE": "hitl.settings.dev", "CELERY_BROKER_URL": ""}
        self._folder = home / "broker"

    @contextmanager
    def away(self) -> Iterator[None]:
        """A plain file stands where the folder was: nothing can be sent or read, whoever tries."""
        lost = self._folder.rename(self._folder.with_name("lost"))
        self._folder.touch()
        try:
            yield
        finally:
            self._folder.unlink()
            shutil.rmtree(lost)

    def purge(self) -> None:
        """It goes with its home."""


class ServerBroker:
    """RabbitMQ or Redis by a plain (not TLS) URL, behind a proxy; a queue of its own, so that runs do not meet."""

    def __init__(self, url: str) -> None:
        self._url, self._queue = url, f"hitl-soak-{uuid.uuid4().hex}"
        parts = urlsplit(url)
        assert parts.hostname
        self._proxy = Proxy(parts.hostname, parts.port or {"amqp": 5672, "redis": 6379}[parts.scheme])
        login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        self.environment = {
            "DJANGO_SETTINGS_MODULE": "tests.soak.settings",
            "CELERY_BROKER_URL": parts._replace(netloc=f"{login}127.0.0.1:{self._proxy.port}").geturl(),
            "HITL_SOAK_QUEUE": self._queue,
        }

    @contextmanager
    def away(self) -> Iterator[None]:
        self._proxy.close()
        try:
            yield
        finally:
            self._proxy.open()

    def purge(self) -> None:
        self._proxy.close()
        if self._url.startswith("redis"):
            with Redis.from_url(self._url) as redis:
                for key in redis.scan_iter(f"{self._queue}:*"):
                    redis.delete(key)
            return
        with Connection(self._url) as connection, connection.channel() as channel:
            channel.queue_delete(self._queue)
            channel.exchange_delete(self._queue)


def open_broker(kind: str, home: Path) -> Broker:
    """Skips the test where no server of this kind is named."""
    if kind == "files":
        return FileBroker(home)
    url = os.environ.get(_URL_VARIABLES[kind])
    if not url:
        pytest.skip(f"{_URL_VARIABLES[kind]} names no server")
    return ServerBroker(url)
