"""The interface of an audio library: devices, and streams that capture or play."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Direction = Literal["input", "output"]
BLOCK_MS = 10
"""Milliseconds of an output block. After an interruption, silence follows within one block plus
the latency of the device."""


@dataclass(frozen=True, slots=True)
class Device:
    """A loudspeaker, a microphone, or both. `id` stays the same between runs."""

    id: str
    name: str
    input: int = 0  # channels
    output: int = 0
    default_input: bool = False
    default_output: bool = False
    rates: tuple[int, ...] = ()  # samples/s that the device supports itself
    monitor: bool = False
    """It captures what a loudspeaker plays, so it is a microphone only where it is named."""
    native: Any = field(default=None, compare=False, repr=False)  # how its driver opens it

    def channels(self, direction: Direction) -> int:
        return self.input if direction == "input" else self.output

    def is_default(self, direction: Direction) -> bool:
        return self.default_input if direction == "input" else self.default_output

    def as_dict(self) -> dict[str, Any]:
        """Returns the row that `tui-voice devices --json` prints."""
        return {
            "id": self.id,
            "name": self.name,
            "input": self.input,
            "output": self.output,
            "default": self.default_input or self.default_output,
            "rates": list(self.rates),
            "monitor": self.monitor,
        }


def is_monitor(device_id: str, name: str) -> bool:
    """Returns whether a capture device is the sound that a loudspeaker plays, not a microphone.

    PulseAudio and PipeWire end the id of such a device in ".monitor". Other systems have drivers
    for it, which are known only by their names.
    """
    return device_id.endswith(".monitor") or any(
        mark in name.casefold() for mark in LOOPBACK_DEVICES
    )


LOOPBACK_DEVICES = (
    *("monitor of ", "loopback", "stereo mix", "what u hear"),
    *("blackhole", "soundflower", "cable output", "voicemeeter out"),
)
"""Parts of the names of devices that capture what is played: PulseAudio, ALSA, Windows, and the
virtual devices of macOS and Windows (BlackHole, Soundflower, VB-Audio)."""


Pull = Callable[[int, float], bytes]
"""Called with a number of samples, and with the seconds until they are heard where the device
holds more than a few blocks, else 0. Returns that many samples of s16le mono at 24 kHz, or b""
where there is nothing to be played now."""


class DeviceHandle(Protocol):
    """A running stream. `close` returns after the last callback. After `rest`, callbacks may stop
    until `wake`, which raises DeviceError where the stream does not restart. `flush` lets the
    device drop what it has not played yet, where it holds more than a few blocks; it returns at
    once."""

    name: str

    def flush(self) -> None: ...

    def rest(self) -> None: ...

    def wake(self) -> None: ...

    def close(self) -> None: ...


class Driver(Protocol):
    """An audio library. Callbacks run on a thread of the library.

    Both `open` calls take None for the system's default, may block for seconds, and raise
    DeviceError. `stopped` is called when the stream ends without `close`. Not every system reports
    this, so the caller must also check that callbacks still come.
    """

    name: str

    def devices(self) -> list[Device]:
        """Returns the devices of this moment; takes a few ms. Where the library lists devices only
        when it starts, those of that time as long as a stream runs."""
        ...

    def open_input(
        self,
        device: Device | None,
        on_frame: Callable[[bytes], None],
        *,
        frame_ms: int,
        stopped: Callable[[], None],
    ) -> DeviceHandle:
        """`on_frame` gets s16le mono at 24 kHz, about `frame_ms` of it."""
        ...

    def open_output(
        self,
        device: Device | None,
        pull: Pull,
        *,
        stopped: Callable[[], None],
    ) -> DeviceHandle:
        """Plays what `pull` returns."""
        ...
