"""The costs: in total, an hour, of the last reply, of the summaries."""

from __future__ import annotations

from textual.reactive import reactive

from tui_voice.ui.number_format import usd
from tui_voice.ui.view import CostFigures
from tui_voice.ui.widgets.line_widget import BlockWidget, StyledText


class CostPanel(BlockWidget):
    DEFAULT_CSS = "CostPanel { height: auto; }"

    cost: reactive[CostFigures] = reactive(CostFigures())

    def lines(self, width: int) -> list[list[StyledText]]:
        cost, glyphs = self.cost, self._glyphs
        head: list[StyledText] = [("cost", "strong"), (f"{usd(cost.total):>14}", "words")]
        if cost.estimated:
            head.append((" estimated", "quiet"))
        if cost.unknown:
            head.append((" and replies without a price", "quiet"))
        elif cost.per_hour is not None:
            head.append((f"   {glyphs.about} {usd(cost.per_hour)} an hour", "quiet"))
        reply = "-" if cost.last_reply is None else usd(cost.last_reply)
        rows = [
            head,
            self._row("last reply", reply),
            self._row("summaries", usd(cost.summaries)),
        ]
        if cost.saved_per_hour is not None:
            saved = usd(cost.saved_per_hour)
            rows[2].append((f"   pruning saves {saved} an hour", "quiet"))
        if cost.cached_share is not None:
            rows[1].append((f"   {cost.cached_share:.0%} of input cached", "quiet"))
        return [row if sum(len(text) for text, _ in row) <= width else row[:2] for row in rows]

    def _row(self, name: str, figure: str) -> list[StyledText]:
        return [(f"{name:<10}", "machine"), (f"{figure:>8}", "machine")]
