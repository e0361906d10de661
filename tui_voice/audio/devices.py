"""Which sound devices there are, and choosing one by its id or by part of its name.

Two libraries can reach them. On Linux `miniaudio` comes first where it is installed: with the
smallest buffers measured 51 ms from loudspeaker to microphone through PulseAudio, against 160
through PortAudio's ALSA plugin. Elsewhere `sounddevice` does, whose PortAudio comes in its own
wheel.
"""

import sys

from tui_voice.audio.driver import Device, Direction, Driver
from tui_voice.errors import DeviceError

DRIVERS = (
    ("miniaudio", "sounddevice")
    if sys.platform.startswith("linux")
    else ("sounddevice", "miniaudio")
)


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


def load_error(name: str) -> str:
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


def choose_device(devices: list[Device], direction: Direction, wanted: str | None) -> Device | None:
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
