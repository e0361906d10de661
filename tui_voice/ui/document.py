"""The transcript as a pile of blocks of known height: which block is at which line.

A block's height is estimated until it comes near the screen, then measured by laying it out; so a
talk of 100 000 turns opens as fast as one of a hundred, and a change costs what changed. No
Textual in here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from tui_voice.conversation.ledger import Compaction
    from tui_voice.conversation.turns import Turn, Turns


class Mark(NamedTuple):
    """The line that stands where turns were summarised."""

    compaction: Compaction
    put_back: bool = False
    """Its turns are with the model again."""

    @property
    def id(self) -> str:
        return self.compaction.id


Block: TypeAlias = "Turn | Mark"


class Place(NamedTuple):
    """A block: the section it is in, and which of that section's blocks."""

    section: int
    block: int


class _Section:
    """The blocks of one chunk of turns."""

    __slots__ = ("blocks", "chunk", "heights", "measured", "total")

    def __init__(self, chunk: tuple[Turn, ...], blocks: list[Block], heights: list[int]) -> None:
        self.chunk = chunk
        self.blocks = blocks
        self.heights = heights
        self.measured = bytearray(len(blocks))
        self.total = sum(heights)


def common_prefix(old: Sequence[Any], new: Sequence[Any]) -> int:
    """How many elements two tuples share at their beginning; identical ones cost nothing."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        if old[low:middle] == new[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class Document:
    """`measure` gives the exact height of a block in lines, `estimate` a cheap guess."""

    def __init__(self, measure: Callable[[Block], int], estimate: Callable[[Block], int]) -> None:
        self._measure = measure
        self._estimate = estimate
        self._sections: list[_Section] = []
        self._starts: list[int] = [0]
        self._chunks: tuple[tuple[Turn, ...], ...] = ()
        self._compactions: tuple[Compaction, ...] = ()
        self._anchors: dict[str, tuple[Compaction, ...]] = {}
        self.folded: frozenset[str] = frozenset()
        self.laid_out = 0
        """Blocks measured so far: what an update costs is what this grows by."""

    @property
    def height(self) -> int:
        """Lines of everything."""
        return self._starts[-1]

    # ── change ──────────────────────────────────────────────────────────────────────────────

    def update(self, turns: Turns, compactions: tuple[Compaction, ...]) -> int | None:
        """Takes over what has changed. Returns the first line that may look different, None
        where nothing does.
        """
        moved = self._take_compactions(compactions)
        chunks = turns.chunks
        head = common_prefix(self._chunks, chunks)
        tail = common_prefix(self._chunks[head:][::-1], chunks[head:][::-1])
        end = len(self._chunks) - tail
        changed: int | None = None
        if head < end or head < len(chunks) - tail:
            before = self._sections[head:end]
            self._sections[head:end] = [
                self._build(chunk, before) for chunk in chunks[head : len(chunks) - tail]
            ]
            changed = head
        self._chunks = chunks
        for index in self._holding(moved):
            self._sections[index] = self._build(chunks[index], [self._sections[index]])
            changed = index if changed is None else min(changed, index)
        if changed is None:
            return None
        self._restart(changed)
        return self._starts[changed]

    def fold(self, compaction_id: str) -> None:
        """Hides the turns of one pruning, or shows them again."""
        self.folded ^= {compaction_id}
        for index, section in enumerate(self._sections):
            if any(turn.pruned_in == compaction_id for turn in section.chunk):
                self._sections[index] = self._build(section.chunk, [section])
        self._restart(0)

    def forget_heights(self) -> None:
        """The width has changed: everything is an estimate again."""
        self._sections = [self._build(section.chunk, []) for section in self._sections]
        self._restart(0)

    def _take_compactions(self, compactions: tuple[Compaction, ...]) -> set[str]:
        """Turns behind which a mark has come, gone or changed."""
        if compactions is self._compactions:
            return set()
        same = common_prefix(self._compactions, compactions)
        moved: set[str] = set()
        for gone in self._compactions[same:]:
            if gone.kind == "summary" and gone.turns:
                moved.add(gone.turns[-1])
                left = tuple(c for c in self._anchors.get(gone.turns[-1], ()) if c is not gone)
                self._anchors[gone.turns[-1]] = left
        for come in compactions[same:]:
            if come.kind == "summary" and come.turns:
                moved.add(come.turns[-1])
                if come.under_way or come.stage == "confirmed":
                    before = self._anchors.get(come.turns[-1], ())
                    self._anchors[come.turns[-1]] = (*before, come)
        self._compactions = compactions
        return moved

    def _holding(self, turn_ids: set[str]) -> list[int]:
        """Sections in which these turns are; they are looked for from the newest."""
        found: list[int] = []
        for index in range(len(self._sections) - 1, -1, -1):
            if not turn_ids:
                break
            here = {turn.id for turn in self._sections[index].chunk if turn.id in turn_ids}
            if here:
                turn_ids = turn_ids - here
                found.append(index)
        return found

    def _build(self, chunk: tuple[Turn, ...], before: list[_Section]) -> _Section:
        known = {
            block.id: (block, height)
            for section in before
            for block, height, measured in zip(
                section.blocks, section.heights, section.measured, strict=True
            )
            if measured
        }
        blocks: list[Block] = []
        for turn in chunk:
            if turn.pruned_in not in self.folded:
                blocks.append(turn)
            for compaction in self._anchors.get(turn.id, ()):
                confirmed = compaction.stage == "confirmed"
                mark = Mark(compaction, confirmed and turn.pruned_in != compaction.id)
                old = known.get(mark.id)
                blocks.append(old[0] if old is not None and old[0] == mark else mark)
        section = _Section(chunk, blocks, [0] * len(blocks))
        for index, block in enumerate(blocks):
            old = known.get(block.id)
            if old is not None and old[0] is block:
                section.heights[index], section.measured[index] = old[1], 1
            else:
                section.heights[index] = self._estimate(block)
        section.total = sum(section.heights)
        return section

    def _restart(self, index: int) -> None:
        """The lines at which sections begin, anew from this section on."""
        totals = (section.total for section in self._sections[index:])
        begin = self._starts[index] if index < len(self._starts) else 0
        self._starts[index:] = accumulate(totals, initial=begin)

    # ── where ───────────────────────────────────────────────────────────────────────────────

    def at(self, line: int) -> tuple[Place, int] | None:
        """The block at a line, and which of its lines that is. None below the end."""
        if not 0 <= line < self.height:
            return None
        index = bisect_right(self._starts, line) - 1
        rest = line - self._starts[index]
        for block, height in enumerate(self._sections[index].heights):
            if rest < height:
                return Place(index, block), rest
            rest -= height
        raise AssertionError("heights of a section do not add up")

    def block(self, place: Place) -> Block:
        return self._sections[place.section].blocks[place.block]

    def span(self, place: Place) -> tuple[int, int]:
        """First line and height of a block."""
        section = self._sections[place.section]
        first = self._starts[place.section] + sum(section.heights[: place.block])
        return first, section.heights[place.block]

    def find(self, block_id: str) -> Place | None:
        """A block by the id of its turn or compaction, newest first."""
        for index in range(len(self._sections) - 1, -1, -1):
            for number, block in enumerate(self._sections[index].blocks):
                if block.id == block_id:
                    return Place(index, number)
        return None

    def step(self, place: Place | None, by: int) -> Place | None:
        """The neighbour above (-1) or below (1); from None, the first or the last block."""
        if place is None:
            index = len(self._sections) if by < 0 else -1
            number = 0
        else:
            index, number = place.section, place.block + by
            if 0 <= number < len(self._sections[index].blocks):
                return Place(index, number)
        index += by
        while 0 <= index < len(self._sections):
            count = len(self._sections[index].blocks)
            if count:
                return Place(index, count - 1 if by < 0 else 0)
            index += by
        return None

    # ── measuring ───────────────────────────────────────────────────────────────────────────

    def settle(self, top: int, bottom: int, hold: int | None = None) -> int:
        """Measures every block that reaches into these lines. Returns by how much what stood at
        the line `hold` (by default `top`) has moved.
        """
        top = max(0, top)
        hold = top if hold is None else hold
        held, begin = self.at(hold), self.at(top)
        place = begin[0] if begin else None
        while place is not None and self.span(place)[0] < bottom:
            self._settle_block(place)
            place = self.step(place, 1)
        if held is None:
            return 0
        first, height = self.span(held[0])
        return first + min(held[1], height - 1) - hold

    def settle_end(self, height: int) -> None:
        """Measures the last blocks, as many as fill `height` lines."""
        place, filled = self.step(None, -1), 0
        while place is not None and filled < height:
            self._settle_block(place)
            filled += self._sections[place.section].heights[place.block]
            place = self.step(place, -1)

    def _settle_block(self, place: Place) -> None:
        section = self._sections[place.section]
        if section.measured[place.block]:
            return
        self.laid_out += 1
        height = self._measure(section.blocks[place.block])
        section.measured[place.block] = 1
        if height != section.heights[place.block]:
            section.total += height - section.heights[place.block]
            section.heights[place.block] = height
            self._restart(place.section)
