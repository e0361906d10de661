"""Capture: passes frames from the device's thread to the event loop without blocking the device."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from time import monotonic

from tui_voice.audio.capture_clock import CaptureClock
from tui_voice.audio.capture_gate import AUDIBLE, PRE_ROLL_MS, CaptureGate, FrameQueue, Framer
from tui_voice.audio.device_stream import DeviceChange, DeviceStream
from tui_voice.audio.driver import Device, DeviceHandle, Driver
from tui_voice.audio.echo import EchoCanceller
from tui_voice.audio.pcm import FRAME_MS, level

_KEPT_MS = 10_000
"""Milliseconds of frames that wait for a blocked loop; beyond that the oldest are dropped."""


class Microphone(CaptureGate):
    """A microphone that delivers 20 ms frames on the loop on which it was created.

    `on_change` is called when the device is lost and when capture continues.
    """

    is_device = True

    def __init__(
        self,
        on_frame: Callable[[bytes], None],
        *,
        frame_ms: int = FRAME_MS,
        pre_roll_ms: int = PRE_ROLL_MS,
        echo: EchoCanceller | None = None,
        on_change: Callable[[DeviceChange], None] | None = None,
    ) -> None:
        if frame_ms % 10:
            raise ValueError(f"frames of {frame_ms} ms: AEC needs a multiple of 10 ms")
        super().__init__(on_frame, frame_ms=frame_ms, pre_roll_ms=pre_roll_ms)
        self._loop = asyncio.get_running_loop()
        self._echo = echo
        self._cleaning = Lock()
        self._framer = Framer(frame_ms)
        self._queue = FrameQueue(_KEPT_MS // frame_ms)
        self._stream = DeviceStream("input", self._start, on_change)

    async def open(self, device: str | None = None, driver: Driver | None = None) -> None:
        """Starts capture from the device of that id or name. Raises DeviceError."""
        await self._stream.open(device, driver)

    async def use_meanwhile(self) -> None:
        """Uses the default device until the named one is there. Raises DeviceError."""
        await self._stream.use_meanwhile()

    async def close(self) -> None:
        await self._stream.close()
        self._queue.drain()

    async def choose(self, device: str | None) -> None:
        """Captures from another device, by id or name; None: the default. Raises DeviceError."""
        await self._stream.choose(device)

    @property
    def name(self) -> str:
        return self._stream.name

    @property
    def available(self) -> bool:
        return self._stream.available

    @property
    def level(self) -> float:
        return super().level if self.is_open or self.muted else level(self._queue.newest)

    @property
    def dropped(self) -> int:
        return self._queue.dropped

    def gate(self, is_open: bool) -> None:
        if is_open:
            self._queue.kept = None
        super().gate(is_open)
        if not is_open:
            self._queue.kept = self._pre_roll.maxlen

    def _start(
        self, driver: Driver, device: Device | None, stopped: Callable[[], None], number: int
    ) -> DeviceHandle:
        clock = CaptureClock()

        def captured(pcm: bytes) -> None:
            """Called on the device's thread."""
            if self._stream.note_callback(number):
                self._captured(pcm, clock)

        return driver.open_input(device, captured, frame_ms=self.frame_ms, stopped=stopped)

    def _captured(self, pcm: bytes, clock: CaptureClock) -> None:
        with self._cleaning:
            for frame in self._framer.feed(pcm):
                late_ms = clock.late_ms(self.frame_ms, monotonic())
                is_closed = self._queue.kept is not None
                if is_closed and self.on_unsent is not None and level(frame) >= AUDIBLE:
                    self._on_loop(self._not_sent, frame)
                for ready in (frame,) if self._echo is None else self._echo.clean(frame, late_ms):
                    if self._queue.put(ready):
                        with suppress(RuntimeError):  # the loop was closed before the device
                            self._loop.call_soon_threadsafe(self._take)

    def _on_loop(self, job: Callable[[bytes], None], frame: bytes) -> None:
        with suppress(RuntimeError):  # the loop was closed before the device
            self._loop.call_soon_threadsafe(job, frame)

    def _not_sent(self, frame: bytes) -> None:
        if self.on_unsent is not None:
            self.on_unsent(frame, self.muted)

    def _deliver_pending(self) -> None:
        # The echo canceller delays frames while a reply plays: they were captured before now.
        with self._cleaning:
            for frame in self._echo.release() if self._echo is not None else ():
                self._queue.put(frame)
        self._take()

    def _take(self) -> None:
        for frame in self._queue.drain():
            self.accept(frame)
