"""The timeline: a strip above the transcript with one column for each turn.

The upper line is as high as the turn's tokens. The lower line says what the turn is: live (a line),
textified (a broken line), summarised (dots) or pinned (its sign).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from tui_voice.ui.glyphs import Glyphs
from tui_voice.ui.timeline_cells import Cell, TimelineCells
from tui_voice.ui.widgets.line_widget import LineWidget

if TYPE_CHECKING:
    from tui_voice.conversation.turns import Turn, Turns


class Timeline(LineWidget, can_focus=True):
    """Left and right go from cell to cell, and the transcript goes with them; a click does, too."""

    DEFAULT_CSS = "Timeline { height: 2; }"
    PANE_NAME = "timeline"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", "go to a turn", key_display="←→"),
        Binding("right", "move(1)", "newer turn", show=False),
        Binding("home", "move_to(0)", "first", key_display="Home"),
        Binding("end", "move_to(-1)", "newest", key_display="End"),
    ]

    class Jumped(Message):
        """The user wants to see a turn."""

        def __init__(self, turn: Turn) -> None:
            super().__init__()
            self.turn = turn

    def __init__(self, *, glyphs: Glyphs, id: str | None = None) -> None:
        super().__init__(glyphs=glyphs, id=id)
        self._cells = TimelineCells()
        self._turns: Turns | None = None
        self._chosen: int | None = None

    def show(self, turns: Turns | None) -> None:
        """Shows these turns; draws nothing where no cell changed."""
        self._turns = turns
        if self._fit():
            self.refresh()

    def _fit(self) -> bool:
        """Makes the cells for the width of now. Returns whether one changed; the width is 0 while
        the strip is hidden. Also called before the cells are used: when a hidden widget is shown
        and gets the focus at once, Textual tells it neither that nor its size.
        """
        turns, width = self._turns, self.size.width
        return turns is not None and width > 0 and self._cells.update(turns, width)

    def choose(self, turn_id: str | None) -> None:
        """Marks the cell of the turn that is chosen in the transcript."""
        chosen = self._cells.cell_of_turn(turn_id) if turn_id else None
        if chosen != self._chosen:
            self._chosen = chosen
            self.refresh()

    def on_resize(self) -> None:
        self.show(self._turns)

    def on_focus(self) -> None:
        if self._chosen is None:
            self.action_move_to(-1)

    # ── drawing ─────────────────────────────────────────────────────────────────────────────

    def render_line(self, y: int) -> Strip:
        self._fit()
        styles, ground = self.styles_and_ground
        segments = []
        for number, cell in enumerate(self._cells.cells):
            text, name = self._sign(cell, y)
            style = ground + styles[name]
            if number == self._chosen:
                style = ground + styles["words"] + Style(reverse=y > 0)
            segments.append(Segment(text, style))
        return Strip(segments).adjust_cell_length(self.size.width, ground).simplify()

    def _sign(self, cell: Cell, y: int) -> tuple[str, str]:
        """Returns the character of a cell in a line, and the name of its style."""
        glyphs = self._glyphs
        colour = {"user": "user", "assistant": "voice"}.get(cell.role, "machine")
        if y == 0:
            faded = cell.mark in ("summarised", "")
            return glyphs.levels[cell.level], "quiet" if faded else colour
        signs = {
            "pinned": glyphs.pinned,
            "live": glyphs.rule,
            "textified": glyphs.broken,
            "summarised": glyphs.dotted,
        }
        return signs.get(cell.mark, " "), "words" if cell.mark == "pinned" else "quiet"

    # ── keys and clicks ─────────────────────────────────────────────────────────────────────

    def action_move(self, by: int) -> None:
        self._fit()
        last = len(self._cells.cells) - 1
        self._jump(max(0, min(last, (last if self._chosen is None else self._chosen) + by)))

    def action_move_to(self, cell: int) -> None:
        """Goes to a cell; -1: the last."""
        self._fit()
        self._jump(cell % max(1, len(self._cells.cells)))

    def on_click(self, event: events.Click) -> None:
        self._jump(min(event.x, len(self._cells.cells) - 1))

    def _jump(self, cell: int) -> None:
        turn = self._cells.turn_at(cell)
        if turn is not None:
            self._chosen = cell
            self.refresh()
            self.post_message(self.Jumped(turn))
