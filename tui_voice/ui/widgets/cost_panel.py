"""The costs: in total, an hour, of the last reply, of the summaries, and what pruning saves."""

from __future__ import annotations

from textual.reactive import reactive

from tui_voice.ui.number_format import usd
from tui_voice.ui.view import CostFigures
from tui_voice.ui.widgets.line_widget import BlockWidget, StyledText


class CostPanel(BlockWidget):
    """Two columns of figures, which end where those of the window do. `-`: not known yet."""

    DEFAULT_CSS = "CostPanel { height: auto; }"

    cost: reactive[CostFigures] = reactive(CostFigures())

    def lines(self, width: int) -> list[list[StyledText]]:
        cost = self.cost
        total = (self._glyphs.about if cost.estimated else "") + usd(cost.total)
        cached = "-" if cost.cached_share is None else f"{cost.cached_share:.0%}"
        rows: list[list[StyledText]] = [
            [("cost", "strong"), (f"{total:>14}", "words")],
            self._row("last reply", cost.last_reply),
            self._row("summaries", cost.summaries),
        ]
        per_hour = _dollars(cost.per_hour)
        beside = [
            (per_hour if per_hour == "-" else self._glyphs.about + per_hour, "an hour"),
            (cached, "cached"),
            (_dollars(cost.saved_per_hour), "saved/h"),
        ]
        if cost.unknown:
            beside[0] = ("+", "unpriced")
        for row, (figure, unit) in zip(rows, beside, strict=True):
            part = f"{figure:>8} {unit}"
            if sum(len(text) for text, _ in row) + len(part) <= width:
                row.append((part, "quiet"))
        return rows

    def _row(self, name: str, amount: float | None) -> list[StyledText]:
        return [(f"{name:<10}", "machine"), (f"{_dollars(amount):>8}", "machine")]


def _dollars(amount: float | None) -> str:
    return "-" if amount is None else usd(amount)
