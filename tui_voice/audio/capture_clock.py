"""Finds out how late captured sound arrives, from the times at which it arrives.

A device captures steadily, but on a busy machine the thread that takes its sound may wait for a
second: then all of that second arrives at once. Few audio libraries tell when it was captured.
"""

import math

LONGEST_MS = 2_000
"""Milliseconds beyond which the device was at rest, or another one took its place."""
_WINDOW_S = 3.0
"""Seconds after which a lasting delay counts as usual: some sound was lost."""


class CaptureClock:
    """Takes the captured sound of one stream in order."""

    def __init__(self) -> None:
        self._captured_ms = 0.0
        # Milliseconds from the capture of a sample, as counted by the samples, to its arrival:
        self._usual = math.inf
        self._least = math.inf  # since the window began
        self._window_ends = 0.0

    def late_ms(self, length_ms: float, now: float) -> float:
        """Adds sound that arrives at `now` (seconds); returns how much later than usual it is."""
        self._captured_ms += length_ms
        delay = now * 1000 - self._captured_ms
        self._least = min(self._least, delay)
        if now >= self._window_ends:
            self._usual, self._least, self._window_ends = self._least, delay, now + _WINDOW_S
        if not 0 <= delay - self._usual <= LONGEST_MS:
            self._usual = delay
        return delay - self._usual
