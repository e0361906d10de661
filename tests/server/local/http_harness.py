"""Small HTTP servers on loopback that stand for chat and sound servers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Answer = Callable[[str, bytes], tuple[int, str, bytes]]
"""From the path and the body of a request to the status, content type and body of its answer."""


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """Runs a server; gives its `host:port`."""

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, kind, data = answer(self.path, body)
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _reply  # noqa: N815 - the base class demands these names

        def log_message(self, *_arguments: object) -> None:
            """Keeps the log out of the output of the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def stream(*chunks: dict[str, Any]) -> tuple[int, str, bytes]:
    """Returns the answer of a chat server that streams these chunks."""
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return 200, "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]).encode()


def chunk(**delta: Any) -> dict[str, Any]:
    """Returns one chunk of a streamed chat completion."""
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
    }
