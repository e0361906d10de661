"""Text of the transcript that is selected by mouse, and the text that is copied.

Textual describes a selection by two offsets, a column and a line number each. Heights in the
transcript are estimates until a block is measured, so the line number of a word may change. Here
the "line number" that Textual gets is block and row in one integer, which stays the same.
"""

from __future__ import annotations

from textual.geometry import Offset
from textual.selection import Selection

from tui_voice.ui.block_painter import GUTTER, ROLE_NAMES, BlockPainter
from tui_voice.ui.transcript_document import (
    Block,
    BlockPosition,
    Mark,
    TranscriptDocument,
)

_ROWS = 1 << 20
"""More than the rows of any block, and than the blocks of any section."""


def line_number(position: BlockPosition, row: int) -> int:
    """Returns the line number that Textual gets for a row of a block."""
    return (position.section * _ROWS + position.block) * _ROWS + row


def select_block(document: TranscriptDocument, position: BlockPosition) -> Selection:
    """Returns the selection of one whole block."""
    height = document.span(position)[1]
    return Selection(
        Offset(0, line_number(position, 0)), Offset(0, line_number(position, height - 1))
    )


def selected_text(
    document: TranscriptDocument, painter: BlockPainter, selection: Selection
) -> str | None:
    """Returns the selected words without the line breaks of the screen; None for none.

    Where more than one turn is selected, each begins with who spoke: `you: …`.
    """
    first, last = document.step(None, 1), document.step(None, -1)
    if first is None or last is None:
        return None
    start = _decode(selection.start) or (first, 0, 0)
    end = _decode(selection.end) or (last, _ROWS - 1, -1)
    parts: list[tuple[str, str]] = []
    position: BlockPosition | None = start[0]
    while position is not None and position <= end[0]:
        block = document.block(position)
        begin = start[1:] if position == start[0] else (0, 0)
        stop = end[1:] if position == end[0] else (_ROWS - 1, -1)
        if text := _text_between(block, painter, begin, stop):
            who = "" if isinstance(block, Mark) else f"{ROLE_NAMES[block.role]}: "
            parts.append((who, text))
        position = document.step(position, 1)
    several = len(parts) > 1
    return "\n\n".join(f"{who if several else ''}{text}" for who, text in parts) or None


def _decode(offset: Offset | None) -> tuple[BlockPosition, int, int] | None:
    """Returns the block, its row, and the column."""
    if offset is None:
        return None
    number, row = divmod(offset.y, _ROWS)
    return BlockPosition(*divmod(number, _ROWS)), row, offset.x


def _text_between(
    block: Block, painter: BlockPainter, begin: tuple[int, int], end: tuple[int, int]
) -> str:
    """Returns the text of a block between two (row, column) pairs; column -1 is the row's end."""
    if isinstance(block, Mark):
        return painter.paint(block)[0].text.strip() if begin[0] == 0 else ""
    layout = painter.layout(block)
    text, lines = layout.text, layout.lines

    def index(row: int, column: int) -> int:
        if row < 1:  # row 0 names the speaker
            return 0
        if row > len(lines):
            return len(text)
        first, last, indent = lines[row - 1]
        return last if column < 0 else min(max(first, first + column - GUTTER - indent), last)

    return text[index(*begin) : index(*end)].strip()
