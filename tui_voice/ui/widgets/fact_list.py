"""The facts of the memory by kind, to choose one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui_voice.ui.fact_rows import OTHER, FactRow
from tui_voice.ui.glyphs import Glyphs
from tui_voice.ui.theme import theme_styles
from tui_voice.ui.widgets.line_widget import StyledText
from tui_voice.ui.wrapping import clean, wrap

_MARGIN = 4
"""Columns before a fact: the sign of the chosen one, the sign of a pinned one, spaces."""
_WIDEST = 100
"""Columns of the text at most: longer lines are hard to read."""
_EMPTY = ("Nothing is remembered yet.", "What is pruned is summarised here. a adds a fact.")


class _Lines(Visual):
    """Lines whose number depends on the width."""

    def __init__(self, lines: Callable[[int], list[list[StyledText]]], widget: OptionList) -> None:
        self._lines = lines
        self._widget = widget

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        del height, options
        styles, ground = theme_styles(self._widget.app.current_theme), style.rich_style
        return [
            Strip(
                [Segment(text, ground + styles[name]) for text, name in parts]
            ).adjust_cell_length(width, ground)
            for parts in self._lines(width)
        ]

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        del rules
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        del rules
        return len(self._lines(width))


class FactList(OptionList):
    """Headings cannot be chosen. A click chooses a fact, Enter edits it."""

    DEFAULT_CSS = """
    FactList { background: $background; height: 1fr; overflow-x: hidden;
        scrollbar-size-vertical: 1; }
    FactList:focus { background: $background; background-tint: transparent; }
    FactList > .option-list--option, FactList > .option-list--option-disabled { color: $ink; }
    FactList > .option-list--option-hover { background: transparent; }
    FactList > .option-list--option-highlighted,
    FactList:focus > .option-list--option-highlighted {
        background: $chosen; color: $ink; text-style: none;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor_up", show=False),
        Binding("down", "cursor_down", show=False),
    ]

    def __init__(self, *, glyphs: Glyphs, id: str | None = None) -> None:
        super().__init__(compact=True, markup=False, id=id)
        self._glyphs = glyphs
        self._facts: dict[int, FactRow] = {}

    @property
    def chosen(self) -> FactRow | None:
        """The chosen fact; None for an empty memory."""
        return self._facts.get(-1 if self.highlighted is None else self.highlighted)

    def show(self, facts: tuple[FactRow, ...], chosen: str = "") -> None:
        """Shows other facts. `chosen`: the text of the fact to choose, else the same place."""
        place, self._facts = self.highlighted or 0, {}
        options: list[Option] = []
        # A memory without headings needs none here, either.
        heading = OTHER if all(fact.heading == OTHER for fact in facts) else ""
        for fact in facts:
            if fact.heading != heading:
                above = heading != ""
                heading = fact.heading
                options.append(self._heading(heading, above=above))
            self._facts[len(options)] = fact
            options.append(self._option(fact, len(options)))
        if not facts:
            options.append(Option(_Lines(_empty_lines, self), disabled=True))
        self.highlighted = None
        self.set_options(options)
        wanted = [index for index, fact in self._facts.items() if fact.text == chosen]
        if self._facts:
            nearest = min(self._facts, key=lambda index: abs(index - place))
            self.highlighted = wanted[0] if wanted else nearest

    def _text(self, lines: list[list[StyledText]]) -> Option:
        return Option(_Lines(lambda _width: lines, self), disabled=True)

    def _heading(self, heading: str, *, above: bool) -> Option:
        line: list[StyledText] = [(f"  {heading.lower()}", "strong")]
        return self._text([[], line] if above else [line])

    def _option(self, fact: FactRow, index: int) -> Option:
        return Option(_Lines(lambda width: self._lines_of(fact, index, width), self))

    def _lines_of(self, fact: FactRow, index: int, width: int) -> list[list[StyledText]]:
        glyphs, text = self._glyphs, clean(fact.text)
        sign = glyphs.prompt if index == self.highlighted else " "
        mark = glyphs.pinned if fact.pinned else glyphs.dot
        room = max(8, min(_WIDEST, width - _MARGIN - 1))
        lines: list[list[StyledText]] = [
            [(" " * _MARGIN, "words"), (text[begin:end], "words")]
            for begin, end in wrap(text, room)
        ]
        if lines:
            lines[0][0] = (f"{sign} {mark} ", "machine")
        for note in self._notes(fact):
            for begin, end in wrap(note, room):
                lines.append([(" " * _MARGIN, "quiet"), (note[begin:end], "quiet")])
        return lines

    def _notes(self, fact: FactRow) -> list[str]:
        """Returns what is special about a fact."""
        found = ["pinned: no summary changes it"] if fact.pinned else []
        if fact.was:
            found.append(f"corrected by you, was: {clean(fact.was)}")
        elif fact.written:
            found.append("added by you")
        return [f" {self._glyphs.dot} ".join(found)] if found else []


def _empty_lines(width: int) -> list[list[StyledText]]:
    return [
        [(f"  {text[begin:end]}", style)]
        for text, style in zip(_EMPTY, ("words", "quiet"), strict=True)
        for begin, end in wrap(text, max(8, width - 3))
    ]
