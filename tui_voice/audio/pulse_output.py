"""Plays through PulseAudio, or PipeWire in its place, with a buffer that is deep while it must be.

PulseAudio asks `miniaudio`, and its ALSA plugin asks PortAudio, for each block just in time: every
10 ms of a reply had to pass through the threads of both programs within 60 ms. On a busy machine
that failed 5 times a second, and a deeper buffer of that kind delays the beginning and the
interruption of a reply. Here, for both libraries, a thread writes a reply ahead as far as the
server takes it, drops what is not heard when the reply is interrupted, and writes nothing between
replies, so that the next one is heard at once.

It uses libpulse's "simple" interface by ctypes, which lets other threads run while a call waits:
https://www.freedesktop.org/software/pulseaudio/doxygen/simple_8h.html
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p
from functools import cache
from typing import Any

from tui_voice.audio.driver import BLOCK_MS, Pull
from tui_voice.audio.pcm import BYTES_PER_MS, RATE, SAMPLES_PER_MS
from tui_voice.errors import DeviceError

_BUFFER_MS = 2_400
"""Milliseconds of sound that the server is asked to hold; it takes about half of it ahead. Beside
four processes on two cores, the program waited for up to 1.2 s at a time: with 0.4 s ahead there
were 6 holes in 15 s (`benchmarks/holes.py`), with 1.2 s none."""
_BLOCK_S = BLOCK_MS / 1000
_S16LE, _PLAYBACK = 3, 1
_DEFAULT = 2**32 - 1


class _Format(ctypes.Structure):
    """`pa_sample_spec`."""

    _fields_ = (("format", c_int), ("rate", c_uint32), ("channels", c_uint8))


class _Buffer(ctypes.Structure):
    """`pa_buffer_attr`, in bytes."""

    _fields_ = tuple(
        (name, c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize")
    )


@cache
def _library() -> Any:
    """Returns libpulse-simple; None where it is not installed."""
    try:
        found: Any = ctypes.CDLL("libpulse-simple.so.0")
    except OSError:
        return None
    error = POINTER(c_int)
    found.pa_simple_new.argtypes = (
        *(c_char_p, c_char_p, c_int, c_char_p, c_char_p),
        *(POINTER(_Format), c_void_p, POINTER(_Buffer), error),
    )
    found.pa_simple_new.restype = c_void_p
    found.pa_simple_write.argtypes = (c_void_p, c_char_p, c_size_t, error)
    found.pa_simple_flush.argtypes = (c_void_p, error)
    found.pa_simple_get_latency.argtypes = (c_void_p, error)
    found.pa_simple_get_latency.restype = c_uint64
    found.pa_simple_free.argtypes = (c_void_p,)
    return found


def open_pulse_output(
    name: str, sink: str | None, pull: Pull, stopped: Callable[[], None]
) -> PulseOutput | None:
    """Starts playing on a sink of the sound server; None where libpulse cannot.

    `sink`: the server's name of it, None: its default. `name`: what users read.
    """
    if _library() is None:
        return None
    output = PulseOutput(name, sink, pull, stopped)
    try:
        output.wake()
    except DeviceError:
        return None
    return output


class PulseOutput:
    """Implements `DeviceHandle`. One thread at a time makes all calls to the library."""

    def __init__(
        self, name: str, sink: str | None, pull: Pull, stopped: Callable[[], None]
    ) -> None:
        self.name = name
        self._id = sink.encode() if sink else None
        self._pull, self._stopped = pull, stopped
        self._ends = threading.Event()  # of the thread that runs now
        self._thread: threading.Thread | None = None
        self._drops = False

    def wake(self) -> None:
        """Connects to the server. Raises DeviceError."""
        format_, buffer = _Format(_S16LE, RATE, 1), _Buffer(*[_DEFAULT] * 5)
        buffer.tlength = _BUFFER_MS * BYTES_PER_MS
        buffer.prebuf = buffer.minreq = BLOCK_MS * BYTES_PER_MS
        name, about = b"tui-voice", b"replies"
        options = byref(format_), None, byref(buffer), None
        stream = _library().pa_simple_new(None, name, _PLAYBACK, self._id, about, *options)
        if not stream:
            raise DeviceError(
                f"The loudspeaker {self.name} does not start.", "`tui-voice doctor` tells more."
            )
        self._ends = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(stream, self._ends), name="loudspeaker", daemon=True
        )
        self._thread.start()

    def flush(self) -> None:
        self._drops = True

    def rest(self) -> None:
        """Disconnects, so that the device can be switched off."""
        self._ends.set()
        if self._thread is not None:
            self._thread.join(1.0)  # a server that does not answer holds it for ever

    close = rest

    def _run(self, stream: int, ends: threading.Event) -> None:
        lib, failed = _library(), False
        error = c_int()
        due = time.monotonic()  # of the next look for sound, where there was none
        heard_at = due  # of the next block, if it is written now
        while not (ends.is_set() or failed):
            if self._drops:
                self._drops = False
                lib.pa_simple_flush(stream, None)
                heard_at = time.monotonic()
            now = time.monotonic()
            pcm = self._pull(BLOCK_MS * SAMPLES_PER_MS, max(0.0, heard_at - now))
            if pcm:
                failed = lib.pa_simple_write(stream, pcm, len(pcm), None) != 0
                heard_at = max(heard_at, now) + _BLOCK_S
            else:
                lib.pa_simple_get_latency(stream, byref(error))  # fails where the device is gone
                failed = error.value != 0
                due = max(due, now - _BLOCK_S) + _BLOCK_S
                ends.wait(due - time.monotonic())
        lib.pa_simple_free(stream)
        if failed:
            self._stopped()
