"""A stream to a device that is kept alive: opened off the loop, watched, opened again."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from tui_voice.audio.devices import choose_device, drivers
from tui_voice.audio.driver import Device, DeviceHandle, Direction, Driver
from tui_voice.errors import DeviceError

T = TypeVar("T")
Start = Callable[[Driver, Device | None, Callable[[], None]], DeviceHandle]

DIRECTION_NAMES: dict[Direction, str] = {"input": "microphone", "output": "loudspeaker"}
OPEN_TIMEOUT_S = 8.0
"""Seconds a sound server may take to answer before we go on without it."""
_CHECK_INTERVAL_S = 0.5
_WAKE_TIMEOUT_S = 5.0  # measured on a sleeping source: 2 s until the first frame
_SILENCE_TIMEOUT_S = 1.5
_RETRY_DELAYS_S = (0.1, 0.5, 1.0, 2.0, 5.0)  # seconds; the last one repeats


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """A device went away (`back` False), or sound flows again, maybe through another."""

    direction: Direction
    back: bool
    message: str


class DeviceStream:
    """One direction of sound. `note_callback` is called by the device's thread at every callback."""

    def __init__(
        self,
        direction: Direction,
        start: Start,
        on_change: Callable[[DeviceChange], None] | None = None,
    ) -> None:
        self.direction = direction
        self.name = ""
        self.driver = ""
        self.latency_ms = 0.0
        self.on_change = on_change
        self._start = start
        self._wanted_device: str | None = None
        self._drivers: list[Driver] | None = None
        self._handle: DeviceHandle | None = None
        self._opened = self._last_callback = 0.0
        self._missed = 0
        self._resting = False
        self._first_callback = asyncio.Event()
        self._check_timer: asyncio.TimerHandle | None = None
        self._reopening: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    def note_callback(self) -> None:
        first = self._last_callback < self._opened
        self._last_callback = time.monotonic()
        if first:
            self._on_loop(self._first_callback.set)

    async def open(self, wanted: str | None = None, driver: Driver | None = None) -> None:
        """Open the device that `wanted` means (None: the default); DeviceError when none does."""
        self._wanted_device = wanted
        self._drivers = [driver] if driver else None
        await self._connect(wanted)
        self._check()

    @property
    def resting(self) -> bool:
        return self._resting

    def rest(self) -> None:
        """Stop the callbacks until `wake`: on the loop, and done a moment later."""
        if self._handle is not None and self._check_timer is not None and not self._resting:
            self._resting = True
            self._check_timer.cancel()
            self._check_timer = None
            off_loop(self._handle.rest)

    def wake(self) -> None:
        """Let them come again; a device that does not is lost, as if it had been pulled out."""
        if self._handle is not None and self._resting:
            self._resting = False
            self._opened, self._missed = time.monotonic(), 0
            off_loop(self._handle.wake).add_done_callback(self._woken)

    def _woken(self, waking: "asyncio.Future[None]") -> None:
        failed = not waking.cancelled() and waking.exception() is not None
        if self._handle is None or self._resting:
            return
        if failed:
            self._lost()
        else:
            self._check()

    async def close(self) -> None:
        if self._reopening is not None:
            self._reopening.cancel()
            with suppress(asyncio.CancelledError):
                await self._reopening
        await self._drop()

    async def _connect(self, wanted: str | None) -> None:
        self._opened, self._missed = time.monotonic(), 0
        self._first_callback.clear()
        opening = off_loop(partial(self._try_drivers, wanted))
        try:
            handle, self.driver = await asyncio.wait_for(asyncio.shield(opening), OPEN_TIMEOUT_S)
        except (TimeoutError, asyncio.CancelledError) as error:
            opening.add_done_callback(_close_late)
            if isinstance(error, asyncio.CancelledError):
                raise
            raise DeviceError(
                f"The {DIRECTION_NAMES[self.direction]} does not answer.",
                "Restart the sound server.",
            ) from error
        self._handle, self.name, self.latency_ms = handle, handle.name, handle.latency_ms

    def _try_drivers(self, wanted: str | None) -> tuple[DeviceHandle, str]:
        failure = DeviceError(
            f"No {DIRECTION_NAMES[self.direction]} found.", "`tui-voice doctor` tells more."
        )
        for driver in drivers() if self._drivers is None else self._drivers:
            try:
                device = choose_device(driver.devices(), self.direction, wanted)
                if device is not None:
                    return self._start(driver, device, self._stopped), driver.name
            except DeviceError as error:
                failure = error
        raise failure

    async def _drop(self) -> None:
        if self._check_timer is not None:
            self._check_timer.cancel()
            self._check_timer = None
        self._resting = False
        handle, self._handle = self._handle, None
        if handle is not None:
            await off_loop(handle.close)

    def _stopped(self) -> None:
        """From the library's thread; also called for streams that we closed ourselves."""
        self._on_loop(self._suspect)

    def _on_loop(self, job: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has gone before the device did
            self._loop.call_soon_threadsafe(job)

    def _suspect(self) -> None:
        # A new stream may have been opened since, or this one only rests or has been woken: only
        # its callbacks decide whether sound has ended.
        self._missed = 1

    def _check(self) -> None:
        silent_for = time.monotonic() - max(self._last_callback, self._opened)
        # A device that wakes up may take a few blocks at once and then none for two seconds.
        awake = self._last_callback > self._opened + _WAKE_TIMEOUT_S
        if silent_for > (_SILENCE_TIMEOUT_S if awake else _WAKE_TIMEOUT_S):
            self._missed += 1
        elif silent_for < _CHECK_INTERVAL_S / 2:
            self._missed = 0
        # Twice, because a process that was stopped and goes on looks silent the first time.
        if self._missed >= 2 or (self._missed and silent_for > _CHECK_INTERVAL_S):
            self._lost()
        else:
            self._check_timer = self._loop.call_later(_CHECK_INTERVAL_S, self._check)

    def _lost(self) -> None:
        self._report(False, f"The {DIRECTION_NAMES[self.direction]} is gone ({self.name}).")
        self._reopening = self._loop.create_task(self._reopen())

    async def _reopen(self) -> None:
        await self._drop()
        attempt = 0
        while True:
            await asyncio.sleep(_RETRY_DELAYS_S[min(attempt, len(_RETRY_DELAYS_S) - 1)])
            attempt += 1
            for wanted in dict.fromkeys((self._wanted_device, None)):
                if await self._open_and_verify(wanted):
                    self._report(
                        True, f"The {DIRECTION_NAMES[self.direction]} is back ({self.name})."
                    )
                    self._check()
                    return

    async def _open_and_verify(self, wanted: str | None) -> bool:
        """Opened, and its callbacks come: a dying sound server still lets itself be opened."""
        try:
            await self._connect(wanted)
        except DeviceError:
            return False
        try:
            await asyncio.wait_for(self._first_callback.wait(), _WAKE_TIMEOUT_S)
        except TimeoutError:
            await self._drop()
            return False
        return True

    def _report(self, back: bool, message: str) -> None:
        if self.on_change is not None:
            self.on_change(DeviceChange(self.direction, back, message))


_jobs: "queue.SimpleQueue[tuple[Future[object], Callable[[], object]]]" = queue.SimpleQueue()
_worker: threading.Thread | None = None


def off_loop(job: Callable[[], T]) -> "asyncio.Future[T]":
    """Run `job` on the one thread that opens and closes devices.

    One, because PortAudio's open and close may not overlap and Windows ties its sound objects to
    a thread; a daemon, because a sound server that hangs must not keep the program from ending.
    """
    global _worker
    if _worker is None or not _worker.is_alive():
        _worker = threading.Thread(target=_work, name="sound devices", daemon=True)
        _worker.start()
    future: Future[T] = Future()
    _jobs.put((future, job))  # type: ignore[arg-type]  # a Future[T] is put as Future[object]
    return asyncio.wrap_future(future)


def _work() -> None:
    while True:
        future, job = _jobs.get()
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(job())
        except BaseException as error:  # noqa: BLE001  # handed to whoever awaits the future
            future.set_exception(error)


def _close_late(opening: "asyncio.Future[tuple[DeviceHandle, str]]") -> None:
    """The device answered after we had stopped waiting."""
    if not opening.cancelled() and opening.exception() is None:
        handle, _ = opening.result()
        handle.close()
