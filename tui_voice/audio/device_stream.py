"""One audio stream that is opened outside the event loop, monitored, and reopened after a loss."""

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
"""Seconds to wait for the sound server before the session continues without the device."""
_CHECK_INTERVAL_S = 0.5
_WAKE_TIMEOUT_S = 5.0  # a suspended source took 2 s until its first frame
_SILENCE_TIMEOUT_S = 1.5
_RETRY_DELAYS_S = (0.1, 0.5, 1.0, 2.0, 5.0)  # seconds; the last one repeats


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """A device was lost (`back` False), or a stream runs again, perhaps on another device."""

    direction: Direction
    back: bool
    message: str


class DeviceStream:
    """One direction of sound. The device's thread calls `note_callback` at every callback."""

    def __init__(
        self,
        direction: Direction,
        start: Start,
        on_change: Callable[[DeviceChange], None] | None = None,
    ) -> None:
        self.direction = direction
        self.name = ""
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
        """Notes that the device's callback ran, which shows that the stream is alive."""
        first = self._last_callback < self._opened
        self._last_callback = time.monotonic()
        if first:
            self._on_loop(self._first_callback.set)

    async def open(self, wanted: str | None = None, driver: Driver | None = None) -> None:
        """Opens the device that `wanted` names (None: the default). Raises DeviceError."""
        self._wanted_device = wanted
        self._drivers = [driver] if driver else None
        await self._connect(wanted)
        self._check()

    @property
    def resting(self) -> bool:
        return self._resting

    def rest(self) -> None:
        """Stops the callbacks until `wake`; the device stops a moment later."""
        if self._handle is not None and self._check_timer is not None and not self._resting:
            self._resting = True
            self._check_timer.cancel()
            self._check_timer = None
            off_loop(self._handle.rest)

    def wake(self) -> None:
        """Restarts the callbacks. A device that does not restart counts as lost."""
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
            handle = await asyncio.wait_for(asyncio.shield(opening), OPEN_TIMEOUT_S)
        except (TimeoutError, asyncio.CancelledError) as error:
            opening.add_done_callback(_close_late)
            if isinstance(error, asyncio.CancelledError):
                raise
            raise DeviceError(
                f"The {DIRECTION_NAMES[self.direction]} does not answer.",
                "Restart the sound server.",
            ) from error
        self._handle, self.name = handle, handle.name

    def _try_drivers(self, wanted: str | None) -> DeviceHandle:
        failure = DeviceError(
            f"No {DIRECTION_NAMES[self.direction]} found.", "`tui-voice doctor` tells more."
        )
        for driver in drivers() if self._drivers is None else self._drivers:
            try:
                device = choose_device(driver.devices(), self.direction, wanted)
                if device is not None:
                    return self._start(driver, device, self._stopped)
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
        """Called on the library's thread, also for streams that this object closed itself."""
        self._on_loop(self._suspect)

    def _on_loop(self, job: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop was closed before the device
            self._loop.call_soon_threadsafe(job)

    def _suspect(self) -> None:
        # A new stream may have been opened since, or this one is stopped or restarted on purpose:
        # only missing callbacks decide that the stream has ended.
        self._missed = 1

    def _check(self) -> None:
        silent_for = time.monotonic() - max(self._last_callback, self._opened)
        # A device that starts may take a few blocks at once and then none for two seconds.
        awake = self._last_callback > self._opened + _WAKE_TIMEOUT_S
        if silent_for > (_SILENCE_TIMEOUT_S if awake else _WAKE_TIMEOUT_S):
            self._missed += 1
        elif silent_for < _CHECK_INTERVAL_S / 2:
            self._missed = 0
        # Two checks, because a process that was suspended misses callbacks at the first check.
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
        """Returns whether the stream opens and its callbacks come: a sound server that is about to
        end still accepts a new stream."""
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
    """Runs `job` on the one thread that opens and closes devices.

    There is one thread, because PortAudio's open and close must not overlap and Windows binds its
    sound objects to a thread. It is a daemon, so that a sound server that does not answer cannot
    keep the program from ending.
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
        except BaseException as error:  # noqa: BLE001  # raised where the future is awaited
            future.set_exception(error)


def _close_late(opening: "asyncio.Future[DeviceHandle]") -> None:
    """Closes a device that answered after the timeout."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
