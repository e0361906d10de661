"""Finds words in the turns of one session, and lights them in the painted lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

if TYPE_CHECKING:
    from tui_voice.conversation.turns import Turn

Columns = tuple[tuple[int, int], ...]
"""Begin and end, in cells, of each hit in one line."""


def pattern_of(words: str) -> re.Pattern[str] | None:
    """Returns the pattern of a phrase, whatever its case and the blanks in it; None for none."""
    parts = [re.escape(part) for part in words.split()]
    return re.compile(r"\s+".join(parts), re.IGNORECASE) if parts else None


def turns_with(turns: Iterable[Turn], pattern: re.Pattern[str]) -> list[str]:
    """Returns the ids of the turns in which it is found, oldest first."""
    return [turn.id for turn in turns if pattern.search(turn.text)]


def hit_columns(
    strips: Sequence[Strip], pattern: re.Pattern[str], gutter: int
) -> tuple[Columns, ...]:
    """Returns for each line of a turn where its hits are. `gutter`: characters before the words.
    The first line, which names the speaker, has none. A phrase may go over the end of a line.
    """
    texts = ["", *(strip.text[gutter:].rstrip() for strip in strips[1:])]
    found: list[list[tuple[int, int]]] = [[] for _ in strips]
    for match in pattern.finditer("\n".join(texts)):
        begin = 0
        for row, text in enumerate(texts):
            first, last = max(match.start() - begin, 0), min(match.end() - begin, len(text))
            if first < last:
                cells = gutter + cell_len(text[:first]), gutter + cell_len(text[:last])
                found[row].append(cells)
            begin += len(text) + 1
    return tuple(tuple(columns) for columns in found)


def lit(strip: Strip, columns: Columns, style: Style) -> Strip:
    """Returns the line with these parts in this style."""
    for begin, end in columns:
        hit = Segment.apply_style(strip.crop(begin, end), post_style=style)
        strip = Strip([*strip.crop(0, begin), *hit, *strip.crop(end)], strip.cell_length)
    return strip
