"""When the session screen is drawn: after a change, at most 20 times a second, and each second."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from textual.timer import Timer

from tui_voice.ui.attention import signals, what_ended
from tui_voice.ui.open_session import OpenSession
from tui_voice.ui.options import AppOptions
from tui_voice.ui.session_dialogs import SessionDialogs

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App

    from tui_voice.ui.screens.session import SessionScreen

FRAME = 0.05
"""Seconds between two drawings of a session while it changes."""


class SessionDrawing:
    """Shows the newest snapshot of the open session, its meters and its sound levels."""

    def __init__(
        self,
        app: App[Any],
        screen: Callable[[], SessionScreen],
        options: AppOptions,
        session: OpenSession,
        dialogs: SessionDialogs,
    ) -> None:
        """`screen` returns the session screen, which is made after this."""
        self._app = app
        self._screen = screen
        self._options = options
        self._session = session
        self._dialogs = dialogs
        self._timer: Timer | None = None
        self._drawn_at = 0.0

    def start(self) -> None:
        """Sets the timers; the one for the levels runs only while a level may change."""
        self._level_timer = self._app.set_interval(1 / 20, self._draw_levels, pause=True)
        self._app.set_interval(1.0, self.read_meters)

    def draw_soon(self) -> None:
        """Draws at once, or at the end of the frame: many deltas a second are one drawing."""
        if self._timer is not None:
            return
        left = self._drawn_at + FRAME - monotonic()
        if left <= 0:
            self._draw_newest()
        else:
            self._timer = self._app.set_timer(left, self._draw_newest)

    def _draw_newest(self) -> None:
        self._timer = None
        if self._session.take_newest():
            self.draw()

    def draw(self) -> None:
        """Shows the view of the newest snapshot; widgets whose part is equal draw nothing."""
        self._drawn_at = monotonic()
        app, screen = self._app, self._screen()
        view = self._session.view(screen.view)
        if view is None:
            return
        before = screen.view.status.state
        screen.show(view)
        if not app.app_focus and app._driver is not None:
            snapshot, ended = self._session.snapshot, what_ended(before, view.status.state)
            if ended and snapshot is not None:
                app._driver.write(signals(ended, snapshot.ledger, self._options))
        if screen.level_moves:
            self._level_timer.resume()

    def read_meters(self) -> None:
        """Every second: shows what changes without an event, such as the time."""
        if self._session.handle is None:
            return
        app, screen = self._app, self._screen()
        meters = self._session.handle.meters()
        if self._session.update_meters(meters) or screen.view.notice.can_dismiss:
            self.draw()  # a notice that can be dismissed also ends by itself
        screen.header.seconds = int(self._session.seconds)
        screen.status.progress = meters.progress
        screen.set_microphone(available=meters.has_microphone)
        self._dialogs.follow_calls(meters.approval, lambda: app.screen is screen)

    def _draw_levels(self) -> None:
        screen = self._screen()
        if self._session.handle is not None:
            screen.status.draw_level(self._session.handle.meters())
        if not screen.level_moves and screen.status.silent_level:
            self._level_timer.pause()
