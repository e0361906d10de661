"""Which sound devices there are, and choosing one by its id or by part of its name.

Two libraries can reach them. On Linux `miniaudio` comes first where it is installed: measured
51 ms from loudspeaker to microphone through PulseAudio, against 160 through PortAudio's ALSA
plugin. Elsewhere `sounddevice` does, whose PortAudio comes in its own wheel.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from tui_voice.errors import DeviceError

Direction = Literal["input", "output"]
DRIVERS = (
    ("miniaudio", "sounddevice")
    if sys.platform.startswith("linux")
    else ("sounddevice", "miniaudio")
)
BLOCK_MS = 10
"""Output block: the silence after an interruption comes at most this late, plus the device."""


@dataclass(frozen=True, slots=True)
class Device:
    """A loudspeaker, a microphone, or both. `id` stays the same from one run to the next."""

    id: str
    name: str
    input: int = 0  # channels
    output: int = 0
    default_input: bool = False
    default_output: bool = False
    rates: tuple[int, ...] = ()  # samples per second the device itself runs at
    native: Any = field(default=None, compare=False, repr=False)  # what its driver opens it by

    def channels(self, direction: Direction) -> int:
        return self.input if direction == "input" else self.output

    def is_default(self, direction: Direction) -> bool:
        return self.default_input if direction == "input" else self.default_output

    def as_dict(self) -> dict[str, Any]:
        """The row that `tui-voice devices --json` prints."""
        return {
            "id": self.id,
            "name": self.name,
            "input": self.input,
            "output": self.output,
            "default": self.default_input or self.default_output,
            "rates": list(self.rates),
        }


class Handle(Protocol):
    """A running stream. `close` returns when its last callback has."""

    latency_ms: float  # between the callback and the air, as the driver tells it
    name: str

    def close(self) -> None: ...


class Driver(Protocol):
    """A way to the sound hardware. Callbacks come on a thread of the library's own.

    Both `open` calls take None for the system's default, may block for seconds, and raise
    DeviceError. `stopped` is called when the stream ends without `close`; not every system
    tells, so the caller also watches whether callbacks still come.
    """

    name: str

    def devices(self) -> list[Device]: ...

    def open_input(
        self,
        device: Device | None,
        on_frame: Callable[[bytes], None],
        *,
        frame_ms: int,
        stopped: Callable[[], None],
    ) -> Handle:
        """`on_frame` gets s16le mono at 24 kHz, about `frame_ms` of it."""
        ...

    def open_output(
        self,
        device: Device | None,
        pull: Callable[[int], bytes],
        *,
        stopped: Callable[[], None],
    ) -> Handle:
        """`pull(samples)` must return that many samples of s16le mono at 24 kHz."""
        ...


def drivers() -> list[Driver]:
    """The drivers that load on this machine, best first; none is a legitimate answer."""
    found = (load_driver(name) for name in DRIVERS)
    return [driver for driver in found if driver is not None]


def load_driver(name: str) -> Driver | None:
    """One driver by its name, "miniaudio" or "sounddevice"; None where it cannot be loaded."""
    try:
        return _import_driver(name)
    except (ImportError, OSError):
        return None


def why_not(name: str) -> str:
    """What keeps a driver from loading, for `tui-voice doctor`; "" when it loads."""
    try:
        _import_driver(name)
    except (ImportError, OSError) as error:  # OSError: sounddevice found no PortAudio library
        return str(error) or type(error).__name__
    return ""


def _import_driver(name: str) -> Driver:
    if name == "miniaudio":
        from tui_voice.audio.via_miniaudio import Miniaudio

        return Miniaudio()
    from tui_voice.audio.via_portaudio import PortAudio

    return PortAudio()


def list_devices(driver: Driver | None = None) -> list[Device]:
    """Every device of the given driver, else of the first driver that finds any. May block."""
    for candidate in [driver] if driver else drivers():
        if found := candidate.devices():
            return found
    return []


def pick(devices: list[Device], direction: Direction, wanted: str | None) -> Device | None:
    """The device meant by `wanted`: its id, its name, or part of its name in any case.

    None wants the default, and gets None when there is no device of that direction. DeviceError
    when nothing matches, or two devices do and neither is the default.
    """
    able = [device for device in devices if device.channels(direction)]
    if wanted is None:
        default = [device for device in able if device.is_default(direction)]
        return next(iter(default or able), None)
    for fits in (
        lambda device: device.id == wanted,
        lambda device: device.name == wanted,
        lambda device: wanted.casefold() in device.name.casefold(),
        lambda device: wanted.casefold() in device.id.casefold(),
    ):
        found = [device for device in able if fits(device)]
        default = [device for device in found if device.is_default(direction)]
        if len(found) == 1 or default:
            return (default or found)[0]
        if found:
            raise DeviceError(
                f'"{wanted}" fits {len(found)} {direction} devices: '
                + ", ".join(f"{device.name} ({device.id})" for device in found)
                + ".",
                "Give the id in brackets.",
            )
    raise DeviceError(
        f'There is no {direction} device "{wanted}".', "`tui-voice devices` lists what there is."
    )
