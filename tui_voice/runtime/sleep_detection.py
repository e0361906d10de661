"""The clock on the wall, which goes on while the machine sleeps and all timers stand still."""

from __future__ import annotations

import asyncio
import time

SLACK_S = 5.0
"""A clock that goes on so much further than we waited has run while we stood still."""

LOOK_S = 30.0
"""So often the clock on the wall is looked at when a time is waited for."""


async def woken(tick: float) -> None:
    """Returns once the machine was asleep, or stood still for another reason: lines that stood
    before may be dead without a word. Looks every `tick` seconds. That somebody sets the clock is
    taken for a sleep, which costs one ping.
    """
    while True:
        before = time.time()
        await asyncio.sleep(tick)
        if time.time() - before > tick + SLACK_S:
            return


async def until(unix_s: float) -> None:
    """Returns at this time of day, or at waking up behind it."""
    while True:
        left = unix_s - time.time()
        if left <= 0:
            return
        await asyncio.sleep(min(left, LOOK_S))
