"""Keeps the last 3 s of played sound, so that its echo can be found in the captured sound."""

from threading import Lock

import numpy as np

from tui_voice.audio.pcm import RATE, SAMPLES_PER_MS, Samples, samples

KEPT_MS = 3_000
"""Longer than an echo, and captured sound on a busy machine, are late."""


class PlaybackHistory:
    """Played samples by their number since the start.

    `add` is called by one thread at a time, everything else on the microphone's thread.
    """

    def __init__(self) -> None:
        self._store = np.zeros(KEPT_MS * RATE // 1000, np.int16)
        self._lock = Lock()
        self.played = 0
        """Samples added so far."""
        self._audible = -self._store.size  # value of `played` after the last audible sample

    @property
    def silent_ms(self) -> float:
        """Milliseconds of silence added since the last audible sample."""
        return (self.played - self._audible) / SAMPLES_PER_MS

    def add(self, pcm: bytes) -> None:
        """Appends s16le at 24 kHz, silence included."""
        fresh = samples(pcm)[-self._store.size :]
        is_audible = pcm.count(0) != len(pcm)
        with self._lock:
            if is_audible or self.played - self._audible < self._store.size:
                self._write(fresh)
            self.played += fresh.size
            if is_audible:
                self._audible = self.played

    def read(self, end: int, count: int) -> Samples:
        """Returns `count` samples up to number `end`; silence where there are none."""
        found = np.zeros(count, np.int16)
        with self._lock:
            first, last = max(end - count, self.played - self._store.size, 0), min(end, self.played)
            if first < last:
                at = np.arange(first, last) % self._store.size
                found[first - end + count : last - end + count] = self._store[at]
        return found

    def _write(self, fresh: Samples) -> None:
        at = self.played % self._store.size
        head = min(fresh.size, self._store.size - at)
        self._store[at : at + head] = fresh[:head]
        self._store[: fresh.size - head] = fresh[head:]
