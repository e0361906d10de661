"""The side panel as one line, where there is no room for it beside the transcript."""

from __future__ import annotations

from textual.reactive import reactive

from tui_voice.ui.number_format import plural, spaced, tokens, usd
from tui_voice.ui.pruning_rows import PruningRow
from tui_voice.ui.view import CostFigures, WindowGauge
from tui_voice.ui.widgets.line_widget import BlockWidget, StyledText


class PanelSummary(BlockWidget):
    DEFAULT_CSS = "PanelSummary { height: 1; width: 1fr; }"

    gauge: reactive[WindowGauge] = reactive(WindowGauge())
    cost: reactive[CostFigures] = reactive(CostFigures())
    pruning_rows: reactive[tuple[PruningRow, ...]] = reactive(())
    key: reactive[str] = reactive("F2")
    """Name of the key that shows the panel."""

    def lines(self, width: int) -> list[list[StyledText]]:
        """Returns the window, then as many of the others as fit, and the key."""
        gauge, glyphs = self.gauge, self._glyphs
        window = tokens(gauge.total, exact=gauge.exact)
        trigger = spaced(gauge.trigger)
        parts: list[StyledText] = [
            (" window ", "quiet"),
            (f"{window:>{len(trigger) + 1}}", "machine"),
            (f" tokens, summary at {trigger}", "quiet"),
        ]
        done = sum(1 for row in self.pruning_rows if row.stage == "done")
        more = [plural(done, "pruning")]
        if self.cost.per_hour is not None:
            more.insert(0, f"{glyphs.about + usd(self.cost.per_hour):>7} an hour")
        key = f" {glyphs.dot} {self.key} panel"
        for text in more:
            room = width - sum(len(part) for part, _ in parts) - len(key)
            if len(text) + 3 <= room:
                parts.append((f" {glyphs.dot} {text}", "quiet"))
        return [[*parts, (key, "quiet")]]
