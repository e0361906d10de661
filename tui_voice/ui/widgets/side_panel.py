"""The side panel: how full the window is, the costs, the pruning log, the memory."""

from __future__ import annotations

from time import monotonic

from textual.app import ComposeResult
from textual.timer import Timer

from tui_voice.ui.glyphs import Glyphs
from tui_voice.ui.view import SessionView, WindowGauge
from tui_voice.ui.widgets.cost_panel import CostPanel
from tui_voice.ui.widgets.kept_lines import Rows
from tui_voice.ui.widgets.memory_panel import MemoryPanel
from tui_voice.ui.widgets.pane import Pane
from tui_voice.ui.widgets.panel_summary import PanelSummary
from tui_voice.ui.widgets.pruning_log import PruningLog
from tui_voice.ui.widgets.window_panel import WindowPanel

ESTIMATE_SECONDS = 0.5
"""Between two drawings of an estimated window while a reply streams in."""


class SidePanel(Rows):
    """Shows its parts of the view, and the same figures in the one-line summary below it."""

    DEFAULT_CSS = "SidePanel { height: 100%; }"

    def __init__(self, summary: PanelSummary, *, glyphs: Glyphs) -> None:
        super().__init__()
        self._summary = summary
        self._window = WindowPanel(glyphs=glyphs, id="window")
        self._cost = CostPanel(glyphs=glyphs, id="cost")
        self._log = PruningLog(glyphs=glyphs, id="log")
        self._memory = MemoryPanel(glyphs=glyphs, id="memory")
        self._gauge = WindowGauge()
        self._gauge_drawn_at = 0.0
        self._gauge_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        yield self._window
        yield self._cost
        yield Pane(self._log, id="log-pane")
        yield Pane(self._memory, id="memory-pane")

    def show(self, view: SessionView) -> None:
        self._gauge = view.gauge
        self._show_gauge()
        self._cost.cost = self._summary.cost = view.cost
        self._log.rows = self._summary.pruning_rows = view.pruning_rows
        self._memory.facts = view.facts

    def set_low(self, low: bool) -> None:
        """Leaves out the legend of the window on a screen with few rows."""
        self._window.terse = low

    def _show_gauge(self) -> None:
        """Draws a count of the server at once, but estimates at most every half a second: they
        change with every word, and nobody reads figures that run.
        """
        gauge, shown = self._gauge, self._window.gauge
        if gauge == shown:
            return
        estimates = not (gauge.exact or shown.exact)
        if estimates and monotonic() - self._gauge_drawn_at < ESTIMATE_SECONDS:
            if self._gauge_timer is None:
                self._gauge_timer = self.set_timer(ESTIMATE_SECONDS, self._show_gauge)
            return
        if self._gauge_timer is not None:
            self._gauge_timer.stop()
            self._gauge_timer = None
        self._gauge_drawn_at = monotonic()
        self._window.gauge = self._summary.gauge = gauge
