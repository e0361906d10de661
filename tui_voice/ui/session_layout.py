"""Which parts the session screen shows, by its size, the settings and what the user asked for."""

from __future__ import annotations

from tui_voice.ui.options import AppOptions

WIDE = 100
"""Columns from which the side panel has room beside the transcript."""
LOW, TINY = 32, 16
"""Rows below which the screen leaves out what it can do without."""


class SessionLayout:
    """The parts that the user showed or hid stay so until they change it again."""

    def __init__(self, options: AppOptions) -> None:
        self._options = options
        self.panel: bool | None = None
        """Whether the user wants the side panel; None: as the settings and the width say."""
        self.timeline: bool | None = None
        """Whether the user wants the timeline; None: as the settings and the height say."""

    def classes(self, width: int, height: int, *, turns: bool) -> frozenset[str]:
        """Returns the CSS classes of the screen for its size. `turns`: there are turns."""
        panel = self._options.side_panel and width >= WIDE
        if self.panel is not None:
            panel = self.panel
        timeline = self._options.timeline and height >= LOW
        if self.timeline is not None:
            timeline = self.timeline and height >= TINY
        classes = {
            "-panel": panel,
            "-timeline": timeline and turns,
            "-narrow": width < WIDE,
            "-low": height < LOW,
            "-tiny": height < TINY,
        }
        return frozenset(name for name, holds in classes.items() if holds)
