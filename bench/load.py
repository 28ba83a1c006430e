"""The load client, a process of its own: `python -m bench.load < job.json > result.json`.

One thread and one keep-alive connection per client, raw sockets, no HTTP library: it must not be the bottleneck. Its
CPU time is part of the result, so that whoever reads the numbers can see that it was not.
"""

import itertools
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable

import msgspec

Call = Callable[..., tuple[int, bytes]]


class Job(msgspec.Struct, frozen=True):
    """What to send. Ends after `seconds`, after `count` cycles in all, or when nothing waits, whichever is first."""

    scenario: str
    port: int
    connections: int = 8
    seconds: float | None = None
    count: int | None = None
    keys: list[str] = []
    queue: str | None = None
    payload_bytes: int = 1000
    batch: int = 500


class Outcome(msgspec.Struct):
    """Per request: its name, when it ended (seconds from the start) and how long it took (ms)."""

    wall_s: float
    cpu_s: float
    cycles: int
    steps: dict[str, list[tuple[float, float]]]
    error: str | None = None

    @property
    def rate(self) -> float:
        """Cycles per second."""
        return self.cycles / self.wall_s

    def latencies(self) -> list[float]:
        """All requests, ms, ascending."""
        return sorted(took for step in self.steps.values() for _, took in step)


class Failed(Exception):
    """The server answered what the scenario does not expect."""


class Wire:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, path: str, key: str, body: bytes) -> tuple[int, bytes]:
        self._socket.sendall(
            b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s" % (path.encode(), key.encode(), len(body), body)
        )
        return self._read()

    def _read(self) -> tuple[int, bytes]:
        got = b""
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self._more()
        head = got[:end].lower()
        status = int(head[9:12])
        at = head.find(b"content-length:")
        length = 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])
        body = got[end + 4 :]
        if len(body) < length:
            parts, missing = [body], length - len(body)
            while missing > 0:
                parts.append(self._more())
                missing -= len(parts[-1])
            body = b"".join(parts)
        return status, body

    def _more(self) -> bytes:
        chunk = self._socket.recv(1 << 16)
        if not chunk:
            raise Failed("the server closed the connection")
        return chunk


class Client:
    """One connection's work; `steps` collects what it measured."""

    def __init__(self, job: Job, number: int, started: float) -> None:
        self._job = job
        self._wire = Wire(job.port)
        self._keys = itertools.cycle(job.keys[number :: job.connections] or job.keys or [""])
        self._started = started
        self._run = uuid.uuid4().hex[:12]
        self._numbers = itertools.count(number, job.connections)
        self.steps: dict[str, list[tuple[float, float]]] = {}

    def cycle(self) -> bool:
        """One unit of work; false when nothing waits any more."""
        work: Callable[[str], bool] = getattr(self, self._job.scenario)
        return work(next(self._keys))

    def _post(self, step: str, path: str, key: str, body: bytes, *expected: int) -> tuple[int, bytes]:
        began = time.perf_counter()
        status, answer = self._wire.post(path, key, body)
        ended = time.perf_counter()
        if status not in expected:
            raise Failed(f"{step}: {status} {answer[:500]!r}")
        self.steps.setdefault(step, []).append((ended - self._started, (ended - began) * 1000))
        return status, answer

    # --- the product ---

    def submit(self, key: str) -> bool:
        """Every second case is one the machine may decide."""
        self._post("submit", "/api/v1/cases", key, self._case(), 201)
        return True

    def submit_batch(self, key: str) -> bool:
        body = b'{"cases":[' + b",".join(self._case() for _ in range(self._job.batch)) + b"]}"
        _, answer = self._post("batch", "/api/v1/cases/batch", key, body, 207)
        if answer.count(b'"status":201') != self._job.batch:
            raise Failed(f"batch: not all were accepted: {answer[:500]!r}")
        return True

    def claim(self, key: str) -> bool:
        return self._claim(key) is not None

    def claim_decide(self, key: str) -> bool:
        if (held := self._claim(key)) is None:
            return False
        self._judge("judgement", key, held, 200)
        return True

    def claim_judge_first_decide(self, key: str) -> bool:
        if (held := self._claim(key)) is None:
            return False
        self._judge("first-judgement", key, held, 200)
        self._judge("judgement", key, held, 200)
        return True

    def _claim(self, key: str) -> tuple[str, str] | None:
        wanted = {"queue": self._job.queue} if self._job.queue else {}
        status, answer = self._post("claim", "/api/v1/reviews/claim", key, msgspec.json.encode(wanted), 200, 204)
        if status == 204:
            return None
        claim = msgspec.json.decode(answer)["claim"]
        return claim["id"], claim["token"]

    def _judge(self, step: str, key: str, held: tuple[str, str], *expected: int) -> None:
        body = msgspec.json.encode({"token": held[1], "label": "approve"})
        self._post(step, f"/api/v1/claims/{held[0]}/{step}", key, body, *expected)

    def _case(self) -> bytes:
        number = next(self._numbers)
        return case_body(f"{self._run}-{number}", 0.99 if number % 2 else 0.7, self._job.payload_bytes)

    # --- the floor ---

    def floor_insert(self, _: str) -> bool:
        self._post("insert", "/cases", "", self._case(), 201)
        return True

    def floor_claim_decide(self, _: str) -> bool:
        status, answer = self._post("claim", "/claim", "", b"{}", 200, 204)
        if status == 204:
            return False
        body = msgspec.json.encode({"id": msgspec.json.decode(answer)["id"], "label": "approve"})
        self._post("decide", "/decide", "", body, 200)
        return True


_TEXT = "The applicant asks for a loan to buy a car and has paid back two earlier loans in time. "


def case_body(external_id: str, confidence: float, size: int) -> bytes:
    """A submission of about `size` bytes."""
    body = {
        "task_type": "loan",
        "external_id": external_id,
        "subject": "customer-" + external_id,
        "input": (content := {"income": 51000, "purpose": "car", "text": ""}),
        "prediction": {
            "label": "approve",
            "confidence": confidence,
            "model_version": "credit-1",
            "probabilities": {"approve": confidence, "reject": round(1 - confidence, 6)},
        },
        "key_evidence": ["Income is twice the instalments", "No default in ten years"],
        "context": {"amount": 12000, "risk_score": 0.2, "complexity": 0.3},
    }
    missing = size - len(msgspec.json.encode(body))
    content["text"] = (_TEXT * (missing // len(_TEXT) + 1))[: max(0, missing)]
    return msgspec.json.encode(body)


def run(job: Job) -> Outcome:
    """All clients from one start; the first failure ends everybody."""
    started, cpu = time.perf_counter(), time.process_time()
    deadline = started + (job.seconds or 1e9)
    tickets = itertools.count(1)
    errors: list[str] = []
    clients = [Client(job, number, started) for number in range(job.connections)]
    done = [0] * job.connections

    def work(number: int) -> None:
        try:
            while not errors and time.perf_counter() < deadline:
                if (job.count is not None and next(tickets) > job.count) or not clients[number].cycle():
                    return
                done[number] += 1
        except Exception as error:
            errors.append(repr(error))

    threads = [threading.Thread(target=work, args=[number]) for number in range(job.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome = Outcome(time.perf_counter() - started, time.process_time() - cpu, sum(done), {})
    for client in clients:
        for step, values in client.steps.items():
            outcome.steps.setdefault(step, []).extend(values)
    outcome.error = errors[0] if errors else None
    return outcome


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Job))))
