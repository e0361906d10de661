"""Asks PulseAudio, or PipeWire in its place, what PortAudio cannot know: which source is captured.

PortAudio reaches a sound server through ALSA devices such as "default", which capture the server's
default source. Without a microphone, that source is the monitor of the loudspeaker.
"""

import os
from importlib import import_module
from typing import Any


def captures_monitor_by_default() -> bool:
    """Returns whether the sound server's default source is a monitor; False without a server."""
    with _connected() as pulse:
        if pulse is None:
            return False
        name = pulse.server_info().default_source_name
        return any(_is_monitor(one) for one in pulse.source_list() if one.name == name)


def captures_monitor_now() -> bool:
    """Returns whether the sound server has moved a stream of this process to a monitor, as it does
    when the microphone of the stream is unplugged."""
    with _connected() as pulse:
        if pulse is None:
            return False
        monitors = {one.index for one in pulse.source_list() if _is_monitor(one)}
        own = str(os.getpid())
        return any(
            stream.source in monitors and stream.proplist.get("application.process.id") == own
            for stream in pulse.source_output_list()
        )


class _connected:  # noqa: N801  (used like a function)
    """A connection to the sound server; None where there is no server or no libpulse."""

    def __enter__(self) -> Any:
        self._pulse: Any = None
        try:
            pulsectl: Any = import_module("pulsectl")  # it has no type annotations
        except (ImportError, OSError):  # not Linux, or no libpulse
            return None
        pulse = pulsectl.Pulse("tui-voice", connect=False)
        try:
            pulse.connect(autospawn=False, wait=False)
        except pulsectl.PulseError:
            pulse.close()
            return None
        self._pulse = pulse
        return pulse

    def __exit__(self, *_: object) -> None:
        if self._pulse is not None:
            self._pulse.close()


def _is_monitor(source: Any) -> bool:
    return source.monitor_of_sink_name is not None
