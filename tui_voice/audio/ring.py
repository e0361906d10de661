"""A ring of samples whose flush is "read index = write index"."""

import numpy as np

from tui_voice.audio.pcm import RATE, Samples, samples

_START = 30 * RATE
"""30 s, 1.4 MB: most replies fit, so most talks never allocate again."""


class Ring:
    """Samples in, the same samples out, in order. Grows when full, shrinks once emptied.

    Both indices count samples since the beginning and only ever rise; the slot is the index
    modulo the capacity. Not locked: `Playback` does that.
    """

    def __init__(self, capacity: int = _START) -> None:
        self._start = capacity
        self._store = np.zeros(capacity, np.int16)
        self.read = 0
        self.written = 0

    def __len__(self) -> int:
        return self.written - self.read

    def put(self, pcm: bytes) -> int:
        """Append s16le; returns how many samples that were."""
        fresh = samples(pcm)
        if self._store.size > self._start and not len(self):
            # A long reply must not hold its memory for hours. Here and not in `flush`: giving
            # megabytes back takes longer than an interruption may.
            self._store = np.zeros(self._start, np.int16)
        if len(self) + fresh.size > self._store.size:
            self._resize(max(2 * self._store.size, len(self) + fresh.size))
        self._append(fresh)
        return fresh.size

    def take(self, target: Samples) -> None:
        """Fill `target` with the oldest samples; there must be that many."""
        at = self.read % self._store.size
        head = min(target.size, self._store.size - at)
        target[:head] = self._store[at : at + head]
        target[head:] = self._store[: target.size - head]
        self.read += target.size

    def flush(self) -> int:
        """Forget what is waiting; returns how many samples that were."""
        lost, self.read = len(self), self.written
        return lost

    def _resize(self, capacity: int) -> None:
        waiting = np.empty(len(self), np.int16)
        self.take(waiting)
        self._store = np.zeros(capacity, np.int16)
        self.read = self.written = self.written - waiting.size
        self._append(waiting)

    def _append(self, fresh: Samples) -> None:
        at = self.written % self._store.size
        head = min(fresh.size, self._store.size - at)
        self._store[at : at + head] = fresh[:head]
        self._store[: fresh.size - head] = fresh[head:]
        self.written += fresh.size
