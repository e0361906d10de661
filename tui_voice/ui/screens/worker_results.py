"""How a thread hands its result to the screen that began it, which may be closed by then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.screen import Screen


def show_result(screen: Screen[Any], show: Callable[..., object], *arguments: object) -> None:
    """Calls `show` with the arguments in the thread of the app; does nothing once the screen is
    closed, whose widgets are gone. Call it in a worker's thread.
    """

    def show_if_open() -> None:
        if screen in screen.app.screen_stack:
            show(*arguments)

    screen.app.call_from_thread(show_if_open)
