"""A block of the transcript into strips: the coloured edge, who, when, notes, the words."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui_voice.ui.document import Block, Mark
from tui_voice.ui.glyphs import Glyphs
from tui_voice.ui.number_format import clock, plural, spaced
from tui_voice.ui.pruning_rows import Worth
from tui_voice.ui.wrapping import clean, fit, wrap

if TYPE_CHECKING:
    from tui_voice.conversation.turns import Turn

GUTTER = 4
"""Cells before the words: cursor, edge, air."""
WIDEST = 100
"""Words run no wider than this: longer lines are hard to read."""
TOOL_LINES = 3
_CACHED = 2000

NAMES = {"user": "you", "assistant": "voice", "tool": "tool", "system": "note"}


class Palette(NamedTuple):
    """Rich styles: foregrounds, and one ground for all of them."""

    user: Style
    voice: Style
    machine: Style
    quiet: Style
    faint: Style
    words: Style
    unheard: Style
    ground: Style
    """What everything stands on, with a background."""

    def edge(self, turn: Turn) -> Style:
        return {"user": self.user, "assistant": self.voice}.get(turn.role, self.quiet)


def notes(turn: Turn, glyphs: Glyphs) -> list[str]:
    """What is special about a turn, in a few words each."""
    found = []
    if turn.pinned:
        found.append(f"{glyphs.pinned} pinned")
    if turn.heard_ms is not None:
        found.append(f"interrupted at {turn.heard_ms / 1000:.1f} s")
    if turn.spoken and turn.modality == "text" and turn.in_window:
        found.append("textified")
    if turn.note:
        found.append(turn.note)
    elif turn.words == "failed":
        found.append("no words")
    return found


class _Grown(NamedTuple):
    """The turn that was painted last: most likely the one to which words are added."""

    id: str
    told: str
    text: str
    """`told` as it is drawn."""
    spans: list[tuple[int, int]]
    strips: list[Strip]
    """Its head and its lines."""
    dress: tuple[object, object]


class Painter:
    """Lays out blocks for one width, one set of colours; remembers what it has painted."""

    def __init__(
        self,
        width: int,
        palette: Palette,
        glyphs: Glyphs,
        *,
        started: datetime | None = None,
        timestamps: bool = True,
        worths: Mapping[str, Worth | None] | None = None,
    ) -> None:
        self.width = width
        self.palette = palette
        self.glyphs = glyphs
        self.started = started
        self.timestamps = timestamps
        self.worths = worths or {}
        self.room = max(8, min(WIDEST, width - GUTTER - 1))
        self._painted: OrderedDict[str, tuple[Block, bool, list[Strip]]] = OrderedDict()
        self._grown: _Grown | None = None

    def measure(self, block: Block) -> int:
        return len(self.paint(block))

    def estimate(self, block: Block) -> int:
        """Lines, without laying it out: a little air is lost at each line's end."""
        if isinstance(block, Mark):
            return 2
        return 2 + -(-len(block.text) * 21 // (20 * self.room)) if block.text else 2

    def paint(self, block: Block, *, folded: bool = False) -> list[Strip]:
        known = self._painted.get(block.id)
        if known is not None and known[0] is block and known[1] is folded:
            return known[2]
        if isinstance(block, Mark):
            strips = [self._finish(line) for line in self._paint_mark(block, folded)]
        else:
            strips = self._paint_turn(block)
        self._painted[block.id] = (block, folded, strips)
        self._painted.move_to_end(block.id)
        if len(self._painted) > _CACHED:
            self._painted.popitem(last=False)
        return strips

    def _finish(self, line: Strip) -> Strip:
        return line.adjust_cell_length(self.width).apply_style(self.palette.ground)

    def _strip(self, *parts: tuple[str, Style]) -> Strip:
        segments = [Segment(text, style) for text, style in parts if text]
        return Strip(segments, sum(cell_len(text) for text, _ in parts))

    # ── a turn ──────────────────────────────────────────────────────────────────────────────

    def _paint_turn(self, turn: Turn) -> list[Strip]:
        """Of a turn that has grown since it was last painted, only the end is painted again."""
        glyphs, palette = self.glyphs, self.palette
        pruned = bool(turn.pruned_in) and not turn.in_window
        colour = palette.edge(turn)
        edge = (f" {glyphs.edge_pruned if pruned else glyphs.edge}  ", colour)
        style = palette.machine if pruned or turn.role in ("tool", "system") else palette.words
        head = self._finish(self._head(turn, edge, colour))
        text, spans, kept = self._spans(turn)
        before, self._grown = self._grown, None
        strips = [head]
        if before is not None and kept and before.dress == (edge, style) and not turn.interrupted:
            strips = [before.strips[0] if before.strips[0] == head else head]
            strips += before.strips[1 : kept + 1]
        words = self._words(turn, text, spans[len(strips) - 1 :], style)
        short = turn.role == "tool" and len(words) > TOOL_LINES
        if short:
            words = [*words[:TOOL_LINES], [(glyphs.more, palette.quiet)]]
        strips += [self._finish(self._strip(edge, *parts)) for parts in words]
        if not (short or turn.interrupted):
            self._grown = _Grown(turn.id, turn.text, text, spans, strips, (edge, style))
        return [*strips, self._finish(Strip([], 0))]

    def _spans(self, turn: Turn) -> tuple[str, list[tuple[int, int]], int]:
        """Its words, where each line of them begins and ends, and how many of these lines are as
        they were: all but the last of a text to which something was added.
        """
        known = self._grown
        if known is None or known.id != turn.id or not turn.text.startswith(known.told):
            text = clean(turn.text)
            return text, wrap(text, self.room) if text else [], 0
        text = known.text + clean(turn.text[len(known.told) :])
        if not known.spans:
            return text, wrap(text, self.room) if text else [], 0
        kept, start = known.spans[:-1], known.spans[-1][0]
        added = [(a + start, b + start) for a, b in wrap(text[start:], self.room)]
        return text, kept + added, len(kept)

    def _head(self, turn: Turn, edge: tuple[str, Style], colour: Style) -> Strip:
        name = NAMES[turn.role]
        if turn.role == "tool" and not turn.tool:
            name = "answer"
        parts = [edge, (name, colour + Style(bold=True))]
        used = len(name)
        if turn.tool:
            parts.append((f"  {clean(turn.tool)}", self.palette.machine))
            used += 2 + cell_len(turn.tool)
        if self.timestamps:
            when = clock(self.started, turn.at)
            parts.append((f"  {when}", self.palette.quiet))
            used += 2 + len(when)
        special = notes(turn, self.glyphs)
        if special and (room := self.room - used - 2) > 0:
            text = clean(f" {self.glyphs.dot} ".join(special))
            parts.append(("  " + fit(text, room, self.glyphs.more), self.palette.quiet))
        return self._strip(*parts)

    def _words(
        self, turn: Turn, text: str, spans: list[tuple[int, int]], style: Style
    ) -> list[list[tuple[str, Style]]]:
        """Lines, each as parts: heard words, unheard words, the caret at the end."""
        heard = len(clean(turn.heard_text)) if turn.interrupted else len(text)
        lines: list[list[tuple[str, Style]]] = []
        for begin, end in spans:
            cut = min(max(begin, heard), end)
            parts = [(text[begin:cut], style), (text[cut:end], self.palette.unheard)]
            lines.append([part for part in parts if part[0]])
        if turn.words == "open" and turn.role in ("user", "assistant"):
            self._add_caret(lines, turn)
        return lines

    def _add_caret(self, lines: list[list[tuple[str, Style]]], turn: Turn) -> None:
        """Where more words will come."""
        caret = (self.glyphs.caret, self.palette.edge(turn))
        if not lines:
            lines.append([(self.glyphs.more, self.palette.quiet)])
        elif sum(cell_len(text) for text, _ in lines[-1]) < self.room - 1:
            blank = " " if turn.text.endswith(" ") else ""
            lines[-1].append((blank + caret[0], caret[1]))
        else:
            lines.append([caret])

    # ── a pruning ───────────────────────────────────────────────────────────────────────────

    def _paint_mark(self, mark: Mark, folded: bool) -> list[Strip]:
        compaction, glyphs = mark.compaction, self.glyphs
        sign = glyphs.folded if folded else glyphs.open
        turns = plural(len(compaction.turns) - len(compaction.skipped), "turn")
        if compaction.under_way:
            parts = [f"summarising {turns}{glyphs.more}"]
        else:
            parts = [f"{turns} summarised"]
            if mark.put_back:
                parts.append("put back")
            elif compaction.tokens_after is not None:
                before, after = spaced(compaction.tokens_before), spaced(compaction.tokens_after)
                parts.append(f"{before} {glyphs.arrow} {after} tokens")
                worth = self.worths.get(compaction.id)
                if worth is not None and worth.replies is not None:
                    parts.append(f"pays back in {plural(worth.replies, 'reply', 'replies')}")
        text = f" {glyphs.dot} ".join(parts)
        while len(parts) > 1 and cell_len(text) > self.room + 1:
            parts.pop()
            text = f" {glyphs.dot} ".join(parts)
        text = fit(text, self.room + 1, glyphs.more)
        return [self._strip((f" {sign} {text}", self.palette.quiet)), Strip([], 0)]
