"""A stand-in for the Hugging Face hub on loopback: it serves the files of one repository.

It answers as the hub does for a large file: with the file's SHA-256 and size in the headers, and
with a part of the file for a request that continues a download.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class ModelHub:
    """`files`: path → content. `cut_after`: bytes after which the next download breaks off; from
    then on the hub has no files, until `is_down` is set to False."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.stated_sha256: dict[str, str] = {}
        """What the headers say, where it is not true."""
        self.cut_after: int | None = None
        self.is_down = False
        self.ranges: list[str] = []
        """The `Range` header of each download, "" for none."""
        self.headers: list[Mapping[str, str]] = []
        """Of all requests."""
        self.url = ""


@contextmanager
def serving_models(hub: ModelHub) -> Iterator[ModelHub]:
    """Runs the hub; sets its `url`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self, with_body: bool) -> None:
            hub.headers.append(dict(self.headers))
            name = self.path.partition("?")[0].rpartition("/resolve/")[2].partition("/")[2]
            data = hub.files.get(name)
            if data is None or hub.is_down:
                self.send_response(404)
                self.send_header("content-length", "0")
                self.send_header("x-error-code", "EntryNotFound")
                self.end_headers()
                return
            sha256 = hub.stated_sha256.get(name) or hashlib.sha256(data).hexdigest()
            asked = self.headers.get("range", "")
            start = int(asked.removeprefix("bytes=").partition("-")[0] or 0) if asked else 0
            self.send_response(206 if asked else 200)
            if asked:
                self.send_header("content-range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.send_header("content-length", str(len(data) - start))
            self.send_header("accept-ranges", "bytes")
            self.send_header("etag", f'"{sha256}"')
            self.send_header("x-linked-etag", f'"{sha256}"')
            self.send_header("x-linked-size", str(len(data)))
            self.send_header("x-repo-commit", COMMIT)
            self.end_headers()
            if with_body:
                hub.ranges.append(asked)
                body = data[start:]
                if hub.cut_after is not None:
                    body = body[: hub.cut_after]
                    hub.cut_after, hub.is_down = None, True
                    self.close_connection = True
                try:
                    self.wfile.write(body)
                except OSError:
                    return  # the client has left

        def do_GET(self) -> None:
            self._answer(True)

        def do_HEAD(self) -> None:
            self._answer(False)

        def log_message(self, *_arguments: object) -> None:
            """Keeps the log out of the output of the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
