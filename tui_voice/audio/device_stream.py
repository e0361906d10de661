"""One audio stream that is opened outside the event loop, monitored, and reopened after a loss.

It uses the device that the user named while that one is there, and else the system's default: it
follows both while it runs. A new device is opened before the old one is closed, so that no sound
is lost between them.
"""

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

from tui_voice.audio.devices import DEVICE_NOUNS, choose_device, open_first
from tui_voice.audio.driver import Device, DeviceHandle, Direction, Driver
from tui_voice.audio.pulse_server import DeviceWatch
from tui_voice.audio.sink_ports import PortChange
from tui_voice.errors import DeviceError

T = TypeVar("T")
Start = Callable[[Driver, Device | None, Callable[[], None], int], DeviceHandle]
"""Opens a device: driver, device, what to call when its stream ends, number of the stream."""

OPEN_TIMEOUT_S = 8.0
"""Seconds to wait for the sound server before the session continues without the device."""
LOOK_INTERVAL_S = 2.0
"""Least seconds between two looks at the devices of the system that no change has caused."""
LONGEST_LOOK_INTERVAL_S = 8.0
LOOK_SHARE = 0.005
"""Share of the time, 0–1, that looking may take. A look takes 2 ms with a sound server, and 40 ms
on a machine without one."""
_CHECK_INTERVAL_S = 0.5
_WAKE_TIMEOUT_S = 5.0  # a suspended source took 2 s until its first frame
_SILENCE_TIMEOUT_S = 1.5
_RETRY_DELAYS_S = (0.1, 0.5, 1.0, 2.0, 5.0)  # seconds; the last one repeats

_USE: dict[Direction, str] = {"input": "it listens on {}", "output": "replies play on {}"}
_NONE_LEFT: dict[Direction, str] = {
    "input": "type instead",
    "output": "replies are shown, not heard",
}


