"""The list of commands above the prompt, while the user types one."""

from __future__ import annotations

from collections.abc import Callable

from textual.reactive import reactive

from tui_voice.ui.glyphs import Glyphs
from tui_voice.ui.slash_commands import MOST_SHOWN, Suggestion, parse
from tui_voice.ui.widgets.line_widget import BlockWidget, StyledText
from tui_voice.ui.wrapping import clean, fit


class SlashCommandList(BlockWidget):
    """Follows the text of the prompt. It never has the focus; the prompt hands it its keys."""

    DEFAULT_CSS = "SlashCommandList { height: auto; width: 1fr; display: none; }"

    _rows: reactive[tuple[tuple[Suggestion, ...], int]] = reactive(((), -1), layout=True)

    def __init__(
        self, suggestions: Callable[[str], list[Suggestion]], *, glyphs: Glyphs, id: str
    ) -> None:
        """`suggestions(text)` returns how a text may be completed."""
        super().__init__(glyphs=glyphs, id=id)
        self._suggestions = suggestions
        self._text = ""

    @property
    def is_open(self) -> bool:
        return bool(self._rows[0])

    def follow(self, text: str) -> None:
        """Shows what fits to this text of the prompt."""
        if text == self._text:
            return
        self._text = text
        found = tuple(one for one in self._suggestions(text) if one.text != text)
        # Enter completes a name; an argument is taken as typed, unless one of the list is chosen.
        chosen = -1 if " " in text or not found else 0
        self._show(found, chosen)

    def renew(self) -> None:
        """Shows what fits now: more is known."""
        text, self._text = self._text, ""
        self.follow(text)

    def close(self) -> None:
        """Shows nothing until the text changes."""
        self._show((), -1)

    def _show(self, rows: tuple[Suggestion, ...], chosen: int) -> None:
        self._rows = (rows, chosen)
        self.display = bool(rows)

    def move(self, by: int) -> None:
        """Chooses the row below (1) or above (-1)."""
        rows, chosen = self._rows
        self._rows = (rows, max(0, min(len(rows) - 1, chosen + by)))

    def completed(self) -> str:
        """Returns the text with the chosen row, or the first one."""
        rows, chosen = self._rows
        return rows[max(0, chosen)].text

    def entered(self, text: str) -> tuple[str, bool]:
        """Returns what Enter makes of the text, and whether that is sent or still edited."""
        self.follow(text)
        rows, chosen = self._rows
        command = parse(text)
        if command is None or (rows and chosen >= 0):
            if not rows or chosen < 0:
                return text, True
            text = rows[chosen].text
            command = parse(text)
        missing = command is not None and command[0].needs_argument and not command[1]
        return text, not missing

    def lines(self, width: int) -> list[list[StyledText]]:
        rows, chosen = self._rows
        first = max(0, min(chosen - MOST_SHOWN + 1, len(rows) - MOST_SHOWN)) if chosen > 0 else 0
        shown = rows[first : first + MOST_SHOWN]
        column = max((len(row.shown) for row in rows), default=0) + 2
        more = self._glyphs.more
        found: list[list[StyledText]] = []
        for number, row in enumerate(shown, first):
            sign = self._glyphs.prompt if number == chosen else " "
            name = fit(clean(row.shown), width - 4, more)
            about = fit(row.about, max(0, width - 3 - column), more) if row.about else ""
            style = "strong" if number == chosen else "words"
            found.append([(f" {sign} ", "user"), (f"{name:<{column}}", style), (about, "quiet")])
        above, below = first, len(rows) - first - len(shown)
        rest = [
            f"{count} {where}" for count, where in ((above, "above"), (below, "below")) if count
        ]
        if rest:
            found.append([(f"   {', '.join(rest)}", "quiet")])
        return found
