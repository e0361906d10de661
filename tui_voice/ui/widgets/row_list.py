"""A list of rows to choose from: Textual's `OptionList` whose rows are painted when needed.

An `OptionList` measures every prompt when its options are set. To show 1 000 sessions takes 100 to
125 ms with prompts of text, and 25 to 60 ms with prompts that know their height, as here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Generic, TypeVar

from rich.segment import Segment
from textual.binding import BindingType
from textual.css.styles import RulesMap
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui_voice.ui.glyphs import Glyphs
from tui_voice.ui.theme import theme_styles
from tui_voice.ui.widgets.line_widget import StyledText

Row = TypeVar("Row")
PaintRow = Callable[[Row, int], list[list[StyledText]]]
"""Returns the lines of a row for a width in columns."""

_MARGIN = 3
"""Columns before the text of a row, for the sign of the highlighted one."""


class _RowVisual(Visual):
    """A row of known height; `paint` is called for rows on the screen alone."""

    def __init__(
        self, height: Callable[[int], int], paint: Callable[[int, Style], list[Strip]]
    ) -> None:
        self._height = height
        self._paint = paint

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        del height, options
        return self._paint(width, style)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        del rules
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        del rules
        return self._height(width)


class RowList(OptionList, Generic[Row], can_focus=False):
    """The screen's filter keeps the focus; the screen moves the highlight of the list.

    A click highlights a row, a double click chooses it.
    """

    DEFAULT_CSS = """
    RowList { background: $background; }
    RowList > .option-list--option { color: $ink; }
    RowList > .option-list--option-disabled { color: $quiet; }
    RowList > .option-list--option-hover { background: transparent; }
    RowList > .option-list--option-highlighted { background: $chosen; color: $ink; }
    """
    BINDINGS: ClassVar[list[BindingType]] = []

    class DoubleClicked(Message):
        """The user chose the highlighted row with the mouse."""

    def __init__(
        self,
        paint: PaintRow[Row],
        *,
        glyphs: Glyphs,
        height: int | Callable[[Row, int], int] = 1,
        id: str | None = None,
    ) -> None:
        """`height`: of each row in lines, or a function that returns the number of lines that
        `paint` returns.
        """
        super().__init__(compact=True, markup=False, id=id)
        self._paint = paint
        self._glyphs = glyphs
        self._height = height
        self._rows: Sequence[Row] = ()

    @property
    def rows(self) -> Sequence[Row]:
        """The rows that are shown."""
        return self._rows

    @property
    def chosen_row(self) -> Row | None:
        """The highlighted row; None for an empty list."""
        return self._rows[self.highlighted] if self._rows and self.highlighted is not None else None

    def show(self, rows: Sequence[Row], highlighted: int = 0, empty: str = "") -> None:
        """Shows other rows. `empty`: the text of an empty list."""
        self._rows = rows
        self.highlighted = None
        if rows:
            self.set_options([Option(self._visual(index)) for index in range(len(rows))])
            self.highlighted = highlighted
        else:
            self.set_options([Option(f"\n  {empty}", disabled=True)])

    def _height_of(self, row: Row, width: int) -> int:
        height = self._height
        return height if isinstance(height, int) else height(row, width - _MARGIN)

    def _visual(self, index: int) -> _RowVisual:
        return _RowVisual(
            lambda width: self._height_of(self._rows[index], width),
            lambda width, style: self._strips(index, width, style),
        )

    def _strips(self, index: int, width: int, style: Style) -> list[Strip]:
        """Returns the lines of a row; the highlighted one has a sign as well as a colour."""
        styles, ground = theme_styles(self.app.current_theme), style.rich_style
        sign = self._glyphs.prompt if index == self.highlighted else " "
        strips = []
        for number, parts in enumerate(self._paint(self._rows[index], width - _MARGIN)):
            lead = f" {sign if number == 0 else ' '} "
            line = [
                Segment(text, ground + styles[name]) for text, name in [(lead, "words"), *parts]
            ]
            strips.append(Strip(line).adjust_cell_length(width, ground))
        return strips

    def move(self, by: int) -> None:
        """Moves the highlight, and stops at the first and the last row."""
        if self._rows:
            last = len(self._rows) - 1
            self.highlighted = max(0, min(last, (self.highlighted or 0) + by))

    def page(self, by: int) -> None:
        """Moves the highlight by what fits on the screen."""
        row = self.chosen_row
        height = self._height_of(row, self.size.width) if row is not None else 1
        self.move(by * max(1, self.size.height // height - 1))

    def on_click(self, event: Click) -> None:
        if event.chain == 2 and self.chosen_row is not None:
            self.post_message(self.DoubleClicked())
