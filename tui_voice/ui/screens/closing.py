"""Screens that close themselves alone.

Textual's `dismiss` closes whatever screen is on top. So a click on `Esc back` that is handled when
another screen has already come, or that is handled twice, would close another screen, and the app
would end with an error when the first one closes.
"""

from __future__ import annotations

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, Screen, ScreenResultType


class OwnScreen(Screen[ScreenResultType]):
    """A screen that is opened over the session screen."""

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Closes the screen with a result where it is on top; otherwise it does nothing."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def dismiss_next(self, result: ScreenResultType) -> None:
        """Closes the screen with a result as soon as the one over it, which closes, is gone."""

        def close() -> None:
            self.dismiss(result)

        self.call_next(close)


class OwnModalScreen(OwnScreen[ScreenResultType], ModalScreen[ScreenResultType]):
    """A dialog."""
