"""How full the window is: a bar of cached, text and audio tokens, with a tick at the trigger."""

from __future__ import annotations

from textual.geometry import Region
from textual.reactive import reactive, var

from tui_voice.ui.number_format import plural, spaced, tokens
from tui_voice.ui.view import WindowGauge
from tui_voice.ui.widgets.line_widget import BlockWidget, StyledText

_FIGURES_END = 18
"""Column at which the figures end."""


def cells(amounts: tuple[float, ...], scale: float, width: int) -> list[int]:
    """Returns the cells for each amount; their sum is rounded once, not each of them."""
    result, drawn, total = [], 0, 0.0
    for amount in amounts:
        total += amount
        end = min(width, round(total / scale * width))
        result.append(max(0, end - drawn))
        drawn = max(drawn, end)
    if total > 0 and drawn == 0:
        result[amounts.index(max(amounts))] = 1
    return result


class WindowPanel(BlockWidget):
    """Shows a gauge. The bar glides from the old amounts to the new ones."""

    DEFAULT_CSS = "WindowPanel { height: auto; }"

    gauge: var[WindowGauge] = var(WindowGauge())
    glide: reactive[float] = reactive(1.0, repaint=False)
    terse: var[bool] = var(False)
    """Without the legend, for a screen with few rows."""

    _from: tuple[float, float, float] = (0.0, 0.0, 0.0)
    _drawn: tuple[int, ...] = ()

    def watch_gauge(self, old: WindowGauge, new: WindowGauge) -> None:
        self._from = self._amounts(old)
        shown = self._sizes(old)
        self.set_reactive(WindowPanel.glide, 1.0)
        if shown == self._sizes(new):  # no cell differs, so there is nothing to animate
            self._drawn = shown
        else:
            self.set_reactive(WindowPanel.glide, 0.0)
            self.animate("glide", 1.0, duration=0.35, easing="out_cubic")
        self.refresh()

    def watch_glide(self) -> None:
        sizes = self._sizes(self.gauge)
        if sizes != self._drawn:
            self._drawn = sizes
            self.refresh(Region(0, 1, self.size.width, 1))

    def watch_terse(self) -> None:
        self.refresh(layout=True)

    def _sizes(self, gauge: WindowGauge) -> tuple[int, ...]:
        """Returns the cells of each part at this step of the animation."""
        return tuple(cells(self._amounts(gauge), gauge.scale, self.size.width))

    def _amounts(self, gauge: WindowGauge) -> tuple[float, float, float]:
        """Returns cached, text and audio tokens at this step of the animation."""
        glide = self.glide
        now = (gauge.cached, gauge.text, gauge.audio)
        a, b, c = (was + (to - was) * glide for was, to in zip(self._from, now, strict=True))
        return a, b, c

    def lines(self, width: int) -> list[list[StyledText]]:
        gauge = self.gauge
        total = tokens(gauge.total, exact=gauge.exact)
        head: list[StyledText] = [
            ("window", "strong"),
            (f"{total:>{_FIGURES_END - 6}}", "words"),
            (f" of {spaced(gauge.size)} tokens", "quiet"),
        ]
        rows = [head, self._bar(width), self._scale(width)]
        if self.terse:
            return rows
        return [
            *rows,
            self._legend("cached", gauge.cached, "cached"),
            self._legend("text", gauge.text, "text"),
            self._legend("audio", gauge.audio, "audio"),
            [(self._why(), "quiet")],
        ]

    def _scale(self, width: int) -> list[StyledText]:
        """Returns the labels under the bar: of the tick, and of the bar's end."""
        gauge, glyphs = self.gauge, self._glyphs
        what = "server drops from" if gauge.why == "server" else "summary at"
        label, tick, end = f"{what} {spaced(gauge.trigger)}", self._tick(width), spaced(gauge.scale)
        parts: list[StyledText]
        if tick >= len(label) + 1:
            parts = [(f"{label:>{tick - 1}} ", "machine"), (glyphs.tick, "words")]
        else:
            parts = [(" " * tick, "quiet"), (glyphs.tick, "words"), (f" {label}", "machine")]
        room = width - sum(len(text) for text, _ in parts)
        if len(end) < room:
            parts.append((f"{end:>{room}}", "quiet"))
        return parts

    def _tick(self, width: int) -> int:
        """Returns the column of the tick."""
        return min(width - 1, round(self.gauge.trigger / self.gauge.scale * width))

    def _why(self) -> str:
        """Returns what to know about the next summary; at most 37 columns."""
        gauge = self.gauge
        match gauge.why:
            case "server":
                return "the server drops the oldest turns"
            case _ if gauge.total >= gauge.trigger and gauge.why != "none older":
                return "full: summarises at the next pause"
            case "none older":
                return "full: nothing older than kept turns"
            case "refused":
                return f"not at {spaced(gauge.wanted)}: kept turns need more"
            case "regrowing":
                return "not sooner: it was summarised lately"
            case "forgetful":
                return "sooner, since the cache forgets"
            case "unpaid":
                return "or sooner, as soon as it pays"
            case "only text":
                return "until then, sound becomes text"
        return f"keeps the newest {plural(gauge.keep, 'turn')}"

    def _legend(self, name: str, amount: int, style: str) -> list[StyledText]:
        glyphs = self._glyphs
        swatch = getattr(glyphs, style) if glyphs.ascii else glyphs.swatch
        return [
            (f"{swatch} ", style),
            (f"{name:<8}", "machine"),
            (f"{tokens(amount, exact=self.gauge.exact):>{_FIGURES_END - 10}}", "machine"),
        ]

    def _bar(self, width: int) -> list[StyledText]:
        gauge, glyphs = self.gauge, self._glyphs
        sizes = self._drawn = tuple(cells(self._amounts(gauge), gauge.scale, width))
        names = ("cached", "text", "audio")
        row: list[StyledText] = []
        for size, name in zip(sizes, names, strict=True):
            row += [(getattr(glyphs, name), name)] * size
        row += [(glyphs.free, "rule")] * (width - len(row))
        row[self._tick(width)] = (glyphs.tick, "words")
        return row
