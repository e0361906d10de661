"""Playing: what is written for an item reaches the device, and how much of it is known."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from tui_voice.audio.device_stream import DeviceChange, DeviceStream
from tui_voice.audio.driver import Device, DeviceHandle, Driver
from tui_voice.audio.echo import EchoCanceller
from tui_voice.audio.pcm import RATE
from tui_voice.audio.playback import Playback, PlayedBlock

_RESTS_AFTER = 10 * RATE
"""Samples of silence, 10 s: a hundred callbacks a second for nothing cost 2 % of a core."""


class BaseSpeaker:
    """What every speaker offers; `Speaker` has a device behind it, `NullSpeaker` a clock.

    All methods and both callbacks belong to the loop. `on_started(item_id)` comes with an item's
    first sample, `on_finished(item_id, played_ms)` once the device has taken its last one; an
    interrupted item never finishes.
    """

    def __init__(
        self,
        on_started: Callable[[str], None] | None = None,
        on_finished: Callable[[str, int], None] | None = None,
    ) -> None:
        self.on_started = on_started
        self.on_finished = on_finished
        self._playback = Playback()
        self._latest: tuple[str, float] = ("", 0.0)  # the item that last sounded, and when
        self.may_rest = False
        """Whether the device may stop in a long silence; `wake`, or a reply, starts it again."""

    @property
    def name(self) -> str:
        """The device in use; "" without one."""
        return ""

    @property
    def latency_ms(self) -> float:
        """Milliseconds from the program to the air, as the driver tells it; else 0."""
        return 0.0

    def write(self, item_id: str, pcm: bytes) -> bool:
        """Play s16le at 24 kHz after all that waits; False when the item was interrupted."""
        return self._playback.write(item_id, pcm)

    def finish(self, item_id: str) -> None:
        """No more sound will come for this item."""
        self._playback.finish(item_id)

    def interrupt(self) -> tuple[str, int] | None:
        """Be silent within one block; `(item_id, played_ms)` of what was being heard, or None.

        `played_ms` is what the device had taken, which it still sounds out: it is how much the
        user will have heard, and what a truncation must say. This item and all that wait behind
        it refuse what still arrives for them; items not yet known do not.
        """
        return self._playback.interrupt()

    def played_ms(self, item_id: str) -> int:
        """Milliseconds of an item that the device has taken; its buffer may still hold some."""
        return self._playback.played_ms(item_id)

    def heard_ms(self, item_id: str) -> int:
        """Milliseconds of an item that have left the loudspeaker by now: played, less what the
        device's buffer (`latency_ms`) still holds."""
        latest, at = self._latest
        inside = self.latency_ms - (time.monotonic() - at) * 1000 if item_id == latest else 0.0
        return max(0, self.played_ms(item_id) - max(0, round(inside)))

    @property
    def waiting_ms(self) -> int:
        """Milliseconds written that the device has not taken yet."""
        return self._playback.waiting_ms

    @property
    def underruns(self) -> int:
        """How often a reply fell silent because its sound had not arrived yet."""
        return self._playback.underruns

    @property
    def level(self) -> float:
        """Loudness of what sounds now, 0.0 to 1.0."""
        return self._playback.level

    @property
    def volume(self) -> float:
        return self._playback.volume

    @volume.setter
    def volume(self, volume: float) -> None:
        """1.0 is as received, 0.0 silence; above 1.0 loud passages clip."""
        self._playback.volume = max(0.0, volume)

    @property
    def paused(self) -> bool:
        return self._playback.paused

    def pause(self, paused: bool) -> None:
        """Hold everything where it is; nothing is lost and no count moves."""
        self._playback.paused = paused

    def wake(self) -> None:
        """A reply is about to come: it should not have to wait for the device."""

    async def close(self) -> None:
        """Stop playing; what waits is dropped."""

    def _took(self, block: PlayedBlock) -> None:
        """Tell the loop what a block brought; on the loop."""
        for item_id in block.started:
            if self.on_started is not None:
                self.on_started(item_id)
        for item_id, played_ms in block.finished:
            if self.on_finished is not None:
                self.on_finished(item_id, played_ms)


class Speaker(BaseSpeaker):
    """A loudspeaker. It runs from `open` to `close`, sounding silence between the replies: a
    stream that is started for each reply would eat its beginning."""

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
        self._silent = 0  # samples; on the device's thread

    async def open(self, device: str | None = None, driver: Driver | None = None) -> None:
        """Start the device of that id or name; DeviceError when that fails."""
        await self._stream.open(device, driver)

    def write(self, item_id: str, pcm: bytes) -> bool:
        self.wake()
        return super().write(item_id, pcm)

    def finish(self, item_id: str) -> None:
        self.wake()
        super().finish(item_id)

    def wake(self) -> None:
        self._stream.wake()

    async def close(self) -> None:
        await self._stream.close()

    @property
    def name(self) -> str:
        return self._stream.name

    @property
    def latency_ms(self) -> float:
        return self._stream.latency_ms

    @property
    def resting(self) -> bool:
        """Whether the device has been stopped for want of anything to play."""
        return self._stream.resting

    def _start(
        self, driver: Driver, device: Device | None, stopped: Callable[[], None]
    ) -> DeviceHandle:
        return driver.open_output(device, self._pull, stopped=stopped)

    def _pull(self, count: int) -> bytes:
        """On the device's thread."""
        self._stream.note_callback()
        block = self._playback.take(count)
        if block.sounded:
            self._latest = (block.sounded, time.monotonic())
            self._silent = 0
        else:
            self._count_silence(count)
        if self._echo is not None:
            self._echo.played(block.pcm)
        if block.started or block.finished:
            with suppress(RuntimeError):  # the loop was closed before the device
                self._loop.call_soon_threadsafe(self._took, block)
        return block.pcm

    def _count_silence(self, count: int) -> None:
        self._silent += count
        if self._silent >= _RESTS_AFTER and self.may_rest:
            self._silent = 0
            with suppress(RuntimeError):  # the loop was closed before the device
                self._loop.call_soon_threadsafe(self._rest)

    def _rest(self) -> None:
        if self.may_rest and self._playback.idle:
            self._stream.rest()
