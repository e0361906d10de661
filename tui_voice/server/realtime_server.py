"""The WebSocket server at `ws://host:port/v1/realtime?model=…`.

Pages of web sites are refused in the handshake (HTTP 403). As with the Realtime API, key and model
are checked after it, and a client that is refused then gets an `error` event and a close code.
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
from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request
from websockets.http11 import Response as HttpResponse
from websockets.typing import Subprotocol

from tui_voice.errors import BackendError, TuiVoiceError
from tui_voice.realtime.wire import encode
from tui_voice.server.access import foreign_header, header
from tui_voice.server.client_connection import ClientConnection
from tui_voice.server.errors import RefusedError
from tui_voice.server.ids import random_ids
from tui_voice.server.interfaces import Engines
from tui_voice.server.limits import SessionLimits
from tui_voice.server.memory import MemoryRelease
from tui_voice.server.workers import EngineWorkers

PATHS = ("/v1/realtime", "/openai/v1/realtime")
"""The second is the path of clients made for Azure."""
_MAX_FRAME_BYTES = 21 * 2**20
"""15 MiB of audio as base64, and the JSON around it."""
_PING_SECONDS = 20.0
"""Time between pings, and the time that a client has to answer one."""
_ABORT_SECONDS = 1.0
"""Time in which a close frame may reach a client that has stopped reading."""
_SUBPROTOCOL = Subprotocol("realtime")
_KEY_SUBPROTOCOL = "openai-insecure-api-key."
_new_id = random_ids()

logger = logging.getLogger("tui_voice.server")
# Port scanners cause these messages; they mean nothing to the user.
logger.addFilter(lambda record: "handshake failed" not in record.getMessage())


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """`api_key` None: no key is needed. `max_connections`: clients connected at the same time."""

    api_key: str | None = None
    max_connections: int = 256
    limits: SessionLimits = field(default_factory=SessionLimits)


class RealtimeServer:
    """A running server. `loaded` is set when the engines are loaded; `failed` gets the error when
    they cannot be."""

    def __init__(self, engines: Engines, options: ServerOptions) -> None:
        self.failed: asyncio.Future[TuiVoiceError] = asyncio.get_running_loop().create_future()
        self.loaded = asyncio.Event()
        self._options = options
        self._workers = EngineWorkers(engines)
        self._connections: set[ClientConnection] = set()
        self._socket: WebSocketServer | None = None
        self._listening_on = ""
        self._memory = MemoryRelease()

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
        """Number of connected clients."""
        return len(self._connections)

    async def open(self, host: str, port: int) -> None:
        """Starts to listen and to load the engines. Raises `BackendError` if it cannot listen."""
        self._listening_on = host
        try:
            self._socket = await serve_websocket(
                self._serve_client,
                host,
                port,
                process_request=self._check_request,
                subprotocols=[_SUBPROTOCOL],
                select_subprotocol=_select_subprotocol,
                compression=None,
                max_size=_MAX_FRAME_BYTES,
                max_queue=2,
                ping_interval=_PING_SECONDS,
                ping_timeout=_PING_SECONDS,
                server_header=None,
                logger=logger,
            )
        except (OSError, UnicodeError) as error:  # UnicodeError: no name can look like that
            self._workers.close()
            reason = getattr(error, "strerror", None) or error
            raise BackendError(
                f"The server cannot listen on {host}:{port}: {reason}.",
                "Choose another port, or port 0 for any that is free.",
            ) from error
        loop = asyncio.get_running_loop()
        Thread(target=self._load_engines, args=(loop,), name="loading", daemon=True).start()

    async def close(self) -> None:
        """Closes all connections and stops the workers."""
        assert self._socket is not None, "the server listens"
        self._socket.close(code=1001, reason="The server is shutting down.")
        await self._socket.wait_closed()
        self._memory.cancel()
        self._workers.close()

    def _load_engines(self, loop: asyncio.AbstractEventLoop) -> None:
        """Runs in a thread of its own."""
        error: TuiVoiceError | None = None
        try:
            self._workers.engines.load()
        except TuiVoiceError as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001 — engines may raise anything; it is reported
            error = BackendError(f"The engines cannot be loaded: {type(raised).__name__}: {raised}")
        try:
            loop.call_soon_threadsafe(self._loading_ended, error)
        except RuntimeError:  # the server was closed before the engines were loaded
            return

    def _loading_ended(self, error: TuiVoiceError | None) -> None:
        if error is None:
            self.loaded.set()
        else:
            self.failed.set_result(error)
            for connection in self._connections:
                connection.fail(str(error))

    async def _serve_client(self, socket: ServerConnection) -> None:
        """Serves one client until it disconnects."""
        assert socket.request is not None, "the handshake is over"
        query = parse_qs(urlsplit(socket.request.path).query)
        model = query.get("model", [""])[0]
        transcription_only = query.get("intent", [""])[0] == "transcription"
        if (refusal := self._refusal(socket.request, model, transcription_only)) is not None:
            code, error = refusal
            event = replace(error.to_event(), event_id=_new_id("event"))
            await socket.send(encode(event), text=True)
            await socket.close(code, f"{error.error_type}.{error.code}")
            return
        connection = ClientConnection(
            self._workers, model, self._options.limits, transcription_only
        )
        self._connections.add(connection)
        if self.failed.done():
            connection.fail(str(self.failed.result()))
        else:
            connection.prepare_engines()
        sending = asyncio.create_task(_send_frames(connection, socket))
        watching = asyncio.create_task(_abort_unread(connection, socket))
        try:
            async for frame in socket:
                if isinstance(frame, bytes):
                    await connection.refuse_binary_frame()
                else:
                    await connection.receive(frame)
        except ConnectionClosed:
            pass  # disconnected without a close frame: no different for us
        finally:
            self._connections.discard(connection)
            connection.end()
            watching.cancel()
            self._memory.request()
            await sending

    def _refusal(
        self, request: Request, model: str, transcription_only: bool
    ) -> tuple[int, RefusedError] | None:
        """Returns the close code and the error for a client that is not accepted, else None."""
        if self._options.api_key is not None and not _has_key(request, self._options.api_key):
            return 3000, RefusedError("invalid_api_key", "Incorrect API key provided.")
        if "realtime=v1" in header(request.headers, "OpenAI-Beta"):
            return 4000, RefusedError(
                "beta_api_shape_disabled",
                "The beta protocol is not supported: remove the OpenAI-Beta header and use the GA "
                "protocol.",
            )
        if not model and not transcription_only:
            return 4000, RefusedError(
                "missing_model", "You must provide a model parameter.", "model"
            )
        if len(self._connections) >= self._options.max_connections:
            return 1013, RefusedError(
                "too_many_connections",
                f"The server has {self._options.max_connections} open connections, and accepts no "
                "more. Close one, or connect later.",
            )
        return None

    def _check_request(self, socket: ServerConnection, request: Request) -> HttpResponse | None:
        """Answers 403 for a page of a web site or a foreign host name, 404 for another path."""
        foreign = foreign_header(request.headers, self._listening_on)
        if foreign is not None:
            return socket.respond(http.HTTPStatus.FORBIDDEN, f"{foreign}\n")
        if urlsplit(request.path).path.removesuffix("/") in PATHS:
            return None
        return socket.respond(http.HTTPStatus.NOT_FOUND, f"The Realtime API is at {PATHS[0]}.\n")


async def start_server(
    host: str, port: int, engines: Engines, options: ServerOptions | None = None
) -> RealtimeServer:
    """Returns a server that accepts connections; its engines are still loading.

    `port` 0: any free port. Raises `BackendError` if it cannot listen.
    """
    server = RealtimeServer(engines, options or ServerOptions())
    await server.open(host, port)
    return server


async def _send_frames(connection: ClientConnection, socket: ServerConnection) -> None:
    try:
        while (frame := await connection.next_frame()) is not None:
            await socket.send(frame, text=True)
        await socket.close(connection.close_code, connection.close_reason)
    except ConnectionClosed:
        return


async def _abort_unread(connection: ClientConnection, socket: ServerConnection) -> None:
    """Cuts the connection to a client that does not read.

    The close frame waits behind the data that the client does not take, so it may never arrive.
    """
    await connection.overflowed.wait()
    await asyncio.sleep(_ABORT_SECONDS)
    socket.transport.abort()


def _select_subprotocol(
    _socket: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    return _SUBPROTOCOL if _SUBPROTOCOL in offered else None


def _has_key(request: Request, key: str) -> bool:
    """Returns whether the client sent `key`: in a header, or from a browser as a subprotocol."""
    sent = header(request.headers, "Authorization").removeprefix("Bearer ").strip()
    sent = sent or header(request.headers, "api-key")
    for subprotocol in header(request.headers, "Sec-WebSocket-Protocol").split(","):
        if subprotocol.strip().startswith(_KEY_SUBPROTOCOL):
            sent = sent or subprotocol.strip().removeprefix(_KEY_SUBPROTOCOL)
    return hmac.compare_digest(sent.encode(), key.encode())
