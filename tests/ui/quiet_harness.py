"""Waits until an application has nothing to do, as its event loop and its timers show.

Textual's pilot would wake every widget, sleep for 20 ms, and measure the processor time of the
process. A test waits some twenty times, so the waiting took more than the test.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
import textual.app
import textual.pilot
from textual._context import active_app
from textual.app import ScreenStackError
from textual.pilot import Pilot

SOON_S = 0.15
"""A timer as short as this belongs to what has been done: to draw a session at the end of a frame,
for example, or to filter a list once the user has typed.
"""


async def _no_task_runs() -> None:
    loop: Any = asyncio.get_running_loop()  # the queue of what can run has no public name
    await asyncio.sleep(0)
    while loop._ready:  # noqa: ASYNC110  # no event tells this
        await asyncio.sleep(0)


async def _all_is_drawn(*_durations: float) -> None:
    """Waits until all messages are handled, and what they changed is drawn."""
    await _no_task_runs()
    with suppress(ScreenStackError):  # the application has ended
        screen: Any = active_app.get().screen
        screen._on_timer_update()
        await _no_task_runs()


async def _app_is_quiet(pilot: Pilot[Any], _timeout: float = 30.0) -> bool:
    """Waits until all is drawn and no short timer is left."""
    while True:
        await _all_is_drawn()
        try:
            screen: Any = pilot.app.screen
        except ScreenStackError:
            return False  # the application has ended
        timers = [
            timer._task
            for pump in (pilot.app, *screen.walk_children(with_self=True))
            for timer in pump._timers
            if timer._repeat == 0 and timer._interval <= SOON_S
        ]
        if not (running := [task for task in timers if task and not task.done()]):
            return True
        await asyncio.wait(running)


async def next_reading(screen: Any) -> None:
    """Waits for the time after which a screen reads anew what it shows, if it does so often."""
    readings = [
        timer._interval
        for timer in screen._timers
        if timer._repeat is None and timer._active.is_set() and timer._interval <= SOON_S
    ]
    await asyncio.sleep(max(readings, default=0) + 0.01)


def use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets Textual's pilot wait this way."""
    monkeypatch.setattr(textual.app, "wait_for_idle", _all_is_drawn)
    monkeypatch.setattr(textual.pilot, "wait_for_idle", _all_is_drawn)
    monkeypatch.setattr(Pilot, "_wait_for_screen", _app_is_quiet)
