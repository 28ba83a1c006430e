"""The broker without a server: whole messages, each to one reader, whoever else writes and reads meanwhile."""

import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from kombu import Connection
from kombu.simple import SimpleQueue

from hitl.embedded.broker import filesystem_broker

MESSAGES, WRITERS, READERS = 3000, 3, 3

WRITER = """
import sys
from pathlib import Path
from kombu import Connection
from hitl.embedded.broker import filesystem_broker
home, first, last = sys.argv[1:]
with Connection(filesystem_broker(Path(home))[0]) as connection, connection.SimpleQueue("doorbell") as queue:
    for number in range(int(first), int(last)):
        queue.put({"number": number, "padding": "x" * 2000})
"""
READER = """
import sys
from pathlib import Path
from kombu import Connection
from hitl.embedded.broker import filesystem_broker
with Connection(filesystem_broker(Path(sys.argv[1]))[0]) as connection, connection.SimpleQueue("doorbell") as queue:
    while (number := (message := queue.get(timeout=60)).payload["number"]) is not None:
        message.ack()
        print(number, flush=True)
    message.ack()
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home with space"


OpenQueue = Callable[[], SimpleQueue]


@pytest.fixture
def open_queue(home: Path) -> Iterator[OpenQueue]:
    """Each call is one more connection, as another process would have."""
    with ExitStack() as opened:

        def open_one() -> SimpleQueue:
            url, options = filesystem_broker(home)
            connection = opened.enter_context(Connection(url, transport_options=options))
            return opened.enter_context(connection.SimpleQueue("doorbell"))

        yield open_one


def take(queue: SimpleQueue) -> object:
    message = queue.get(timeout=5)
    message.ack()
    return message.payload


def test_messages_arrive_in_order_and_once(open_queue: OpenQueue) -> None:
    queue = open_queue()
    for number in range(3):
        queue.put(number)
    assert [take(queue) for _ in range(3)] == [0, 1, 2]
    assert queue.qsize() == 0


def test_a_message_waits_for_a_reader_that_starts_later(open_queue: OpenQueue) -> None:
    open_queue().put("hello")
    assert take(open_queue()) == "hello"


def test_an_unacknowledged_message_comes_back_when_its_reader_leaves(home: Path, open_queue: OpenQueue) -> None:
    reader = Connection(filesystem_broker(home)[0])
    queue = reader.SimpleQueue("doorbell")
    queue.put("hello")
    queue.get(timeout=5)
    assert queue.qsize() == 0
    reader.close()
    assert take(open_queue()) == "hello"


def test_a_half_written_file_is_no_message(home: Path, open_queue: OpenQueue) -> None:
    queue = open_queue()
    folder = home / "broker" / "doorbell"
    (folder / "0-half.tmp").write_text('{"body": "ab')
    (folder / "0-broken.msg").write_text('{"body": "ab')
    queue.put("whole")
    assert take(queue) == "whole"
    assert queue.qsize() == 0
    assert (folder / "0-broken.broken").exists()


def test_only_the_owner_may_read_messages(home: Path, open_queue: OpenQueue) -> None:
    open_queue().put("secret")
    folder = home / "broker" / "doorbell"
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE((home / "broker").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_several_processes_lose_and_double_nothing(home: Path, open_queue: OpenQueue) -> None:
    share = MESSAGES // WRITERS
    readers = [
        subprocess.Popen([sys.executable, "-c", READER, str(home)], stdout=subprocess.PIPE, text=True)
        for _ in range(READERS)
    ]
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(home), str(n * share), str((n + 1) * share)])
        for n in range(WRITERS)
    ]
    assert [writer.wait(timeout=100) for writer in writers] == [0] * WRITERS
    queue = open_queue()
    for _ in readers:
        queue.put({"number": None})
    outputs = [reader.communicate(timeout=100)[0] for reader in readers]
    counts = Counter(int(line) for output in outputs for line in output.splitlines())
    assert counts == Counter(range(MESSAGES))
