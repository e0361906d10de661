"""The socket of the embedded Realtime server.

`ws://host:port/v1/realtime?model=…`, as upstream: the handshake always succeeds, and key and model
are checked after it, by an `error` event and a close code of their own.
"""

from __future__ import annotations

import asyncio
import hmac
import http
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from msgspec.structs import replace
from websockets.asyncio.server import Server as Socket
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request
from websockets.http11 import Response as HttpResponse
from websockets.typing import Subprotocol

from tui_voice.errors import BackendError, TuiVoiceError
from tui_voice.realtime.wire import encode
from tui_voice.server.connection import MOST_BYTES, Connection
from tui_voice.server.errors import RefusedError
from tui_voice.server.ids import random_ids
from tui_voice.server.interfaces import Engines
from tui_voice.server.limits import Limits
from tui_voice.server.workers import Workers

PATHS = ("/v1/realtime", "/openai/v1/realtime")
"""The second is what a client of Azure asks for."""
_MOST_FRAME = 21 * 2**20
"""15 MiB of audio as base64, and the JSON around it."""
_new_id = random_ids()
_SUBPROTOCOL = Subprotocol("realtime")
_KEY_PROTOCOL = "openai-insecure-api-key."

logger = logging.getLogger("tui_voice.server")
# A port scanner's half handshake is no news to the person at the terminal.
logger.addFilter(lambda record: "handshake failed" not in record.getMessage())


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """`api_key` None: everybody is let in. `models` None: any model name will do."""

    api_key: str | None = None
    models: frozenset[str] | None = None
    limits: Limits = field(default_factory=Limits)
    ping_seconds: float = 20.0
    most_bytes: int = MOST_BYTES
    """Bytes that may wait for a client that does not read."""


