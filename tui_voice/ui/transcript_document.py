"""The transcript as a list of blocks with heights: which block stands at which line.

The height of a block is estimated until the block comes near the screen; then it is measured by
laying it out. So a session of 100 000 turns opens as fast as one of 100, and an update costs what
changed. The blocks are kept in sections, one for each chunk of `Turns`, so that a lookup adds up
the heights of one section alone. This module knows nothing of Textual.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from tui_voice.ui.textified_runs import TextifiedMark, TextifiedRuns, mark_id

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Compaction
    from tui_voice.conversation.turns import Turn, Turns


class CompactionMark(NamedTuple):
    """The line that stands above the turns that a compaction summarised."""

    compaction: Compaction
    restored: bool = False
    """Its turns are in the window again."""
    begin: float = 0.0
    """When its first turn began. Seconds, as in `Turn.at`."""
    end: float = 0.0
    """When its last turn began."""

    @property
    def id(self) -> str:
        return self.compaction.id


Mark: TypeAlias = CompactionMark | TextifiedMark
Block: TypeAlias = "Turn | Mark"


class BlockPosition(NamedTuple):
    """Where a block is: the index of its section, and its index there."""

    section: int
    block: int


class _Section:
    """The blocks of one chunk of turns."""

    __slots__ = ("blocks", "chunk", "heights", "in_run", "measured", "total")

    def __init__(
        self, chunk: tuple[Turn, ...], blocks: list[Block], in_run: dict[str, str]
    ) -> None:
        """`in_run`: id of a turn → id of the line above it that says that it is textified."""
        self.chunk = chunk
        self.blocks = blocks
        self.in_run = in_run
        self.heights = [0] * len(blocks)
        self.measured = bytearray(len(blocks))
        self.total = 0


def common_prefix(old: Sequence[Any], new: Sequence[Any]) -> int:
    """Returns how many elements two sequences share at their beginning, by a binary search:
    comparing slices of the same objects is fast. Nearly always the last element alone has changed.
    """
    low, high = 0, min(len(old), len(new))
    if high and old[: high - 1] == new[: high - 1]:
        low = high - 1
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class TranscriptDocument:
    """`measure` returns the height of a block in lines, `estimate` a cheap guess of it."""

    def __init__(self, measure: Callable[[Block], int], estimate: Callable[[Block], int]) -> None:
        self._measure = measure
        self._estimate = estimate
        self._sections: list[_Section] = []
        self._starts: list[int] = [0]
        self._chunks: tuple[tuple[Turn, ...], ...] = ()
        self._turns: Turns | None = None
        self._compactions: tuple[Compaction, ...] = ()
        self._anchors: dict[str, tuple[Compaction, ...]] = {}  # turn id → compactions marked above
        self._runs = TextifiedRuns()
        self.folded: frozenset[str] = frozenset()
        """Ids of the marks whose turns are hidden."""
        self.measured_count = 0
        """Number of measurements so far; tests of the costs look at it."""

    @property
    def height(self) -> int:
        """Lines of all blocks."""
        return self._starts[-1]

    # ── change ──────────────────────────────────────────────────────────────────────────────

    def update(self, turns: Turns, compactions: tuple[Compaction, ...]) -> int | None:
        """Replaces the content. Returns the first line that may have changed, or None."""
        self._turns = turns
        remarked = self._update_marks(compactions)
        chunks = turns.chunks
        head = common_prefix(self._chunks, chunks)
        tail = common_prefix(self._chunks[head:][::-1], chunks[head:][::-1])
        end = len(self._chunks) - tail
        self._chunks = chunks
        changed: int | None = None
        if head < end or head < len(chunks) - tail:
            remarked |= self._update_runs(head, tail)
            before = self._sections[head:end]
            self._sections[head:end] = [
                self._build(index, before) for index in range(head, len(chunks) - tail)
            ]
            changed = head
        for index in self._sections_of(remarked):
            self._sections[index] = self._build(index, [self._sections[index]])
            changed = index if changed is None else min(changed, index)
        if changed is None:
            return None
        self._add_up(changed)
        return self._starts[changed]

    def _update_runs(self, head: int = 0, tail: int = 0) -> set[str]:
        """Returns the ids of the turns whose line about textified turns, or whose fold, changed."""
        changed = self._runs.update(self._chunks, head, tail)
        gone = self.folded & {mark_id(first) for first in changed if first not in self._runs.marks}
        if gone:  # a folded run begins with another turn now: it is shown
            self.folded -= gone
            changed |= {
                turn_id
                for section in self._sections
                for turn_id, run in section.in_run.items()
                if run in gone
            }
            changed |= self._end_folded_runs()
        return changed

    def _end_folded_runs(self) -> set[str]:
        """Lets no later turn join a run that is folded. Returns as `_update_runs`."""
        marks = self._runs.marks.values()
        self._runs.ends = {mark.last for mark in marks if mark.id in self.folded}
        return self._runs.update(self._chunks)

    def fold(self, id_of_mark: str) -> None:
        """Hides the turns below a mark, or shows them again."""
        self.folded ^= {id_of_mark}
        of_run = False
        for index, section in enumerate(self._sections):
            if not of_run and id_of_mark in section.in_run.values():
                of_run = True  # from here on: all of the run, and what follows it
                self._end_folded_runs()
            if of_run or any(turn.pruned_in == id_of_mark for turn in section.chunk):
                self._sections[index] = self._build(index, [section])
        self._add_up(0)

    def fold_of(self, turn: Turn) -> str:
        """Returns the id of the folded mark that hides a turn; "" where it is shown."""
        runs = (section.in_run.get(turn.id, "") for section in self._sections)
        marks = (turn.pruned_in, *filter(None, runs))
        return next((mark for mark in marks if mark in self.folded), "")

    def in_run(self, position: BlockPosition) -> bool:
        """Returns whether a line above a turn says for it, too, what is textified."""
        section = self._sections[position.section]
        return section.blocks[position.block].id in section.in_run

    def forget_heights(self) -> None:
        """The width changed: all heights are estimates again."""
        self._sections = [self._build(index, []) for index in range(len(self._sections))]
        self._add_up(0)

    def _update_marks(self, compactions: tuple[Compaction, ...]) -> set[str]:
        """Returns the ids of the turns above which a mark was added, removed or changed."""
        if compactions is self._compactions:
            return set()
        same = common_prefix(self._compactions, compactions)
        changed: set[str] = set()
        for old in self._compactions[same:]:
            if old.kind == "summary" and old.turns:
                first = old.turns[0]
                changed.add(first)
                left = tuple(c for c in self._anchors.get(first, ()) if c is not old)
                self._anchors[first] = left
        for new in compactions[same:]:
            if new.kind == "restore":  # the first turn may be in another section than the last
                back = set(new.turns)
                changed |= {c.turns[0] for c in compactions if c.turns and c.turns[-1] in back}
            if new.kind == "summary" and new.turns:
                first = new.turns[0]
                changed.add(first)
                if new.under_way or new.stage == "confirmed":
                    self._anchors[first] = (*self._anchors.get(first, ()), new)
        self._compactions = compactions
        return changed

    def _sections_of(self, turn_ids: set[str]) -> list[int]:
        """Returns the sections that hold these turns; it looks from the newest backwards."""
        found: list[int] = []
        for index in range(len(self._sections) - 1, -1, -1):
            if not turn_ids:
                break
            here = {turn.id for turn in self._sections[index].chunk if turn.id in turn_ids}
            if here:
                turn_ids = turn_ids - here
                found.append(index)
        return found

    def _build(self, index: int, before: list[_Section]) -> _Section:
        """Returns the section of a chunk; blocks that `before` measured keep their heights."""
        known = {
            block.id: (block, height)
            for section in before
            for block, height, measured in zip(
                section.blocks, section.heights, section.measured, strict=True
            )
            if measured
        }
        blocks: list[Block] = []
        in_run: dict[str, str] = {}
        run = self._runs.open_before(index)
        for turn in self._chunks[index]:
            run = self._runs.grown(run, turn)
            marks: list[Mark] = [self._mark(one, turn) for one in self._anchors.get(turn.id, ())]
            if textified := self._runs.marks.get(turn.id):
                marks.append(textified)
            for mark in marks:
                old = known.get(mark.id)
                blocks.append(old[0] if old is not None and old[0] == mark else mark)
            if mark_of := self._runs.mark_of(run, turn):
                in_run[turn.id] = mark_of
            if not self.folded or self.folded.isdisjoint((turn.pruned_in, in_run.get(turn.id))):
                blocks.append(turn)
        section = _Section(self._chunks[index], blocks, in_run)
        for number, block in enumerate(blocks):
            old = known.get(block.id)
            if old is not None and old[0] is block:
                section.heights[number], section.measured[number] = old[1], 1
            else:
                section.heights[number] = self._estimate(block)
        section.total = sum(section.heights)
        return section

    def _mark(self, compaction: Compaction, first: Turn) -> CompactionMark:
        """Returns the mark above the first turn of a compaction."""
        last = self._turns.get(compaction.turns[-1]) if self._turns is not None else None
        ends = [first] if last is None else [first, last]
        restored = compaction.stage == "confirmed" and all(
            turn.pruned_in != compaction.id for turn in ends
        )
        return CompactionMark(compaction, restored, first.at, ends[-1].at)

    def _add_up(self, index: int) -> None:
        """Adds up the first lines of the sections again, from this section on."""
        totals = (section.total for section in self._sections[index:])
        begin = self._starts[index] if index < len(self._starts) else 0
        self._starts[index:] = accumulate(totals, initial=begin)

    # ── positions ───────────────────────────────────────────────────────────────────────────────

    def at(self, line: int) -> tuple[BlockPosition, int] | None:
        """Returns the block at a line, and which of its lines that is; None below the end."""
        if not 0 <= line < self.height:
            return None
        index = bisect_right(self._starts, line) - 1
        rest = line - self._starts[index]
        for block, height in enumerate(self._sections[index].heights):
            if rest < height:
                return BlockPosition(index, block), rest
            rest -= height
        raise AssertionError("heights of a section do not add up")

    def block(self, position: BlockPosition) -> Block:
        return self._sections[position.section].blocks[position.block]

    def span(self, position: BlockPosition) -> tuple[int, int]:
        """Returns the first line and the height of a block."""
        section = self._sections[position.section]
        first = self._starts[position.section] + sum(section.heights[: position.block])
        return first, section.heights[position.block]

    def find(self, block_id: str) -> BlockPosition | None:
        """Returns the position of a block by the id of its turn or compaction."""
        for index in range(len(self._sections) - 1, -1, -1):
            for number, block in enumerate(self._sections[index].blocks):
                if block.id == block_id:
                    return BlockPosition(index, number)
        return None

    def step(self, position: BlockPosition | None, by: int) -> BlockPosition | None:
        """Returns the block above (-1) or below (1); from None, the last (-1) or the first (1)."""
        if position is None:
            index = len(self._sections) if by < 0 else -1
            number = 0
        else:
            index, number = position.section, position.block + by
            if 0 <= number < len(self._sections[index].blocks):
                return BlockPosition(index, number)
        index += by
        while 0 <= index < len(self._sections):
            count = len(self._sections[index].blocks)
            if count:
                return BlockPosition(index, count - 1 if by < 0 else 0)
            index += by
        return None

    # ── measuring ───────────────────────────────────────────────────────────────────────────

    def measure_lines(self, top: int, bottom: int, hold: int | None = None) -> int:
        """Measures every block between these lines. Returns by how many lines the block moved
        that stood at the line `hold` (by default `top`).
        """
        top = max(0, top)
        hold = top if hold is None else hold
        held, begin = self.at(hold), self.at(top)
        position = begin[0] if begin else None
        while position is not None and self.span(position)[0] < bottom:
            self._measure_block(position)
            position = self.step(position, 1)
        if held is None:
            return 0
        first, height = self.span(held[0])
        return first + min(held[1], height - 1) - hold

    def measure_end(self, height: int) -> None:
        """Measures the last blocks, as many as fill `height` lines."""
        position, filled = self.step(None, -1), 0
        while position is not None and filled < height:
            self._measure_block(position)
            filled += self._sections[position.section].heights[position.block]
            position = self.step(position, -1)

    def _measure_block(self, position: BlockPosition) -> None:
        section = self._sections[position.section]
        if section.measured[position.block]:
            return
        self.measured_count += 1
        height = self._measure(section.blocks[position.block])
        section.measured[position.block] = 1
        if height != section.heights[position.block]:
            section.total += height - section.heights[position.block]
            section.heights[position.block] = height
            self._add_up(position.section)
