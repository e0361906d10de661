"""Playback: sends the sound of items to a device and reports how much of it was played."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import numpy as np

from tui_voice.audio.device_stream import DeviceChange, DeviceStream
from tui_voice.audio.driver import Device, DeviceHandle, Driver
from tui_voice.audio.echo import EchoCanceller
from tui_voice.audio.in_flight import BlocksInFlight
from tui_voice.audio.pcm import RATE, SAMPLES_PER_MS, WIDTH, level, samples
from tui_voice.audio.playback import Playback, PlayedBlock
from tui_voice.audio.playback_history import PlaybackHistory
from tui_voice.audio.similarity import is_echo
from tui_voice.errors import DeviceError

_RESTS_AFTER = 10 * RATE
"""Samples of silence (10 s) after which the device may stop: 100 callbacks a second cost 2 % of a
core."""


class BaseSpeaker:
    """Base of `Speaker`, which has a device, and `NullSpeaker`, which has a clock.

    All methods and both callbacks run on the loop. `on_started(item_id)` is called at an item's
    first sample, `on_finished(item_id, played_ms)` once the device took its last one; an
    interrupted item never finishes.
    """

    def __init__(
        self,
        on_started: Callable[[str], None] | None = None,
        on_finished: Callable[[str, int], None] | None = None,
    ) -> None:
        self.on_started = on_started
        self.on_finished = on_finished
        self.on_played: Callable[[bytes], None] | None = None
        """Gets what is played, without the silence after it; called on the device's thread."""
        self._playback = Playback()
        self.may_rest = False
        """Whether the device may stop in a long silence; `wake`, or a reply, restarts it."""

    @property
    def name(self) -> str:
        """Name of the device in use; "" without one."""
        return ""

    @property
    def available(self) -> bool:
        """Whether something plays what is written: a device, or a clock in its place."""
        return True

    async def choose(self, device: str | None) -> None:
        """Plays on another device, by id or name; None: the default. Raises DeviceError."""
        del device
        raise DeviceError("This session uses no sound devices.", "Start it without --text.")

    def plays(self, captured: bytes) -> bool:
        """Returns whether captured sound (s16le, at least 60 ms) is an echo of what is played."""
        del captured
        return False

    def has_echo(self) -> bool:
        """Returns whether a microphone has captured what this device played."""
        return False

    @property
    def waiting_ms(self) -> int:
        """Milliseconds that wait to be played."""
        return self._playback.waiting_ms

    @property
    def paused(self) -> bool:
        return self._playback.paused

    def pause(self, paused: bool) -> None:
        """Stops within one block and keeps what waits, or goes on from where it stopped."""
        self._playback.paused = paused

    @property
    def playing(self) -> bool:
        """Whether sound waits to be played."""
        return not self._playback.idle

    def write(self, item_id: str, pcm: bytes) -> bool:
        """Queues s16le at 24 kHz. Returns False if the item was interrupted."""
        return self._playback.write(item_id, pcm)

    def cue(self, pcm: bytes) -> None:
        """Plays a short sound (s16le at 24 kHz) beside the items; one replaces another."""

    def finish(self, item_id: str) -> None:
        """Marks an item as complete: no more sound will be written."""
        self._playback.finish(item_id)

    def interrupt(self) -> tuple[str, int] | None:
        """Stops within one block; returns `(item_id, played_ms)` of the current item, or None.

        `played_ms` counts what the device took and will still play: what the user hears of the
        item, for `conversation.item.truncate`. This item and all waiting ones refuse sound that
        still arrives; items not yet known do not.
        """
        return self._playback.interrupt()

    def resume(self, item_id: str) -> bool:
        """Plays the rest of the item that `interrupt` stopped last; False where none is left."""
        return self._playback.resume(item_id)

    def played_ms(self, item_id: str) -> int:
        """Milliseconds of an item that the device took; its buffer may still hold some."""
        return self._playback.played_ms(item_id)

    @property
    def level(self) -> float:
        """Loudness of the current block, 0.0 to 1.0."""
        return self._playback.level

    @property
    def volume(self) -> float:
        return self._playback.volume

    @volume.setter
    def volume(self, volume: float) -> None:
        """Sets the gain: 1.0 as received, 0.0 silence; above 1.0 loud passages clip."""
        self._playback.volume = max(0.0, volume)

    def wake(self) -> None:
        """Starts a stopped device early, because a reply is expected."""

    async def close(self) -> None:
        """Stops; waiting sound is dropped."""

    def _took(self, block: PlayedBlock) -> None:
        """Reports the items that started and finished in a block. Called on the loop."""
        for item_id in block.started:
            if self.on_started is not None:
                self.on_started(item_id)
        for item_id, played_ms in block.finished:
            if self.on_finished is not None:
                self.on_finished(item_id, played_ms)


