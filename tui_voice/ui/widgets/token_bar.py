"""How full the window is: a bar by what it is made of, a tick where summarising begins."""

from __future__ import annotations

from textual.geometry import Region
from textual.reactive import reactive, var

from tui_voice.ui.number_format import plural, spaced, tokens
from tui_voice.ui.view import Gauge
from tui_voice.ui.widgets.card import Card, Part

_FIGURES = 18
"""Column at which the first figure ends."""


def cells(amounts: tuple[float, ...], scale: float, width: int) -> list[int]:
    """Cells for each amount, so that together they end where their sum does."""
    result, drawn, total = [], 0, 0.0
    for amount in amounts:
        total += amount
        end = min(width, round(total / scale * width))
        result.append(max(0, end - drawn))
        drawn = max(drawn, end)
    if total > 0 and drawn == 0:
        result[amounts.index(max(amounts))] = 1
    return result


class WindowCard(Card):
    """`gauge` is a slice of the view; the bar glides from what it showed to what it is told."""

    DEFAULT_CSS = "WindowCard { height: auto; }"

    gauge: var[Gauge] = var(Gauge())
    glide: reactive[float] = reactive(1.0, repaint=False)
    terse: var[bool] = var(False)
    """Without the legend, where rows are few."""

    _from: tuple[float, float, float] = (0.0, 0.0, 0.0)
    _drawn: tuple[int, ...] = ()

    def watch_gauge(self, old: Gauge, new: Gauge) -> None:
        self._from = self._amounts(old)
        shown = self._sizes(old)
        self.set_reactive(WindowCard.glide, 1.0)
        if shown == self._sizes(new):  # the same cells: nothing would be seen to move
            self._drawn = shown
        else:
            self.set_reactive(WindowCard.glide, 0.0)
            self.animate("glide", 1.0, duration=0.35, easing="out_cubic")
        self.refresh()

    def watch_glide(self) -> None:
        sizes = self._sizes(self.gauge)
        if sizes != self._drawn:
            self._drawn = sizes
            self.refresh(Region(0, 1, self.size.width, 1))

    def watch_terse(self) -> None:
        self.refresh(layout=True)

    def _sizes(self, gauge: Gauge) -> tuple[int, ...]:
        """Cells of the bar as it stands on its way."""
        return tuple(cells(self._amounts(gauge), gauge.scale, self.size.width))

    def _amounts(self, gauge: Gauge) -> tuple[float, float, float]:
        glide = self.glide
        now = (gauge.cached, gauge.text, gauge.audio)
        a, b, c = (was + (to - was) * glide for was, to in zip(self._from, now, strict=True))
        return a, b, c

    def lines(self, width: int) -> list[list[Part]]:
        gauge, glyphs = self.gauge, self._glyphs
        total = tokens(gauge.total, exact=gauge.exact)
        head: list[Part] = [
            ("window", "strong"),
            (f"{total:>{_FIGURES - 6}}", "words"),
            (f" of {spaced(gauge.size)} tokens", "quiet"),
        ]
        tick: list[Part] = [(f"{glyphs.tick} ", "machine"), (self._when(), "quiet")]
        if self.terse:
            return [head, self._bar(width), tick]
        return [
            head,
            self._bar(width),
            self._legend("cached", gauge.cached, "cached"),
            self._legend("text", gauge.text, "text"),
            self._legend("audio", gauge.audio, "audio"),
            tick,
        ]

    def _when(self) -> str:
        """When the next pruning comes, and why just then: as wide as the narrow panel."""
        gauge = self.gauge
        place = spaced(gauge.trigger)
        match gauge.why:
            case "server":
                return f"server drops turns from {place} on"
            case _ if gauge.total >= gauge.trigger and gauge.why != "none older":
                return "full: summarises at the next pause"
            case "none older":
                return "full: nothing older than kept turns"
            case "refused":
                return f"summarises at {place}, not at {spaced(gauge.wanted)}"
            case "regrowing":
                return f"regrows to {place}, then summarises"
            case "forgetful":
                return f"summarises at {place}: cache forgets"
            case "unpaid":
                return f"summarises at {place}, or if it pays"
            case "only text":
                return f"text until {place}, then summarises"
        return f"summarises at {place}, keeps {plural(gauge.keep, 'turn')}"

    def _legend(self, name: str, amount: int, style: str) -> list[Part]:
        glyphs = self._glyphs
        swatch = getattr(glyphs, style) if glyphs.ascii else glyphs.swatch
        return [
            (f"{swatch} ", style),
            (f"{name:<8}", "machine"),
            (f"{tokens(amount, exact=self.gauge.exact):>{_FIGURES - 10}}", "machine"),
        ]

    def _bar(self, width: int) -> list[Part]:
        gauge, glyphs = self.gauge, self._glyphs
        sizes = self._drawn = tuple(cells(self._amounts(gauge), gauge.scale, width))
        names = ("cached", "text", "audio")
        row: list[Part] = []
        for size, name in zip(sizes, names, strict=True):
            row += [(getattr(glyphs, name), name)] * size
        row += [(glyphs.free, "rule")] * (width - len(row))
        tick = round(gauge.trigger / gauge.scale * width)
        if 0 <= tick < width:
            row[tick] = (glyphs.tick, "words")
        return row
