"""What was played, kept for so long that its echo can still be found in it."""

from threading import Lock

import numpy as np

from tui_voice.audio.pcm import RATE, Samples, samples

KEPT_MS = 1_500


class Reference:
    """Samples by their number since the beginning: `add` belongs to the loudspeaker's thread,
    everything else to the microphone's.
    """

    def __init__(self) -> None:
        self._store = np.zeros(KEPT_MS * RATE // 1000, np.int16)
        self._lock = Lock()
        self.played = 0
        """Samples given so far."""
        self.sounded = -self._store.size
        """The number of samples that had been given when the last one sounded."""

    def add(self, pcm: bytes) -> None:
        """s16le at 24 kHz, silence included."""
        fresh = samples(pcm)[-self._store.size :]
        sounds = pcm.count(0) != len(pcm)
        with self._lock:
            if sounds or self.played - self.sounded < self._store.size:
                self._put(fresh)
            self.played += fresh.size
            if sounds:
                self.sounded = self.played

    def before(self, end: int, count: int) -> Samples:
        """`count` samples up to number `end`; silence for those that have not been given yet."""
        found = np.zeros(count, np.int16)
        with self._lock:
            first, last = max(end - count, self.played - self._store.size, 0), min(end, self.played)
            if first < last:
                at = np.arange(first, last) % self._store.size
                found[first - end + count : last - end + count] = self._store[at]
        return found

    def _put(self, fresh: Samples) -> None:
        at = self.played % self._store.size
        head = min(fresh.size, self._store.size - at)
        self._store[at : at + head] = fresh[:head]
        self._store[: fresh.size - head] = fresh[head:]