class Speaker(BaseSpeaker):
    """A loudspeaker. Its stream runs from `open` to `close` and plays silence between replies: a
    stream that starts with each reply would lose its beginning."""

    def __init__(
        self,
        on_started: Callable[[str], None] | None = None,
        on_finished: Callable[[str, int], None] | None = None,
        *,
        echo: EchoCanceller | None = None,
        on_change: Callable[[DeviceChange], None] | None = None,
    ) -> None:
        super().__init__(on_started, on_finished)
        self._loop = asyncio.get_running_loop()
        self._echo = echo
        self._stream = DeviceStream("output", self._start, on_change)
        self._history = echo.history if echo is not None else PlaybackHistory()
        if echo is not None:
            echo.before_frame = self._note_heard
        self._hearing = threading.Lock()  # keeps the blocks that were heard in order
        self._taking = threading.Lock()  # the next three change together
        self._in_flight = BlocksInFlight()
        self._heard = b""  # the level is computed when the meter asks
        self._cue = b""  # the rest of a cue
        self._silent = 0  # samples; on the device's thread

    async def open(self, device: str | None = None, driver: Driver | None = None) -> None:
        """Starts the device of that id or name. Raises DeviceError."""
        await self._stream.open(device, driver)

    async def use_meanwhile(self) -> None:
        """Uses the default device until the named one is there. Raises DeviceError."""
        await self._stream.use_meanwhile()

    def write(self, item_id: str, pcm: bytes) -> bool:
        self.wake()
        return super().write(item_id, pcm)

    def finish(self, item_id: str) -> None:
        self.wake()
        super().finish(item_id)

    def resume(self, item_id: str) -> bool:
        self.wake()
        return super().resume(item_id)

    def cue(self, pcm: bytes) -> None:
        self.wake()
        self._cue = pcm

    def wake(self) -> None:
        self._stream.wake()

    async def close(self) -> None:
        await self._stream.close()

    @property
    def name(self) -> str:
        return self._stream.name

    @property
    def available(self) -> bool:
        return self._stream.available

    def plays(self, captured: bytes) -> bool:
        self._note_heard()
        return is_echo(samples(captured), self._history)

    def has_echo(self) -> bool:
        return self._echo is not None and self._echo.has_echo

    async def choose(self, device: str | None) -> None:
        await self._stream.choose(device)

    def pause(self, paused: bool) -> None:
        with self._taking:
            if paused:
                self._take_back()
            super().pause(paused)
        if not paused:
            self.wake()

    def interrupt(self) -> tuple[str, int] | None:
        with self._taking:
            self._take_back()
            return super().interrupt()

    def _take_back(self) -> None:
        """Lets the device drop what is not heard yet, which then counts as not played."""
        self._playback.give_back(self._in_flight.drop())
        self._stream.flush()

    def _take_over(self) -> None:
        """A device has taken the place of another one: it plays what that one had not yet."""
        with self._taking:
            self._playback.give_back(self._in_flight.drop())

    @property
    def playing(self) -> bool:
        return super().playing or bool(self._in_flight)

    @property
    def waiting_ms(self) -> int:
        return super().waiting_ms + self._in_flight.samples // SAMPLES_PER_MS

    @property
    def level(self) -> float:
        return level(self._heard)

    @property
    def resting(self) -> bool:
        """Whether the device was stopped because nothing was to be played."""
        return self._stream.resting

    def _start(
        self, driver: Driver, device: Device | None, stopped: Callable[[], None], number: int
    ) -> DeviceHandle:
        is_new = True

        def pull(count: int, ahead_s: float) -> bytes:
            """Called on the device's thread."""
            nonlocal is_new
            if not self._stream.note_callback(number):
                return b""
            if is_new:
                is_new = False
                self._take_over()
            return self._pull(count, ahead_s)

        return driver.open_output(device, pull, stopped=stopped)

    def _pull(self, count: int, ahead_s: float) -> bytes:
        with self._taking:
            now = time.monotonic()
            block = self._playback.take(count)
            sounds = block.sounding > 0 or bool(self._cue)
            if self._cue:
                block = replace(block, pcm=self._with_cue(block.pcm))
            if sounds or block.finished or not self._in_flight:
                self._in_flight.put(block, now + ahead_s if sounds or self._in_flight else now)
        self._note_heard()
        return block.pcm if sounds else b""

    def _note_heard(self) -> None:
        """Notes which blocks have been heard by now.

        The microphone's thread calls it, too: on a busy machine a device plays what it took ahead
        while the thread of the loudspeaker waits, and an echo must not come before its sound.
        """
        with self._hearing:
            with self._taking:
                heard = self._in_flight.heard(time.monotonic())
            for part in heard:
                self._was_heard(part)

    def _was_heard(self, block: PlayedBlock) -> None:
        self._heard = block.pcm if block.sounding else b""
        self._history.add(block.pcm)
        if block.sounding:
            self._silent = 0
            if self.on_played is not None:
                self.on_played(block.pcm[: block.sounding * WIDTH])
        else:
            self._count_silence(len(block.pcm) // WIDTH)
        if block.started or block.finished:
            with suppress(RuntimeError):  # the loop was closed before the device
                self._loop.call_soon_threadsafe(self._took, block)

    def _with_cue(self, pcm: bytes) -> bytes:
        """Returns the block with the next part of the cue."""
        part, self._cue = self._cue[: len(pcm)], self._cue[len(pcm) :]
        mixed = samples(pcm).astype(np.int32)
        mixed[: len(part) // WIDTH] += samples(part)
        return np.clip(mixed, -32768, 32767).astype("<i2").tobytes()

    def _count_silence(self, count: int) -> None:
        self._silent += count
        if self._silent >= _RESTS_AFTER and self.may_rest:
            self._silent = 0
            with suppress(RuntimeError):  # the loop was closed before the device
                self._loop.call_soon_threadsafe(self._rest)

    def _rest(self) -> None:
        if self.may_rest and self._playback.idle:
            self._stream.rest()
