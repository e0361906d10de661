"""Opens the screens of the screen table over the session screen, and takes their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.app import App

from tui_voice.ui.screen_context import ScreenContext
from tui_voice.ui.screen_table import SCREENS


class Navigator:
    """The application owns one. It needs nothing of the application but its stack of screens."""

    def __init__(self, app: App[Any], context: Callable[[], ScreenContext]) -> None:
        """`context` returns what a screen may know at the moment it is opened."""
        self._app = app
        self._context = context

    def open(self, name: str) -> None:
        """Opens a screen by its name in the table."""
        spec, context = SCREENS[name], self._context()

        def closed(result: Any) -> None:
            if result is not None:
                spec.on_result(context, result)

        self._app.push_screen(spec.create(context), closed)