class Server:
    """A server that accepts. `failed` is set, with the reason, when the engines cannot be had."""

    def __init__(self, engines: Engines, options: ServeOptions) -> None:
        self.options = options
        self.failed: asyncio.Future[TuiVoiceError] = asyncio.get_running_loop().create_future()
        self.loaded = asyncio.Event()
        self._workers = Workers(engines)
        self._connections: set[Connection] = set()
        self._socket: Socket | None = None

    @property
    def host(self) -> str:
        return str(self._address()[0])

    @property
    def port(self) -> int:
        return int(self._address()[1])

    def _address(self) -> tuple[str, int]:
        assert self._socket is not None, "the server listens"
        name = next(iter(self._socket.sockets)).getsockname()
        return name[0], name[1]

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ws://{host}:{self.port}{PATHS[0]}"

    @property
    def connections(self) -> int:
        """How many clients are being served."""
        return len(self._connections)

    async def open(self, host: str, port: int) -> None:
        """Listens, and loads the engines meanwhile. Raises `BackendError` if it cannot listen."""
        try:
            self._socket = await listen(
                self._serve,
                host,
                port,
                process_request=_routed,
                subprotocols=[_SUBPROTOCOL],
                select_subprotocol=_chosen,
                compression=None,
                max_size=_MOST_FRAME,
                max_queue=2,
                ping_interval=self.options.ping_seconds,
                ping_timeout=self.options.ping_seconds,
                server_header=None,
                logger=logger,
            )
        except OSError as error:
            self._workers.close()
            raise BackendError(
                f"The server cannot listen on {host}:{port}: {error.strerror or error}.",
                "Choose another port, or port 0 for any that is free.",
            ) from error
        loop = asyncio.get_running_loop()
        Thread(target=self._load, args=(loop,), name="loading", daemon=True).start()

    async def close(self) -> None:
        """Tells the clients, lets them go, and stops the workers."""
        assert self._socket is not None, "the server listens"
        self._socket.close(code=1001, reason="The server is shutting down.")
        await self._socket.wait_closed()
        self._workers.close()

    def _load(self, loop: asyncio.AbstractEventLoop) -> None:
        error: TuiVoiceError | None = None
        try:
            self._workers.engines.load()
        except TuiVoiceError as found:
            error = found
        except Exception as found:  # noqa: BLE001 — other people's code; told, not hidden
            error = BackendError(f"The engines cannot be loaded: {type(found).__name__}: {found}")
        try:
            loop.call_soon_threadsafe(self._load_ended, error)
        except RuntimeError:  # closed before the engines were loaded
            return

    def _load_ended(self, error: TuiVoiceError | None) -> None:
        if error is None:
            self.loaded.set()
        else:
            self.failed.set_result(error)
            for connection in self._connections:
                connection.fail(str(error))

    def _equip(self, connection: Connection) -> None:
        if self.failed.done():
            connection.fail(str(self.failed.result()))
        else:
            connection.equip()

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None, "the handshake is over"
        query = parse_qs(urlsplit(socket.request.path).query)
        model = query.get("model", [""])[0]
        only = query.get("intent", [""])[0] == "transcription"
        if (refused := self._refused(socket.request, model, only)) is not None:
            code, error = refused
            event = replace(error.event(), event_id=_new_id("event"))
            await socket.send(encode(event), text=True)
            await socket.close(code, f"{error.kind}.{error.code}")
            return
        connection = Connection(
            self._workers, model, self.options.limits, only, self.options.most_bytes
        )
        self._connections.add(connection)
        self._equip(connection)
        writing = asyncio.create_task(_write(connection, socket))
        try:
            async for frame in socket:
                if isinstance(frame, bytes):
                    await connection.refuse_binary()
                else:
                    await connection.receive(frame)
        except ConnectionClosed:
            pass  # vanished without a word: the same to us
        finally:
            self._connections.discard(connection)
            connection.end()
            await writing

    def _refused(
        self, request: Request, model: str, transcription_only: bool
    ) -> tuple[int, RefusedError] | None:
        """The close code and the error for a client that may not come in."""
        if self.options.api_key is not None and not _knows(request, self.options.api_key):
            return 3000, RefusedError("invalid_api_key", "Incorrect API key provided.")
        if "realtime=v1" in request.headers.get("OpenAI-Beta", ""):
            return 4000, RefusedError(
                "beta_api_shape_disabled",
                "The beta protocol is gone: leave the OpenAI-Beta header out and speak GA.",
            )
        if not model and not transcription_only:
            return 4000, RefusedError(
                "missing_model", "You must provide a model parameter.", "model"
            )
        models = self.options.models
        if model and models is not None and model not in models:
            return 4000, RefusedError(
                "invalid_model", f"The model '{model}' is not served here.", "model"
            )
        return None


async def serve(
    host: str, port: int, engines: Engines, options: ServeOptions | None = None
) -> Server:
    """A server that already accepts; its engines are being loaded. `port` 0: any that is free.

    Raises `BackendError` if it cannot listen there.
    """
    server = Server(engines, options or ServeOptions())
    await server.open(host, port)
    return server


async def _write(connection: Connection, socket: ServerConnection) -> None:
    try:
        while (frame := await connection.next_frame()) is not None:
            await socket.send(frame, text=True)
        await socket.close(connection.close_code, connection.close_reason)
    except ConnectionClosed:
        return


def _routed(socket: ServerConnection, request: Request) -> HttpResponse | None:
    if urlsplit(request.path).path in PATHS:
        return None
    return socket.respond(http.HTTPStatus.NOT_FOUND, f"The Realtime API is at {PATHS[0]}.\n")


def _chosen(_socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return _SUBPROTOCOL if _SUBPROTOCOL in offered else None


def _knows(request: Request, key: str) -> bool:
    """The key came in a header, or, from a browser, among the subprotocols."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    given = given or request.headers.get("api-key", "")
    for offered in request.headers.get("Sec-WebSocket-Protocol", "").split(","):
        if offered.strip().startswith(_KEY_PROTOCOL):
            given = given or offered.strip().removeprefix(_KEY_PROTOCOL)
    return hmac.compare_digest(given.encode(), key.encode())
