"""Plays a piece of sound once, for example a turn of a recording."""

import threading
import time

from tui_voice.audio.devices import open_first
from tui_voice.audio.pcm import RATE, WIDTH

_TAIL_S = 0.25
"""Seconds of silence after the sound, until the device has played it."""


class Player:
    """Plays one sound at a time; a new one, or `stop`, ends the one before."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._lock = threading.Lock()

    @property
    def playing(self) -> bool:
        return self._lock.locked()

    def stop(self) -> None:
        """Ends the sound that is played."""
        self._stop.set()

    def play(self, pcm: bytes, wanted: str | None = None) -> None:
        """Plays s16le at 24 kHz, on the device `wanted` or the default; returns at its end.

        Raises DeviceError where there is no loudspeaker.
        """
        self._stop.set()
        with self._lock:
            self._stop.clear()
            self._play(pcm, wanted)

    def _play(self, pcm: bytes, wanted: str | None) -> None:
        at, over_at, ended = 0, 0.0, threading.Event()

        def pull(count: int, ahead_s: float) -> bytes:
            nonlocal at, over_at
            now = time.monotonic()
            piece = pcm[at * WIDTH : (at + count) * WIDTH] if not self._stop.is_set() else b""
            at += count
            if piece:
                over_at = now + ahead_s + _TAIL_S
                return piece + bytes(count * WIDTH - len(piece))
            if self._stop.is_set() or now > over_at:
                ended.set()
            return b""

        handle = open_first(
            "output",
            wanted,
            lambda driver, device: driver.open_output(device, pull, stopped=ended.set),
        )
        try:
            ended.wait(len(pcm) / WIDTH / RATE + 5)
        finally:
            handle.close()
