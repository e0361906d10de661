"""Lists the sound devices and chooses one by its id or by part of its name.

Two libraries reach the devices. On Linux `miniaudio` is tried first where it is installed: with the
smallest buffers, sound took 51 ms from loudspeaker to microphone through PulseAudio, and 160 ms
through PortAudio's ALSA plugin. On other systems `sounddevice`, whose wheel contains
PortAudio, is tried first.
"""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from tui_voice.audio.driver import Device, Direction, Driver
from tui_voice.audio.pulse_client import refuse_shared_memory
from tui_voice.errors import DeviceError

T = TypeVar("T")
DRIVERS = (
    ("miniaudio", "sounddevice")
    if sys.platform.startswith("linux")
    else ("sounddevice", "miniaudio")
)


def drivers() -> list[Driver]:
    """Returns the drivers that load on this machine, best first; may be empty."""
    found = (load_driver(name) for name in DRIVERS)
    return [driver for driver in found if driver is not None]


def load_driver(name: str) -> Driver | None:
    """Returns the driver "miniaudio" or "sounddevice"; None where it cannot be loaded."""
    refuse_shared_memory()
    try:
        if name == "miniaudio":
            from tui_voice.audio.via_miniaudio import Miniaudio

            return Miniaudio()
        from tui_voice.audio.via_portaudio import PortAudio

        return PortAudio()
    except (ImportError, OSError):  # OSError: sounddevice found no PortAudio library
        return None


def list_devices(driver: Driver | None = None) -> list[Device]:
    """Returns the devices of `driver`, else of the first driver that finds any. May block."""
    for candidate in [driver] if driver else drivers():
        if found := candidate.devices():
            return found
    return []


class NoSuchDeviceError(DeviceError):
    """A driver has no device of the name that the user gave."""


class AmbiguousNameError(DeviceError):
    """Several devices of a driver have the name that the user gave."""


def open_first(
    direction: Direction,
    wanted: str | None,
    start: Callable[[Driver, Device], T],
    among: Sequence[Driver] | None = None,
) -> T:
    """Returns what `start` opens: the device `wanted` (None: the default) of the first driver that
    has one and can open it. `among`: the drivers that are tried, None: all.

    Raises DeviceError: why the last driver that has the device could not open it, else that the
    name fits none or several. No other driver is tried then: it would guess which one was meant.
    """
    failure, missing = None, None
    for driver in drivers() if among is None else among:
        try:
            device = choose_device(driver.devices(), direction, wanted)
            if device is not None:
                return start(driver, device)
        except AmbiguousNameError:
            raise
        except NoSuchDeviceError as error:
            missing = missing or error
        except DeviceError as error:
            failure = error
    nothing = DeviceError(f"No {DEVICE_NOUNS[direction]} found.", "`tui-voice doctor` tells more.")
    raise failure or missing or nothing


def choose_device(devices: list[Device], direction: Direction, wanted: str | None) -> Device | None:
    """Returns the device whose id or name is, or contains, `wanted`; case is ignored.

    None means the system's default device, or the first one where the default is a monitor; it
    returns None where there is no device of that direction. A monitor is returned only where its
    whole id or name is given. Raises NoSuchDeviceError where nothing matches, and
    AmbiguousNameError where several devices do and none is the default.
    """
    able = [device for device in devices if device.channels(direction)]
    if wanted is None:
        usable = [device for device in able if not device.monitor]
        default = [device for device in usable if device.is_default(direction)]
        return next(iter(default or usable), None)
    part = wanted.casefold()
    for fits in (
        lambda device: device.id == wanted,
        lambda device: device.name.casefold() == part,
        lambda device: not device.monitor and part in device.name.casefold(),
        lambda device: not device.monitor and part in device.id.casefold(),
    ):
        found = [device for device in able if fits(device)]
        default = [device for device in found if device.is_default(direction)]
        if len(found) == 1 or default:
            return (default or found)[0]
        if found:
            raise AmbiguousNameError(
                f'"{wanted}" fits {len(found)} {DEVICE_NOUNS[direction]}s: '
                + ", ".join(f"{device.name} ({device.id})" for device in found)
                + ".",
                "Give the id in brackets.",
            )
    monitors = [device for device in able if part in device.name.casefold()]
    hint = (
        f'To capture what a loudspeaker plays, give the whole name: "{monitors[0].name}".'
        if monitors
        else "`tui-voice devices` lists what there is."
    )
    raise NoSuchDeviceError(f'There is no {DEVICE_NOUNS[direction]} "{wanted}".', hint)


DEVICE_NOUNS: dict[Direction, str] = {"input": "microphone", "output": "loudspeaker"}
