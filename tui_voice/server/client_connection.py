"""One client connection: frames in, frames out, jobs in worker threads, and limits on all of it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from tui_voice.realtime.wire import WireError, decode_client, encode
from tui_voice.realtime.wire.client import ClientEvent
from tui_voice.realtime.wire.server import ServerMessage
from tui_voice.server.jobs import CloseSocket, EnginesUnavailable, JobResult, SpeakJob
from tui_voice.server.limits import SessionLimits
from tui_voice.server.output_queue import Output
from tui_voice.server.protocol import ServerProtocol
from tui_voice.server.workers import EngineWorkers

_PAUSE_SPEECH_BYTES = 2**20
"""Unsent bytes beyond which no more speech is synthesised, because the client reads slowly."""
MAX_UNSENT_BYTES = 32 * 2**20
"""Unsent bytes beyond which the connection is closed, because the client does not read."""
_MAX_PENDING_INPUT_BYTES = 32 * 2**20
"""Unprocessed input audio beyond which no more frames are read."""


class ClientConnection:
    """Runs a `ServerProtocol` on an event loop; use it on the loop's thread only.

    `next_frame` returns the frames to send, and None when the connection is to be closed with
    `close_code` and `close_reason`.
    """

    def __init__(
        self,
        workers: EngineWorkers,
        model: str,
        limits: SessionLimits | None = None,
        transcription_only: bool = False,
        max_unsent_bytes: int = MAX_UNSENT_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workers, self._clock = workers, clock
        self._loop = asyncio.get_running_loop()
        self._protocol = ServerProtocol(
            model,
            workers.engines.count_tokens,
            clock(),
            time.time(),
            limits,
            transcription_only=transcription_only,
        )
        self._frames: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._max_unsent_bytes = max_unsent_bytes
        self._held_jobs: deque[SpeakJob] = deque()
        self._changed = asyncio.Event()
        self._may_receive = asyncio.Event()
        self._may_receive.set()
        self.overflowed = asyncio.Event()
        """Set when the connection is to be closed because the client does not read."""
        self._close: CloseSocket | None = None
        self._is_ended = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_deadline = 0.0
        self._next_step: asyncio.Handle | None = None
        self._run(self._protocol.tick)

    def prepare_engines(self) -> None:
        """Gets a speech detector and the list of voices; until then most events wait."""
        self._workers.prepare(self, self._report)

    async def receive(self, frame: bytes | str) -> None:
        """Handles a text frame; waits first while too much input audio is unprocessed."""
        try:
            event: ClientEvent | WireError = decode_client(frame)
        except WireError as error:
            event = error
        await self._handle(event, len(frame))

    async def refuse_binary_frame(self) -> None:
        """Sends an `error`: events are text frames."""
        await self._handle(WireError("invalid_event", "Binary frames are not events: send text."))

    async def _handle(self, event: ClientEvent | WireError, frame_bytes: int = 0) -> None:
        await self._may_receive.wait()
        self._run(lambda now: self._protocol.receive(event, now, frame_bytes))
        # Many frames may wait already. Without a break in between, only this client is served.
        await asyncio.sleep(0)

    async def next_frame(self) -> bytes | None:
        """Waits for the next frame to send; returns None when the connection is to be closed."""
        while not self._frames:
            if self._close is not None or self._is_ended:
                return None
            await self.changed()
        frame = self._frames.popleft()
        self._unsent_bytes -= len(frame)
        while self._held_jobs and self._unsent_bytes < _PAUSE_SPEECH_BYTES:
            self._workers.start(self, self._held_jobs.popleft(), self._report)
        return frame

    @property
    def unsent_bytes(self) -> int:
        """Size of the frames that wait to be sent."""
        return self._unsent_bytes

    @property
    def held_jobs(self) -> int:
        """Number of clauses that are not synthesised yet, because the client reads slowly."""
        return len(self._held_jobs)

    async def changed(self) -> None:
        """Waits until there are new outputs, or the connection is to be closed."""
        self._changed.clear()
        await self._changed.wait()

    @property
    def close_code(self) -> int:
        return self._close.code if self._close else 1000

    @property
    def close_reason(self) -> str:
        return self._close.reason if self._close else ""

    def fail(self, message: str) -> None:
        """The engines could not be loaded: sends an `error` and closes the connection."""
        self._handle_result(EnginesUnavailable(message))

    def end(self) -> None:
        """The client has disconnected: stops all work for it."""
        self._is_ended = True
        self._protocol.stop_jobs()
        self._workers.forget(self)
        self._held_jobs.clear()
        self._frames.clear()
        for handle in (self._timer, self._next_step):
            if handle is not None:
                handle.cancel()
        self._may_receive.set()
        self._changed.set()

    def _report(self, result: JobResult) -> None:
        """Takes a result from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._handle_result, result)
        except RuntimeError:  # the loop is closed, and so is the connection
            return

    def _handle_result(self, result: JobResult) -> None:
        self._run(lambda now: self._protocol.job_result(result, now))

    def _process_next(self) -> None:
        self._next_step = None
        self._run(self._protocol.process_next)

    def _tick(self) -> None:
        self._timer = None
        self._run(self._protocol.tick)

    def _run(self, step: Callable[[float], list[Output]]) -> None:
        """Makes one call of the protocol and carries out its outputs.

        A bug in the protocol closes this connection, is raised, and leaves other connections alone.
        """
        if self._is_ended or self._close is not None:
            return
        try:
            self._carry_out(step(self._clock()))
        except BaseException:
            self._close = CloseSocket(1011, "The server has an internal error.")
            self._changed.set()
            raise

    def _carry_out(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case ServerMessage():
                    self._send(encode(output))
                case CloseSocket():
                    self._close = output
                case SpeakJob() if self._unsent_bytes >= _PAUSE_SPEECH_BYTES:
                    self._held_jobs.append(output)
                case job:
                    self._workers.start(self, job, self._report)
        self._schedule()
        self._changed.set()

    def _send(self, frame: bytes) -> None:
        if self._close is not None:
            return
        self._frames.append(frame)
        self._unsent_bytes += len(frame)
        if self._unsent_bytes > self._max_unsent_bytes:
            self._frames.clear()
            self._unsent_bytes = 0
            self.overflowed.set()
            self._close = CloseSocket(1008, "Too many events wait to be read.")

    def _schedule(self) -> None:
        """Schedules the next calls of the protocol; stops reading while too much is unprocessed."""
        deadline = self._protocol.deadline
        if self._timer is None or deadline != self._timer_deadline:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_deadline = deadline
            delay = max(0.0, deadline - self._clock())
            self._timer = None if self._close else self._loop.call_later(delay, self._tick)
        if self._protocol.has_pending_work and self._next_step is None:
            # One slice at a time, so that the loop serves the other connections in between.
            self._next_step = self._loop.call_soon(self._process_next)
        if self._protocol.pending_bytes > _MAX_PENDING_INPUT_BYTES:
            self._may_receive.clear()
        else:
            self._may_receive.set()
