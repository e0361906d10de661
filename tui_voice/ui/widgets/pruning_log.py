"""What was forgotten: one row for each pruning, newest first, and what it weighed."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive, var

from tui_voice.ui.number_format import plural, spaced, usd
from tui_voice.ui.pruning_rows import Pruning
from tui_voice.ui.widgets.card import Card, Part
from tui_voice.ui.wrapping import clean, fit


class PruningLog(Card, can_focus=True):
    """Up and down choose a row, Enter opens it."""

    DEFAULT_CSS = "PruningLog { height: auto; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", "newer", show=False),
        Binding("down", "choose(1)", "older", show=False),
        Binding("enter", "open", "read", show=False),
    ]

    prunings: reactive[tuple[Pruning, ...]] = reactive((), layout=True)
    cursor: reactive[int] = reactive(0)
    first: var[int] = var(0)
    """The first row drawn."""

    class Opened(Message):
        def __init__(self, pruning: Pruning) -> None:
            super().__init__()
            self.pruning = pruning

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self.prunings) - 1))

    def watch_cursor(self, cursor: int) -> None:
        rows = max(1, (self.size.height - 1) // 2)
        self.first = min(max(self.first, cursor - rows + 1), cursor)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def lines(self, width: int) -> list[list[Part]]:
        head: list[Part] = [("pruning log", "strong")]
        if self.has_focus and self.prunings:
            head.append(("   Enter reads it", "quiet"))
        if not self.prunings:
            return [head, [("nothing pruned yet", "quiet")]]
        rows = [head]
        for number, pruning in enumerate(self.prunings[self.first :], self.first):
            rows += self._row(pruning, width, self.has_focus and number == self.cursor)
        return rows

    def _row(self, pruning: Pruning, width: int, chosen: bool) -> list[list[Part]]:
        glyphs = self._glyphs
        turns = plural(pruning.turns, "turn")
        after = glyphs.more if pruning.after is None else spaced(pruning.after)
        weights = f"{spaced(pruning.before):>7} {glyphs.arrow} {after:>6}"
        dot = f" {glyphs.dot} "
        if pruning.kind == "limits":
            first, second = self._judged(pruning)
        elif pruning.stage == "failed":
            first = f"{glyphs.warning} not done: kept all {turns}"
            second = clean(pruning.error).replace("\n", " ")
        elif pruning.stage == "running":
            verb = {
                "summary": "summarising",
                "textify": "to text:",
                "voice": "to notes:",
                "restore": "putting back",
            }
            first, second = f"{verb[pruning.kind]} {turns}{glyphs.more}", weights.strip()
        elif pruning.kind == "summary":
            first = weights
            costs = [turns, f"{pruning.seconds:.1f} s"]
            if pruning.worth is not None:
                costs.append(f"-{usd(pruning.worth.usd_per_hour)}/h")
            elif pruning.usd is not None:
                costs.append(usd(pruning.usd))
            second = dot.join(costs)
        else:
            verb = {"textify": "textified", "voice": "to notes", "restore": "put back"}
            first, second = f"{verb[pruning.kind]} {turns}", weights.strip()
        mark = glyphs.prompt if chosen else " "
        style = "chosen" if chosen else "machine"
        lead = f"{pruning.when:<6}"
        room = width - len(lead) - 2
        more = glyphs.more
        return [
            [(lead, "quiet"), (f"{mark} ", "words"), (fit(first, room, more), style)],
            [(" " * (len(lead) + 2), "quiet"), (fit(second, room, more), "quiet")],
        ]

    def _judged(self, row: Pruning) -> tuple[str, str]:
        """The user's trigger was refused, or fits again; the page says it in full."""
        wanted, instead = spaced(row.before), spaced(row.after or 0)
        if row.stage == "done":
            return f"trigger {wanted} fits again", f"{plural(row.turns, 'kept turn')} leave room"
        first = f"{self._glyphs.warning} trigger {wanted} is too low"
        if row.after == row.before:
            return first, "for a usual talk"
        return first, f"pruning from {instead} on instead"

    def action_choose(self, by: int) -> None:
        self.cursor += by

    def action_open(self) -> None:
        if self.prunings:
            self.post_message(self.Opened(self.prunings[min(self.cursor, len(self.prunings) - 1)]))

    def on_click(self, event: events.Click) -> None:
        if self.prunings and event.y >= 1:
            self.cursor = self.first + (event.y - 1) // 2
            self.action_open()
