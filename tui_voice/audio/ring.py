"""A ring buffer of samples; flushing sets the read index to the write index."""

import numpy as np

from tui_voice.audio.pcm import RATE, Samples, samples

_START = 30 * RATE
"""30 s, 1.4 MB: most replies fit, so most sessions allocate once."""
_KEPT = 2 * RATE
"""Samples (2 s) before the read index that stay for `back`: more than a device takes ahead."""


class Ring:
    """A queue of samples. Grows when full, shrinks once it is empty.

    Both indices count samples since the start and only rise; the slot is the index modulo the
    capacity. It has no lock: `Playback` has one.
    """

    def __init__(self, capacity: int = _START) -> None:
        self._start = capacity
        self._store = np.zeros(capacity, np.int16)
        self.read = 0
        self.written = 0
        self._oldest = 0  # index of the oldest sample that is still stored

    def __len__(self) -> int:
        return self.written - self.read

    def put(self, pcm: bytes) -> int:
        """Appends s16le; returns the number of samples."""
        fresh = samples(pcm)
        if self._store.size > self._start and not len(self):
            # Free the memory of a long reply: here, not in `flush`, because freeing megabytes
            # takes longer than an interruption may.
            self._store = np.zeros(self._start, np.int16)
            self._oldest = self.read
        needed = _KEPT + len(self) + fresh.size
        if needed > self._store.size:
            self._resize(max(2 * self._store.size, needed))
        self._append(fresh)
        return fresh.size

    def take(self, target: Samples) -> None:
        """Fills `target` with the oldest samples; at least that many must wait."""
        at = self.read % self._store.size
        head = min(target.size, self._store.size - at)
        target[:head] = self._store[at : at + head]
        target[head:] = self._store[: target.size - head]
        self.read += target.size

    def back(self, count: int) -> int:
        """Moves the read index back, so that the newest samples read are read again.

        Returns by how many: at most `count`, and not beyond what is still stored.
        """
        moved = min(count, self.read - self._oldest)
        self.read -= moved
        return moved

    def flush(self) -> int:
        """Drops all waiting samples; returns their number."""
        lost, self.read = len(self), self.written
        return lost

    def _resize(self, capacity: int) -> None:
        kept = self.back(_KEPT)
        waiting = np.empty(len(self), np.int16)
        self.take(waiting)
        self._store = np.zeros(capacity, np.int16)
        self.read = self.written = self._oldest = self.written - waiting.size
        self._append(waiting)
        self.read += kept

    def _append(self, fresh: Samples) -> None:
        at = self.written % self._store.size
        head = min(fresh.size, self._store.size - at)
        self._store[at : at + head] = fresh[:head]
        self._store[: fresh.size - head] = fresh[head:]
        self.written += fresh.size
        self._oldest = max(self._oldest, self.written - self._store.size)
