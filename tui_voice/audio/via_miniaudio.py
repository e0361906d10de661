"""Driver for `miniaudio`, which needs no system library and finds PulseAudio, PipeWire or ALSA."""

import sys
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

import miniaudio
from _miniaudio import ffi, lib  # type: ignore[import-not-found]  # compiled, ships no types
from miniaudio import Backend, MiniaudioError

from tui_voice.audio.driver import BLOCK_MS, Device, DeviceHandle, Pull, is_monitor
from tui_voice.audio.pcm import RATE, WIDTH
from tui_voice.audio.pulse_output import open_pulse_output
from tui_voice.errors import DeviceError

_PERIODS = 6
"""Blocks in the device's buffer: with fewer, the device runs dry on a busy machine with two cores,
and after each gap the rest of the reply, and its echo, is delayed."""
_KEPT_MS = 2_000
"""Milliseconds of captured sound that PulseAudio keeps for a program that a busy machine lets wait.
With `_PERIODS` it kept 120 ms, and beside four processes up to 10 s of 150 s of sound were lost."""
_BACKENDS = {
    # Without the null backend, which is always found, and without JACK, which starts a server.
    "linux": [Backend.PULSEAUDIO, Backend.ALSA],
    "darwin": [Backend.COREAUDIO],
    "win32": [Backend.WASAPI, Backend.DSOUND, Backend.WINMM],
}


class Miniaudio:
    name = "miniaudio"

    def __init__(self) -> None:
        self._finds_pulseaudio = False

    def devices(self) -> list[Device]:
        try:
            context = miniaudio.Devices(_backends())
        except MiniaudioError:
            return []
        self._finds_pulseaudio = context.backend == "PulseAudio"
        return _outputs_and_inputs(context, details=not self._finds_pulseaudio)

    def open_input(
        self,
        device: Device | None,
        on_frame: Callable[[bytes], None],
        *,
        frame_ms: int,
        stopped: Callable[[], None],
    ) -> "MiniaudioStream":
        def capture() -> Generator[None, bytearray, None]:
            while True:
                on_frame(bytes((yield)))

        periods = _KEPT_MS // frame_ms if self._finds_pulseaudio else _PERIODS
        return _open(
            miniaudio.CaptureDevice, "microphone", device, frame_ms, capture(), stopped, periods
        )

    def open_output(
        self,
        device: Device | None,
        pull: Pull,
        *,
        stopped: Callable[[], None],
    ) -> DeviceHandle:
        def play() -> Generator[bytes, int, None]:
            wanted = yield b""
            while True:
                wanted = yield pull(wanted, 0.0) or bytes(wanted * WIDTH)

        if self._finds_pulseaudio:
            name, sink = (device.name, device.id) if device else ("default", None)
            if output := open_pulse_output(name, sink, pull, stopped):
                return output
        return _open(miniaudio.PlaybackDevice, "loudspeaker", device, BLOCK_MS, play(), stopped)


class MiniaudioStream:
    def __init__(
        self,
        stream: Any,
        callback: Generator[Any, Any, None],
        stopped: Callable[[], None],
        noun: str,
        name: str,
    ) -> None:
        self._stream = stream
        self._callback = callback
        self._stopped = stopped
        self._noun = noun
        self.name = name

    def wake(self) -> None:
        self._stream.stop_callback = self._stopped
        try:
            self._stream.start(self._callback)
        except MiniaudioError as error:
            raise DeviceError(
                f"The {self._noun} does not start ({error}).", "Is another program holding it?"
            ) from error

    def flush(self) -> None:
        """Does nothing: the device holds a few blocks."""

    def rest(self) -> None:
        self._stream.stop_callback = None
        with suppress(MiniaudioError):  # it has already stopped
            self._stream.stop()

    def close(self) -> None:
        context = self._stream._context
        self._stream.stop_callback = None
        self._stream.close()
        # The library keeps its context (a thread and a connection) until the process ends; a
        # device that is lost often would accumulate them.
        lib.ma_context_uninit(context)


