"""An ARM that answers what a test wrote down, over real HTTP, and remembers what it was asked.

For what a well-behaved service never does: links to other hosts, pages without JSON, answers that end in
the middle, operations that fail late. The simulator stands for the well-behaved one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from shared.model import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came over the wire; ``target`` is the path with the query, byte for byte."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: Json

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int = 200
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    hang_up: bool = False
    """Close the connection without an answer."""


class ScriptedArm:
    """Replies queued per method and path (without query); the last one of a queue is repeated."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.url = ""
        self._script: dict[tuple[str, str], list[Reply]] = {}

    def on(self, method: str, path: str, *replies: Reply) -> None:
        self._script[method, path.lower()] = list(replies)

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        queue = self._script.get((asked.method, asked.path.lower()))
        if not queue:
            return Reply(status=404, body={"error": {"code": "ResourceNotFound", "message": asked.path}})
        return queue.pop(0) if len(queue) > 1 else queue[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, arm: ScriptedArm) -> None:
        self.arm = arm
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _serve(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(sent) if sent else None
        asked = Asked(method=self.command, target=self.path, headers=dict(self.headers), body=body)
        reply = self.server.arm.answer(asked)
        if reply.hang_up:
            self.close_connection = True
            return
        data = reply.raw if reply.raw is not None else _encoded(reply.body)
        self.send_response(reply.status)
        for name, text in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_PATCH = do_DELETE = do_POST = _serve  # noqa: N815  # names that http.server wants

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name upstream
        """Say nothing: the test reads ``asked``."""


@contextmanager
def scripted_arm() -> Iterator[ScriptedArm]:
    """Serve on a free port of the loopback address while the block runs."""
    arm = ScriptedArm()
    server = _Server(arm)
    arm.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield arm
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _encoded(body: Json) -> bytes:
    return b"" if body is None else json.dumps(body).encode()
