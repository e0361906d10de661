"""Detects that this machine was asleep: the wall clock has moved on, but no timer has."""

from __future__ import annotations

import asyncio
import time

TOLERANCE_S = 5.0
"""Seconds by which the wall clock must be ahead of our timer to count as a sleep."""

CHECK_S = 30.0
"""Seconds between two readings of the wall clock in `wait_until`."""


async def wait_for_wake(check_s: float) -> None:
    """Returns after this machine was asleep, or stopped for another reason.

    Connections that were open before may then be dead without any error. The wall clock is read
    every `check_s` seconds. A wall clock that is set forward has the same effect: one needless
    ping.
    """
    while True:
        before = time.time()
        await asyncio.sleep(check_s)
        if time.time() - before > check_s + TOLERANCE_S:
            return


async def wait_until(unix_s: float) -> None:
    """Returns at this time of day, or at the next wake after it."""
    while True:
        left_s = unix_s - time.time()
        if left_s <= 0:
            return
        await asyncio.sleep(min(left_s, CHECK_S))
