"""Driver for `sounddevice`, the Python binding of PortAudio."""

import threading
from collections.abc import Callable
from typing import Any

import sounddevice

from tui_voice.audio.driver import BLOCK_MS, Device, DeviceHandle, Pull, is_monitor
from tui_voice.audio.pcm import RATE, SAMPLES_PER_MS, WIDTH, Resampler
from tui_voice.audio.pulse_output import open_pulse_output
from tui_voice.audio.pulse_server import captures_monitor_by_default, server_runs
from tui_voice.errors import DeviceError

_streams: Any = sounddevice  # its classes have no type annotations
_ALSA_TO_SOUND_SERVER = ("default", "pulse", "pipewire", "sysdefault")
"""ALSA devices that are the sound server's default microphone and loudspeaker."""
_open_lock = threading.Lock()
"""PortAudio's open and close must not run in two threads at the same time."""


class PortAudio:
    name = "sounddevice"

    def devices(self) -> list[Device]:
        _refresh_devices()
        try:
            rows: list[dict[str, Any]] = list(sounddevice.query_devices())
            systems = [row["name"] for row in sounddevice.query_hostapis()]
            default_input, default_output = sounddevice.default.device
        except sounddevice.PortAudioError:
            return []
        through_monitor = captures_monitor_by_default()
        return [
            Device(
                id=f"{systems[row['hostapi']]}/{row['name']}",
                name=row["name"],
                input=row["max_input_channels"],
                output=row["max_output_channels"],
                default_input=index == default_input,
                default_output=index == default_output,
                rates=(round(row["default_samplerate"]),),
                monitor=row["max_input_channels"] > 0
                and (
                    is_monitor("", row["name"])
                    or (through_monitor and row["name"] in _ALSA_TO_SOUND_SERVER)
                ),
                native=index,
            )
            for index, row in enumerate(rows)
        ]

    def open_input(
        self,
        device: Device | None,
        on_frame: Callable[[bytes], None],
        *,
        frame_ms: int,
        stopped: Callable[[], None],
    ) -> "PortAudioStream":
        def at(rate: int) -> Any:
            resampler = Resampler(rate, RATE)

            def captured(data: Any, _count: int, _time: Any, _status: Any) -> None:
                on_frame(resampler.feed(bytes(data)))

            return _streams.RawInputStream(
                rate,
                rate * frame_ms // 1000,
                device.native if device else None,
                1,
                "int16",
                "low",
                callback=captured,
                finished_callback=stopped,
            )

        return _open(at, "microphone", device)

    def open_output(
        self,
        device: Device | None,
        pull: Pull,
        *,
        stopped: Callable[[], None],
    ) -> DeviceHandle:
        name = device.name if device else "default"
        if (
            name in _ALSA_TO_SOUND_SERVER
            and server_runs()
            and (output := open_pulse_output(name, None, pull, stopped))
        ):
            return output

        def at(rate: int) -> Any:
            resampler = Resampler(RATE, rate)
            ready = bytearray()

            def wanted(data: Any, count: int, _time: Any, _status: Any) -> None:
                if rate == RATE:
                    data[:] = pull(count, 0.0) or bytes(count * WIDTH)
                    return
                block = BLOCK_MS * SAMPLES_PER_MS
                while len(ready) < count * WIDTH:
                    ready.extend(resampler.feed(pull(block, 0.0) or bytes(block * WIDTH)))
                data[:] = ready[: count * WIDTH]
                del ready[: count * WIDTH]

            return _streams.RawOutputStream(
                rate,
                rate * BLOCK_MS // 1000,
                device.native if device else None,
                1,
                "int16",
                "low",
                callback=wanted,
                finished_callback=stopped,
            )

        return _open(at, "loudspeaker", device)


class PortAudioStream:
    def __init__(self, stream: Any, name: str) -> None:
        self._stream = stream
        self.name = name

    def flush(self) -> None:
        """Does nothing: the device holds a few blocks."""

    def rest(self) -> None:
        """Does nothing: a stopped PortAudio stream through ALSA did not restart reliably."""

    def wake(self) -> None:
        """Does nothing: the stream was not stopped."""

    def close(self) -> None:
        # The library calls `finished_callback` also for a stream that is closed here.
        with _open_lock:
            _running.discard(self)
            self._stream.abort(ignore_errors=True)
            self._stream.close(ignore_errors=True)


_running: set[PortAudioStream] = set()


def _refresh_devices() -> None:
    """Restarts PortAudio, unless a stream runs, so that it lists devices plugged in since.

    PortAudio lists the devices only when it starts. `sounddevice` has no public call for this.
    """
    with _open_lock:
        if not _running:
            _streams._terminate()
            _streams._initialize()


def _open(at: Callable[[int], Any], noun: str, device: Device | None) -> PortAudioStream:
    """Starts the stream at 24 kHz, or at one of the device's own rates."""
    rates = [RATE, *(rate for rate in (device.rates if device else (48_000, 44_100)))]
    failure: Exception | None = None
    with _open_lock:
        for rate in rates:
            try:
                stream = at(rate)
                stream.start()
            except (sounddevice.PortAudioError, ValueError) as error:
                failure = failure or error
                continue
            handle = PortAudioStream(stream, device.name if device else "default")
            _running.add(handle)
            return handle
    raise DeviceError(
        f"The {noun} cannot be opened ({failure}).", "`tui-voice doctor` tells more."
    ) from failure
