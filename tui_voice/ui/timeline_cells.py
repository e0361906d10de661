"""The timeline as plain values: one cell for each turn, or for several where there are more turns
than cells.

An update looks at the turns that changed alone: the cells of an unchanged chunk of `Turns` are
kept, so it costs the same with 10 and with 100 000 turns. This module knows nothing of Textual.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Literal, NamedTuple

from tui_voice.ui.transcript_document import common_prefix

if TYPE_CHECKING:
    from tui_voice.conversation.turns import Turn, Turns

Mark = Literal["pinned", "live", "textified", "summarised", ""]
MARKS: tuple[Mark, ...] = ("pinned", "live", "textified", "summarised", "")
"""What a turn is now. Of a cell for several turns, the first of these that one of them is. "": the
model does not have the turn, and never had it."""
LEVELS = 8
"""Heights of a cell."""


class Cell(NamedTuple):
    """One column of the timeline."""

    level: int = 0
    """Height: each step is twice as many tokens, from 8 to more than 512."""
    mark: Mark = ""
    role: str = ""
    """Who said the first turn of it."""


def cell_of(turn: Turn) -> Cell:
    """Returns the cell of one turn. A summarised turn is as high as its text would be."""
    if turn.pinned:
        mark: Mark = "pinned"
    elif turn.pruned_in and not turn.in_window:
        mark = "summarised"
    elif not turn.in_window:
        mark = ""
    else:
        mark = "textified" if turn.spoken and turn.modality == "text" else "live"
    tokens = turn.tokens if turn.in_window else turn.as_text_tokens
    return Cell(min(LEVELS, max(1, (tokens >> 2).bit_length())), mark, turn.role)


def joined(cells: list[Cell]) -> Cell:
    """Returns one cell for several turns: as high as the highest of them."""
    mark = min((MARKS.index(cell.mark) for cell in cells), default=len(MARKS) - 1)
    level = max((cell.level for cell in cells), default=0)
    return Cell(level, MARKS[mark], cells[0].role if cells else "")


class _ChunkCells(NamedTuple):
    """The cells of one chunk of turns, and their sum."""

    chunk: tuple[Turn, ...]
    cells: list[Cell]
    whole: Cell


class TimelineCells:
    """The cells for one width. Up to 64 turns share a cell by number, more by whole chunks."""

    def __init__(self) -> None:
        self._chunks: tuple[tuple[Turn, ...], ...] = ()
        self._made: list[_ChunkCells] = []
        self._starts: list[int] = [0]  # number of the first turn of each chunk, then of all turns
        self._width = 0
        self._group = 1
        self.cells: list[Cell] = []
        self.made_count = 0
        """Number of cells of turns that were made so far; tests of the costs look at it."""

    @property
    def count(self) -> int:
        """Number of turns."""
        return self._starts[-1]

    def update(self, turns: Turns, width: int) -> bool:
        """Shows these turns in at most `width` cells. Returns whether a cell changed."""
        chunks = turns.chunks
        first = common_prefix(self._chunks, chunks)
        if first == len(chunks) == len(self._chunks) and width == self._width:
            return False
        known = {id(one.chunk): one for one in self._made[first:]}
        before = self._made[first] if first < len(self._made) else None
        made = [known.get(id(chunk)) or self._cells_of(chunk, before) for chunk in chunks[first:]]
        same = [one.cells for one in made] == [one.cells for one in self._made[first:]]
        self._made[first:] = made
        if same and width == self._width:  # as while the words of a reply come
            self._chunks = chunks
            return False
        lengths = (len(chunk) for chunk in chunks[first:])
        self._starts[first:] = accumulate(lengths, initial=self._starts[first])
        self._chunks = chunks
        return self._group_from(first, width)

    def _cells_of(self, chunk: tuple[Turn, ...], before: _ChunkCells | None) -> _ChunkCells:
        """Returns the cells of a chunk; those of the turns that did not change are kept."""
        kept = common_prefix(before.chunk, chunk) if before is not None else 0
        cells = before.cells[:kept] if before is not None else []
        cells += [cell_of(turn) for turn in chunk[kept:]]
        self.made_count += len(chunk) - kept
        same = before is not None and cells == before.cells
        return _ChunkCells(chunk, cells, before.whole if before and same else joined(cells))

    def _group_from(self, first: int, width: int) -> bool:
        """Joins the cells from this chunk on, or all where the number of turns a cell changed."""
        group = max(1, -(-self.count // max(1, width)))
        if group >= 64:
            group = 64 * -(-len(self._chunks) // max(1, width))
        if group != self._group or width != self._width:
            first = 0
        self._group, self._width = group, width
        if group >= 64:
            begin = first // (group // 64)
            parts = range(begin * (group // 64), len(self._made), group // 64)
            made = [
                joined([one.whole for one in self._made[at : at + group // 64]]) for at in parts
            ]
        else:
            begin = self._starts[first] // group
            made = [
                joined(self._between(at, min(at + group, self.count)))
                for at in range(begin * group, self.count, group)
            ]
        changed = self.cells[begin:] != made
        self.cells[begin:] = made
        return changed

    def _between(self, begin: int, end: int) -> list[Cell]:
        """Returns the cells of the turns from number `begin` to before `end`."""
        index = bisect_right(self._starts, begin) - 1
        found: list[Cell] = []
        while index < len(self._made) and len(found) < end - begin:
            offset = begin + len(found) - self._starts[index]
            found += self._made[index].cells[offset : offset + end - begin - len(found)]
            index += 1
        return found

    # ── which turn a cell is ────────────────────────────────────────────────────────────────

    def turn_at(self, cell: int) -> Turn | None:
        """Returns the first turn of a cell."""
        if not 0 <= cell < len(self.cells):
            return None
        if self._group >= 64:
            return self._chunks[cell * (self._group // 64)][0]
        number = cell * self._group
        index = bisect_right(self._starts, number) - 1
        return self._chunks[index][number - self._starts[index]]

    def cell_of_turn(self, turn_id: str) -> int | None:
        """Returns the cell in which a turn is; None where there is no such turn."""
        for index in range(len(self._chunks) - 1, -1, -1):
            for offset, turn in enumerate(self._chunks[index]):
                if turn.id == turn_id:
                    if self._group >= 64:
                        return index // (self._group // 64)
                    return (self._starts[index] + offset) // self._group
        return None
