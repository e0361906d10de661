"""Three shortened hours of a session: no turn is lost, and the process does not grow.

`benchmarks/soak.py` runs more hours.
"""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from tests.runtime.soak_harness import left_behind, soak

MAX_GROWTH = 5 * 2**20
"""Bytes of Python objects that may be added after the first hour."""


@pytest.mark.slow
async def test_hours_of_a_session_leave_nothing_behind(tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        hours = [hour async for hour in soak(tmp_path, hours=3, exchanges=45, breaks=1, cap_s=3.0)]
    finally:
        tracemalloc.stop()
    first, last = hours[0], hours[-1]
    assert last.turns == 3 * 45 * 2
    assert sum(hour.breaks for hour in hours) >= 3
    assert all(hour.handovers for hour in hours)
    assert sum(hour.prunings for hour in hours) >= 1
    assert last.held - first.held < MAX_GROWTH
    assert left_behind(hours) == (0, 0, 0)
