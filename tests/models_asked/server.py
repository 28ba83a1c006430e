"""A small server that speaks chat completions, and every way of not speaking them that a judge must survive."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class ModelServer:
    """`script`: how the next requests are answered, in order; then `otherwise`. `asked`: the bodies that came."""

    url: str
    otherwise: Behaviour
    script: list[Behaviour] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


def says(verdict: Any, *, usage: dict[str, int] | None = None, finish: str = "stop") -> Behaviour:
    """A well-formed completion whose content is `verdict` (text as it is, other values as JSON)."""
    content = verdict if isinstance(verdict, str) else json.dumps(verdict)
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish},
        ],
        "usage": usage or {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
    }
    return answers(200, body)


def answers(status: int, body: Any, **headers: str) -> Behaviour:
    """Any answer; bytes go as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    return behave


def cut_off(handler: BaseHTTPRequestHandler) -> None:
    """Promise more than is sent, then hang up."""
    handler.send_response(200)
    handler.send_header("content-length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')


def silent(handler: BaseHTTPRequestHandler) -> None:
    """Say nothing for longer than anybody waits."""
    time.sleep(1.0)


@contextmanager
def model_server(otherwise: Behaviour) -> Iterator[ModelServer]:
    """The server on a free loopback port until the block ends."""
    found = ModelServer("", otherwise)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            found.asked.append(json.loads(self.rfile.read(length)))
            found.headers.append({k.lower(): v for k, v in self.headers.items()})
            (found.script.pop(0) if found.script else found.otherwise)(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
