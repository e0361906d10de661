"""How long a test waits for an event before it fails: longer on a slow or a busy machine.

A wait that ends with its event costs nothing when its limit is long. The limits in the tests are
those of a quiet machine. `patience` multiplies them by the time that a fixed piece of work takes
here and now, compared with its time on such a machine.
"""

from __future__ import annotations

import time

REFERENCE_S = 0.005
"""Seconds that the piece of work takes on a quiet machine."""
MEASURED_FOR_S = 20.0
"""Seconds for which a measurement is used."""
MOST = 10.0
LOWER_PRIORITY = 10
"""Added to the nice value of a test process without real-time sound, and of its programs."""

_measured: tuple[float, float] = (0.0, -MEASURED_FOR_S)  # the factor, and when it was measured


def slowness() -> float:
    """Returns how much slower than a quiet machine this one is now, from 1 to `MOST`."""
    global _measured
    if time.monotonic() - _measured[1] >= MEASURED_FOR_S:
        worst = max(_work_s() for _ in range(4))
        _measured = min(MOST, max(1.0, worst / REFERENCE_S)), time.monotonic()
    return _measured[0]


def patience(seconds: float) -> float:
    """Returns the limit of a wait that ends within `seconds` on a quiet machine."""
    return seconds * slowness()


def _work_s() -> float:
    begin = time.perf_counter()
    sum(range(300_000))
    return time.perf_counter() - begin
