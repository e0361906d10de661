"""An HTTP proxy on loopback that records what it is asked for, and tunnels it or refuses."""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import suppress
from typing import Self


class RecordingProxy:
    """`url`: its address. `requests`: the first line of each request, such as `CONNECT host:443`.

    `target`: host and port of the server to which it tunnels every CONNECT, whatever host the
    client asked for; None: it refuses with HTTP 407.
    """

    def __init__(self, target: tuple[str, int] | None = None) -> None:
        self.target = target
        self.requests: list[str] = []
        proxy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                proxy._handle(self)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handle(self, client: socketserver.StreamRequestHandler) -> None:
        self.requests.append(client.rfile.readline().decode(errors="replace").strip())
        while client.rfile.readline().strip():
            pass  # the rest of the headers
        if self.target is None:
            client.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        with socket.create_connection(self.target) as server:
            client.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pass_on, args=(server, client.connection), daemon=True)
            back.start()
            _pass_on(client.connection, server)


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
