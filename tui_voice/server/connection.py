"""One client on one engine: frames in, frames out, work in threads, and bounds on all of it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from tui_voice.realtime.wire import WireError, decode_client, encode
from tui_voice.realtime.wire.client import ClientEvent
from tui_voice.realtime.wire.server import ServerMessage
from tui_voice.server.engine import Engine
from tui_voice.server.jobs import Close, Fact, Speak, Unavailable
from tui_voice.server.limits import Limits
from tui_voice.server.outbox import Output
from tui_voice.server.workers import Workers

_ENOUGH_BYTES = 2**20
"""Waiting frames beyond which no more speech is made: the client reads slowly."""
MOST_BYTES = 32 * 2**20
"""Waiting frames beyond which the client is taken not to read at all."""
_MOST_INPUT_BYTES = 32 * 2**20
"""Audio waiting to be heard beyond which no more frames are read."""


class Connection:
    """Owns an `Engine`, and is used on the loop's thread only.

    `outgoing()` gives the frames to send, and ends when the connection is to be closed; then
    `close_code` and `close_reason` tell how.
    """

    def __init__(
        self,
        workers: Workers,
        model: str,
        limits: Limits | None = None,
        transcription_only: bool = False,
        most_bytes: int = MOST_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workers, self._clock = workers, clock
        self._loop = asyncio.get_running_loop()
        self.engine = Engine(
            model,
            workers.engines.count_tokens,
            clock(),
            time.time(),
            limits,
            transcription_only=transcription_only,
        )
        self._frames: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._most_bytes = most_bytes
        self._held: deque[Speak] = deque()
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closing: Close | None = None
        self._over = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._pumping: asyncio.Handle | None = None
        self._run(self.engine.tick)

    def equip(self) -> None:
        """Gets what it needs of the engines; until then events wait."""
        self._workers.prepare(self, self._report)

    async def receive(self, frame: bytes | str) -> None:
        """A text frame from the client. Waits while too much of its audio is unheard."""
        try:
            event: ClientEvent | WireError = decode_client(frame)
        except WireError as error:
            event = error
        await self.submit(event)

    async def refuse_binary(self) -> None:
        """A binary frame came."""
        await self.submit(WireError("invalid_event", "Binary frames are not events: send text."))

    async def submit(self, event: ClientEvent | WireError) -> None:
        """As `receive`, for an event that is decoded already."""
        await self._room.wait()
        self._run(lambda now: self.engine.receive(event, now))

    async def next_frame(self) -> bytes | None:
        """The next frame to send; None when the connection is to be closed."""
        while not self._frames:
            if self._closing is not None or self._over:
                return None
            await self.changed()
        frame = self._frames.popleft()
        self._waiting_bytes -= len(frame)
        while self._held and self._waiting_bytes < _ENOUGH_BYTES:
            self._workers.start(self, self._held.popleft(), self._report)
        return frame

    @property
    def waiting_bytes(self) -> int:
        """Frames that wait to be sent."""
        return self._waiting_bytes

    @property
    def holding(self) -> int:
        """Clauses that are not spoken yet, because the client reads slowly."""
        return len(self._held)

    async def changed(self) -> None:
        """Until something happens."""
        self._changed.clear()
        await self._changed.wait()

    @property
    def close_code(self) -> int:
        return self._closing.code if self._closing else 1000

    @property
    def close_reason(self) -> str:
        return self._closing.reason if self._closing else ""

    def fail(self, message: str) -> None:
        """The engines cannot be had: says so, and closes."""
        self._learn(Unavailable(message))

    def end(self) -> None:
        """The client is gone."""
        self._over = True
        self.engine.halt()
        self._workers.forget(self)
        self._held.clear()
        self._frames.clear()
        for handle in (self._timer, self._pumping):
            if handle is not None:
                handle.cancel()
        self._room.set()
        self._changed.set()

    def _report(self, fact: Fact) -> None:
        """From any thread."""
        try:
            self._loop.call_soon_threadsafe(self._learn, fact)
        except RuntimeError:  # the loop is closed: nobody is left to tell
            return

    def _learn(self, fact: Fact) -> None:
        self._run(lambda now: self.engine.learn(fact, now))

    def _pump(self) -> None:
        self._pumping = None
        self._run(self.engine.pump)

    def _tick(self) -> None:
        self._timer = None
        self._run(self.engine.tick)

    def _run(self, step: Callable[[float], list[Output]]) -> None:
        """One call of the engine. A fault of ours ends this talk, loudly, and no other."""
        if self._over:
            return
        try:
            self._obey(step(self._clock()))
        except BaseException:
            self._closing = self._closing or Close(1011, "The server has a fault.")
            self._changed.set()
            raise

    def _obey(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case ServerMessage():
                    self._send(encode(output))
                case Close():
                    self._closing = self._closing or output
                case Speak() if self._waiting_bytes >= _ENOUGH_BYTES:
                    self._held.append(output)
                case job:
                    self._workers.start(self, job, self._report)
        self._arrange()
        self._changed.set()

    def _send(self, frame: bytes) -> None:
        if self._closing is not None:
            return
        self._frames.append(frame)
        self._waiting_bytes += len(frame)
        if self._waiting_bytes > self._most_bytes:
            self._frames.clear()
            self._waiting_bytes = 0
            self._closing = Close(1008, "Too many events wait to be read.")

    def _arrange(self) -> None:
        """Sees to it that the engine is called again when it wants to be."""
        deadline = self.engine.deadline
        if self._timer is None or deadline != self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = deadline
            delay = max(0.0, deadline - self._clock())
            self._timer = None if self._closing else self._loop.call_later(delay, self._tick)
        if self.engine.hungry and self._pumping is None:
            # A breath between slices lets the other connections have their turn.
            self._pumping = self._loop.call_soon(self._pump)
        if self.engine.waiting_bytes > _MOST_INPUT_BYTES:
            self._room.clear()
        else:
            self._room.set()