@dataclass(frozen=True, slots=True)
class DeviceChange:
    """A device was lost (`back` False), or a stream runs, perhaps on another device.

    `name`: the device in use now; "" without one. `same`: it is the device that was lost. `final`:
    there is no other device, until one is plugged in.
    """

    direction: Direction
    back: bool
    message: str
    name: str = ""
    same: bool = False
    final: bool = False


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
        self._noun = DEVICE_NOUNS[direction]
        self._start = start
        self._wanted: str | None = None
        self._drivers: list[Driver] | None = None
        self._handle: DeviceHandle | None = None
        self._driver: Driver | None = None
        self._device: Device | None = None
        self._number = self._expected = 0  # of the stream in use, and of the newest one
        self._opened = self._last_callback = 0.0
        self._missed = 0
        self._resting = False
        self._first_callback = asyncio.Event()
        self._check_timer: asyncio.TimerHandle | None = None
        self._reopening: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._look_now = asyncio.Event()
        self._watch = DeviceWatch(
            lambda: self._on_loop(self._look_now.set),
            (lambda change: self._on_loop(partial(self._port_changed, change)))
            if direction == "output"
            else None,
        )
        self._refused: tuple[object, ...] = ()  # a device that did not open, and those there were
        self._changing = asyncio.Lock()
        self._loop = asyncio.get_running_loop()

    def note_callback(self, number: int) -> bool:
        """Notes that the callback of a stream ran, which shows that the stream is alive.

        Returns whether the stream is the one in use. Another one takes over at its first callback,
        so that sound neither is captured twice nor missed.
        """
        if number != self._number:
            if number != self._expected:
                return False
            self._number = number
            self._on_loop(self._first_callback.set)
        self._last_callback = time.monotonic()
        return True

    @property
    def available(self) -> bool:
        """Whether there is a device."""
        return self._handle is not None and (self._reopening is None or self._reopening.done())

    async def open(self, wanted: str | None = None, driver: Driver | None = None) -> None:
        """Opens the device that `wanted` names (None: the default). Raises DeviceError; the first
        device that appears later is used then."""
        self._wanted = wanted
        self._drivers = [driver] if driver else None
        if self._looking is None:
            self._looking = self._loop.create_task(self._look_for_changes())
        async with self._changing:
            await self._connect(wanted)
        self._check()

    async def use_meanwhile(self) -> None:
        """Opens the default device after `open` failed, until the named device is there.

        Raises DeviceError.
        """
        async with self._changing:
            await self._connect(None)
        self._check()

    async def choose(self, wanted: str | None) -> None:
        """Uses another device from now on (None: the default). Raises DeviceError, and then the
        device so far stays in use."""
        async with self._changing:
            if self._handle is None:
                await self._connect(wanted)
                self._check()
            else:
                await self._switch(wanted)
            self._wanted = wanted
        self._report(True, f"{self._use(self.name)}.")

    @property
    def resting(self) -> bool:
        return self._resting

    def rest(self) -> None:
        """Stops the callbacks until `wake`; the device stops a moment later."""
        if self._handle is not None and self._check_timer is not None and not self._resting:
            self._resting = True
            self._stop_checking()
            off_loop(self._handle.rest)

    def wake(self) -> None:
        """Restarts the callbacks. A device that does not restart counts as lost."""
        if self._handle is not None and self._resting:
            self._resting = False
            self._opened, self._missed = time.monotonic(), 0
            off_loop(self._handle.wake).add_done_callback(self._woken)

    def flush(self) -> None:
        """Lets the device drop what it has not played yet, where it holds more than some blocks."""
        if self._handle is not None:
            self._handle.flush()

    def _woken(self, waking: "asyncio.Future[None]") -> None:
        failed = not waking.cancelled() and waking.exception() is not None
        if self._handle is None or self._resting:
            return
        if failed:
            self._lost()
        else:
            self._check()

    async def close(self) -> None:
        self._watch.stop()
        for task in (self._looking, self._reopening):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        await self._drop()

    # ── opening ─────────────────────────────────────────────────────────────────────────────

    async def _connect(self, wanted: str | None) -> None:
        """Opens a device; `_handle` is it afterwards. Raises DeviceError."""
        self._opened, self._missed = time.monotonic(), 0
        self._first_callback.clear()
        self._expected += 1
        opening = off_loop(partial(self._try_drivers, wanted, self._expected))
        try:
            opened = await asyncio.wait_for(asyncio.shield(opening), OPEN_TIMEOUT_S)
        except (TimeoutError, asyncio.CancelledError) as error:
            opening.add_done_callback(_close_late)
            if isinstance(error, asyncio.CancelledError):
                raise
            raise DeviceError(
                f"The {self._noun} does not answer.", "Restart the sound server."
            ) from error
        self._handle, self._driver, self._device = opened
        self.name = self._handle.name

    def _try_drivers(self, wanted: str | None, number: int) -> tuple[DeviceHandle, Driver, Device]:
        def start(driver: Driver, device: Device) -> tuple[DeviceHandle, Driver, Device]:
            return self._start(driver, device, self._stopped, number), driver, device

        return open_first(self.direction, wanted, start, self._drivers)

    async def _switch(self, wanted: str | None) -> None:
        """Opens a device while the one in use runs, which is closed once the new one works.

        Raises DeviceError where it does not.
        """
        before = self._handle, self._driver, self._device, self.name
        assert before[0] is not None
        rested, self._resting = self._resting, False
        self._stop_checking()
        try:
            if not await self._open_and_verify(wanted):
                raise DeviceError(f"{self.name} does not start.", "Is another program using it?")
        except DeviceError:
            self._expected = self._number
            self._handle, self._driver, self._device, self.name = before
            self._resting = rested
            if not rested:
                self._check()
            raise
        await off_loop(before[0].close)
        self._check()

    async def _open_and_verify(self, wanted: str | None) -> bool:
        """Opens a device, and returns whether its callbacks come: a sound server that is about to
        end still accepts a new stream. Raises DeviceError where it does not open."""
        await self._connect(wanted)
        try:
            await asyncio.wait_for(self._first_callback.wait(), _WAKE_TIMEOUT_S)
        except TimeoutError:
            handle, self._handle = self._handle, None
            if handle is not None:
                await off_loop(handle.close)
            return False
        return True

    async def _drop(self) -> None:
        self._stop_checking()
        self._resting = False
        handle, self._handle = self._handle, None
        if handle is not None:
            await off_loop(handle.close)

    # ── the devices of the system ───────────────────────────────────────────────────────────

    async def _look_for_changes(self) -> None:
        """Follows the devices as they come, go, and become the system's default."""
        took_s = 0.0
        while True:
            wait_s = max(LOOK_INTERVAL_S, took_s / LOOK_SHARE)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(LONGEST_LOOK_INTERVAL_S, wait_s)):
                    await self._look_now.wait()
            self._look_now.clear()
            self._watch.keep_on()
            if self._reopening is not None and not self._reopening.done():
                continue
            if self._changing.locked():
                continue
            async with self._changing:
                began = time.monotonic()
                if self._handle is None:
                    if await self._open_any():
                        self._report(True, f"{self._use(self.name)}.")
                        self._check()
                else:
                    await self._follow()
                took_s = time.monotonic() - began

    async def _follow(self) -> None:
        """Changes to the named device that is back, or to the new default device."""
        assert self._driver is not None
        found = await off_loop(self._driver.devices)
        if self._handle is None or not found:
            return
        able = [device for device in found if device.channels(self.direction)]
        is_there = any(device.id == self._device_id for device in able)
        if not is_there or (self._moved() and await off_loop(self._captures_monitor)):
            self._lost()
            return
        target, is_named = self._preferred(able)
        seen = (target, *able)
        if target is None or target.id == self._device_id or seen == self._refused:
            return
        try:
            await self._switch(target.id)
        except DeviceError:
            self._refused = seen
            return
        again = "is back" if is_named else "is the system's default now"
        self._report(True, f"The {self._noun} {self.name} {again}: {self._uses('it')}.")

    def _preferred(self, devices: list[Device]) -> tuple[Device | None, bool]:
        """Returns the device to use, and whether the user named it."""
        if self._wanted is not None:
            with suppress(DeviceError):
                return choose_device(devices, self.direction, self._wanted), True
        return choose_device(devices, self.direction, None), False

    @property
    def _device_id(self) -> str:
        return self._device.id if self._device is not None else ""

    def _moved(self) -> bool:
        """Whether the sound server may have moved the stream to another device unnoticed."""
        is_input = self.direction == "input" and self._device is not None
        moves = self._driver is not None and self._driver.name == "sounddevice"
        return is_input and moves and self._device is not None and not self._device.monitor

    @staticmethod
    def _captures_monitor() -> bool:
        from tui_voice.audio.pulse_server import captures_monitor_now

        return captures_monitor_now()

    def _use(self, name: str) -> str:
        text = self._uses(name)
        return text[0].upper() + text[1:]

    def _uses(self, name: str) -> str:
        return _USE[self.direction].format(name)

    def _port_changed(self, change: PortChange) -> None:
        """The device plays through another of its ports; its stream goes on."""
        if not self.available:
            return
        if change.back:
            again = f"The {self._noun} {change.now} is back: {self._uses('it')}."
            self._report(True, again, same=True)
        else:
            self._report(False, f"The {self._noun} {change.lost} is gone.")
            self._report(True, f"Replies now play on {change.now}.")

    # ── losing the device ───────────────────────────────────────────────────────────────────

    def _stopped(self) -> None:
        """Called on the library's thread, also for streams that this object closed itself."""
        self._on_loop(self._suspect)

    def _on_loop(self, job: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop was closed before the device
            self._loop.call_soon_threadsafe(job)

    def _suspect(self) -> None:
        # A new stream may have been opened since, or this one is stopped or restarted on purpose:
        # only missing callbacks decide that the stream has ended.
        self._missed = 1

    def _stop_checking(self) -> None:
        if self._check_timer is not None:
            self._check_timer.cancel()
            self._check_timer = None

    def _check(self) -> None:
        self._stop_checking()
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
        self._stop_checking()
        lost, self.name = self.name, ""
        self._reopening = self._loop.create_task(self._reopen(lost))
        self._report(False, f"The {self._noun} {lost} is gone.")

    async def _reopen(self, lost: str) -> None:
        await self._drop()
        attempt = 0
        while True:
            await asyncio.sleep(_RETRY_DELAYS_S[min(attempt, len(_RETRY_DELAYS_S) - 1)])
            attempt += 1
            async with self._changing:
                found = await self._open_any()
            if found:
                break
            if attempt == 2:
                none = f"and there is no other: {_NONE_LEFT[self.direction]}"
                self._report(False, f"The {self._noun} {lost} is gone, {none}.", final=True)
        self._reopening = None
        gone = "is back" if self.name == lost else "is gone"
        use = "" if self.name == lost else f": {self._uses(self.name)}"
        self._report(True, f"The {self._noun} {lost} {gone}{use}.", same=self.name == lost)
        self._check()

    async def _open_any(self) -> bool:
        """Opens the device that the user named, else the default one; returns whether it runs."""
        for wanted in dict.fromkeys((self._wanted, None)):
            with suppress(DeviceError):
                if await self._open_and_verify(wanted):
                    return True
        return False

    def _report(self, back: bool, message: str, *, same: bool = False, final: bool = False) -> None:
        if self.on_change is not None:
            self.on_change(DeviceChange(self.direction, back, message, self.name, same, final))


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


async def until_off_loop_is_idle(longest_s: float = 2.0) -> None:
    """Waits until the thread that opens devices has done its jobs, at most so many seconds: what
    its libraries print must not come after standard error was restored."""
    if _worker is not None and _worker.is_alive():
        with suppress(TimeoutError):
            await asyncio.wait_for(off_loop(lambda: None), longest_s)


def _work() -> None:
    while True:
        future, job = _jobs.get()
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(job())
        except BaseException as error:  # noqa: BLE001  # raised where the future is awaited
            future.set_exception(error)


def _close_late(opening: "asyncio.Future[tuple[DeviceHandle, Driver, Device]]") -> None:
    """Closes a device that answered after the timeout."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].close()