def _open(
    kind: Any,
    noun: str,
    device: Device | None,
    block_ms: int,
    callback: Generator[Any, Any, None],
    stopped: Callable[[], None],
    periods: int = _PERIODS,
) -> MiniaudioStream:
    identity = None
    if device is not None:
        identity = ffi.new("ma_device_id *")
        ffi.memmove(identity, device.native, len(device.native))
    try:
        stream = kind(
            miniaudio.SampleFormat.SIGNED16,
            1,
            RATE,
            block_ms,
            device_id=identity,
            callback_periods=periods,
            backends=_backends(),
            app_name="tui-voice",
        )
    except MiniaudioError as error:
        raise DeviceError(
            f"The {noun} cannot be opened ({error}).", "`tui-voice doctor` tells more."
        ) from error
    next(callback)
    name = device.name if device else "default"
    handle = MiniaudioStream(stream, callback, stopped, noun, name)
    try:
        handle.wake()
    except DeviceError:
        handle.close()
        raise
    return handle


def _backends() -> list[Backend]:
    return _BACKENDS.get(sys.platform, [Backend.SNDIO, Backend.AUDIO4, Backend.OSS])


_NULL_DEVICE = "null"
"""ALSA's null device always exists and is not listed."""


def _outputs_and_inputs(context: miniaudio.Devices, *, details: bool) -> list[Device]:
    """Lists the devices by the C interface, with their channels and rates if `details`.

    The Python wrapper does not show which device is the default, and fails as a whole when one
    device cannot be queried (on a machine without a sound card). PulseAudio converts every number
    of channels and every rate. It must not be asked for details: `miniaudio` ends the process with
    a segmentation fault where the device was unplugged since it was listed.
    """
    infos = ffi.new("ma_device_info **"), ffi.new("ma_device_info **")
    counts = ffi.new("ma_uint32 *"), ffi.new("ma_uint32 *")
    handle = context._context
    if lib.ma_context_get_devices(handle, infos[0], counts[0], infos[1], counts[1]):
        return []
    found = []
    for outward, info, count in ((True, infos[0], counts[0]), (False, infos[1], counts[1])):
        kind = miniaudio.DeviceType.PLAYBACK if outward else miniaudio.DeviceType.CAPTURE
        for index in range(count[0]):
            one = info[0][index]
            default = bool(one.isDefault)
            if details:
                identity, known = ffi.addressof(one.id), ffi.new("ma_device_info *")
                if lib.ma_context_get_device_info(handle, kind.value, identity, known):
                    continue
                one = known
            found.append(_device(one, outward=outward, default=default or bool(one.isDefault)))
    return [device for device in found if device.id != _NULL_DEVICE]


def _device(info: Any, *, outward: bool, default: bool) -> Device:
    formats = [info.nativeDataFormats[i] for i in range(info.nativeDataFormatCount)]
    # 0 means "any" in both fields.
    channels = max((found.channels for found in formats), default=0) or 1
    rates = tuple(sorted({found.sampleRate for found in formats if found.sampleRate}))
    native = bytes(ffi.buffer(ffi.addressof(info.id)))
    identity, name = _readable(native), ffi.string(info.name).decode(errors="replace")
    return Device(
        id=identity,
        name=name,
        input=0 if outward else channels,
        output=channels if outward else 0,
        default_input=default and not outward,
        default_output=default and outward,
        rates=rates,
        monitor=not outward and is_monitor(identity, name),
        native=native,
    )


def _readable(native: bytes) -> str:
    """Returns a device id as text: a name (on Windows UTF-16), or hexadecimal digits."""
    stripped = native.rstrip(b"\0")
    for encoding in ("ascii", "utf-16-le"):
        try:
            text = (stripped + b"\0" * (len(stripped) % 2 if encoding != "ascii" else 0)).decode(
                encoding
            )
        except UnicodeDecodeError:
            continue
        if text and text.isprintable() and text.isascii():
            return text
    return stripped.hex() or "default"
