"""The side panel as one line, where there is no room beside the talk."""

from __future__ import annotations

from textual.reactive import reactive

from tui_voice.ui.number_format import plural, spaced, tokens, usd
from tui_voice.ui.pruning_rows import Pruning
from tui_voice.ui.view import Cost, Gauge
from tui_voice.ui.widgets.card import Card, Part


class PanelLine(Card):
    DEFAULT_CSS = "Brief { height: 1; width: 1fr; }"

    gauge: reactive[Gauge] = reactive(Gauge())
    cost: reactive[Cost] = reactive(Cost())
    prunings: reactive[tuple[Pruning, ...]] = reactive(())
    key: reactive[str] = reactive("F2")

    def lines(self, width: int) -> list[list[Part]]:
        gauge, glyphs = self.gauge, self._glyphs
        window = tokens(gauge.total, exact=gauge.exact)
        limit = spaced(gauge.trigger)
        parts: list[Part] = [
            (" window ", "quiet"),
            (f"{window:>{len(limit) + 1}}", "machine"),
            (f" of {limit}", "quiet"),
        ]
        more = [f"{glyphs.about} {usd(self.cost.per_hour)} an hour"] if self.cost.per_hour else []
        done = sum(1 for pruning in self.prunings if pruning.stage == "done")
        more.append(plural(done, "pruning"))
        more.append(f"{self.key} shows more")
        for text in more:
            room = width - sum(len(part) for part, _ in parts)
            if len(text) + 3 <= room:
                parts.append((f" {glyphs.dot} {text}", "quiet"))
        return [parts]
