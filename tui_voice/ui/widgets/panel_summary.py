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
        gauge, glyphs = self.gauge, self._glyphs
        window = tokens(gauge.total, exact=gauge.exact)
        limit = spaced(gauge.trigger)
        parts: list[StyledText] = [
            (" window ", "quiet"),
            (f"{window:>{len(limit) + 1}}", "machine"),
            (f" of {limit}", "quiet"),
        ]
        more = [f"{glyphs.about} {usd(self.cost.per_hour)} an hour"] if self.cost.per_hour else []
        done = sum(1 for row in self.pruning_rows if row.stage == "done")
        more.append(plural(done, "pruning"))
        more.append(f"{self.key} shows more")
        for text in more:
            room = width - sum(len(part) for part, _ in parts)
            if len(text) + 3 <= room:
                parts.append((f" {glyphs.dot} {text}", "quiet"))
        return [parts]
