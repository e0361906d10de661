"""Paints a block of the transcript: the coloured edge, who and when, notes, the text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui_voice.ui.glyphs import Glyphs
from tui_voice.ui.markdown import Layout, Line, StyledRange, has_markup, layout, plain_layout
from tui_voice.ui.number_format import clock, plural
from tui_voice.ui.pruning_rows import PruningWorth
from tui_voice.ui.textified_runs import TextifiedMark, is_textified
from tui_voice.ui.tool_output import readable, recalled
from tui_voice.ui.transcript_document import Block, CompactionMark, Mark
from tui_voice.ui.wrapping import clean, fit, wrap

if TYPE_CHECKING:
    from tui_voice.conversation.turns import Turn

GUTTER = 4
"""Columns before the text: cursor, edge, space."""
WIDEST = 100
"""Columns of the text at most: longer lines are hard to read."""
TOOL_LINES = 3
"""Lines that are shown of what a tool answered."""
_MOST_CACHED = 2000
"""Blocks whose lines are kept."""

ROLE_NAMES = {"user": "you", "assistant": "voice", "tool": "tool", "system": "note"}


class TranscriptStyles(NamedTuple):
    """Rich styles for the parts of the transcript."""

    user: Style
    voice: Style
    machine: Style
    quiet: Style
    words: Style
    unheard: Style
    """Text of an interrupted reply that was not played."""
    ground: Style
    """The background, on which all other styles are applied."""

    def of_markdown(self, one: StyledRange) -> Style:
        """Returns what a range of rendered Markdown adds to the style of the text."""
        match one.kind:
            case "strong" | "heading":
                return Style(bold=True)
            case "em":
                return Style(italic=True)
            case "strike":
                return Style(strike=True)
            case "uncertain":
                return Style(underline=True)
            case "link":
                return Style(underline=True, link=one.link or None)
            case "code":
                return self.machine
            case "keyword":
                return self.voice
            case "string":
                return self.user
            case "comment" | "quiet":
                return self.quiet

    def edge(self, turn: Turn) -> Style:
        """Returns the style of the turn's edge and of the speaker's name."""
        return {"user": self.user, "assistant": self.voice}.get(turn.role, self.quiet)


def notes(turn: Turn, glyphs: Glyphs, *, in_run: bool = False) -> list[str]:
    """Returns what is special about a turn, in a few words each. `in_run`: a line above it says
    that it is textified.
    """
    found = []
    if turn.pinned:
        found.append(f"{glyphs.pinned} pinned")
    if turn.heard_ms is not None:
        found.append(f"interrupted at {turn.heard_ms / 1000:.1f} s")
    if is_textified(turn) and not in_run:
        found.append("textified")
    if turn.misheard:
        found.append("corrected")
    if turn.uncertain and glyphs.ascii:  # an ASCII terminal may not underline
        words = ", ".join(turn.text[begin:end] for begin, end in turn.uncertain)
        found.append(f"unsure: {words}")
    if turn.after_silence:
        found.append(turn.silence_remark)
    if turn.note:
        found.append(turn.note)
    elif turn.words == "failed":
        found.append("no transcript")
    return found


def _uncertain_ranges(turn: Turn) -> list[StyledRange]:
    """Returns where the words are, in the text as it is painted, that the recogniser is not sure
    of.
    """
    return [
        StyledRange(len(clean(turn.text[:begin])), len(clean(turn.text[:end])), "uncertain")
        for begin, end in turn.uncertain
    ]


class _LastPainted(NamedTuple):
    """The turn that was painted last. Most often it is the one that streams in, so that the next
    paint of it can keep all lines but the last.
    """

    id: str
    source: str
    """The text of the turn."""
    layout: Layout
    strips: list[Strip]
    """The head and the lines."""
    style: tuple[object, object]
    """Edge and style of the text."""


class BlockPainter:
    """Paints blocks for one width and one theme, and keeps what it painted."""

    def __init__(
        self,
        width: int,
        palette: TranscriptStyles,
        glyphs: Glyphs,
        *,
        started: datetime | None = None,
        timestamps: bool = True,
        worths: Mapping[str, PruningWorth | None] | None = None,
        raw: bool = False,
    ) -> None:
        """`width`: columns of the widget. `started`: of the session, for the time of each turn.
        `worths`: compaction id → what it is worth. `raw`: Markdown is shown as it was written.
        """
        self.width = width
        self.palette = palette
        self.glyphs = glyphs
        self.started = started
        self.timestamps = timestamps
        self.worths = worths or {}
        self.raw = raw
        self.text_width = max(8, min(WIDEST, width - GUTTER - 1))
        self._painted: OrderedDict[str, tuple[Block, tuple[bool, bool], list[Strip]]] = (
            OrderedDict()
        )
        self._last: _LastPainted | None = None

    def measure(self, block: Block) -> int:
        """Returns the height of a block in lines."""
        return len(self.paint(block))

    def estimate(self, block: Block) -> int:
        """Returns about the height in lines, without wrapping the text: about 5 % of each line
        stays empty at its end.
        """
        if isinstance(block, Mark):
            return 2
        return 2 + -(-len(block.text) * 21 // (20 * self.text_width)) if block.text else 2

    def paint(self, block: Block, *, folded: bool = False, in_run: bool = False) -> list[Strip]:
        """Returns the lines of a block, the last of them blank. Returns the same list as long as
        nothing changes. `folded`: the turns below the mark are hidden. `in_run`: as in `notes`.
        """
        known = self._painted.get(block.id)
        if known is not None and known[0] is block and known[1] == (folded, in_run):
            return known[2]
        if isinstance(block, Mark):
            strips = [self._finish(line) for line in self._paint_mark(block, folded)]
        else:
            strips = self._paint_turn(block, in_run)
        self._painted[block.id] = (block, (folded, in_run), strips)
        self._painted.move_to_end(block.id)
        if len(self._painted) > _MOST_CACHED:
            self._painted.popitem(last=False)
        return strips

    def _finish(self, line: Strip) -> Strip:
        return line.adjust_cell_length(self.width).apply_style(self.palette.ground)

    def _strip(self, *parts: tuple[str, Style]) -> Strip:
        segments = [Segment(text, style) for text, style in parts if text]
        return Strip(segments, sum(cell_len(text) for text, _ in parts))

    # ── a turn ──────────────────────────────────────────────────────────────────────────────

    def _paint_turn(self, turn: Turn, in_run: bool) -> list[Strip]:
        """Returns the lines of a turn. Where its text grew since the last time, it paints only the
        new end.
        """
        glyphs, palette = self.glyphs, self.palette
        pruned = bool(turn.pruned_in) and not turn.in_window
        colour = palette.edge(turn)
        edge = (f" {glyphs.edge_pruned if pruned else glyphs.edge}  ", colour)
        style = palette.machine if pruned or turn.role in ("tool", "system") else palette.words
        head = self._finish(self._head(turn, edge, colour, in_run))
        made, kept = self._grown_layout(turn)
        before, self._last = self._last, None
        marked = turn.interrupted or bool(turn.uncertain)  # after its lines were painted
        strips = [head]
        if before is not None and kept and before.style == (edge, style) and not marked:
            strips = [before.strips[0] if before.strips[0] == head else head]
            strips += before.strips[1 : kept + 1]
        words = self._text_lines(turn, made, len(strips) - 1, style)
        limit = TOOL_LINES if turn.tool or recalled(turn.text) is None else len(words)
        short = turn.role == "tool" and len(words) > limit
        if short:
            words = [*words[:TOOL_LINES], [(glyphs.more, palette.quiet)]]
        strips += [self._finish(self._strip(edge, *parts)) for parts in words]
        if not (short or marked):
            self._last = _LastPainted(turn.id, turn.text, made, strips, (edge, style))
        return [*strips, self._finish(Strip([], 0))]

    def layout(self, turn: Turn) -> Layout:
        """Returns the lines of a turn's text as they are painted."""
        return self._grown_layout(turn)[0]

    def _grown_layout(self, turn: Turn) -> tuple[Layout, int]:
        """Returns the layout, and how many of its lines were painted before: of a text that grew,
        all that the new end cannot change.
        """
        if turn.role == "tool":
            text = clean(turn.text if turn.tool else readable(turn.text))
            return plain_layout(text, self.text_width), 0
        known = self._last
        grew = known is not None and known.id == turn.id and turn.text.startswith(known.source)
        before = known.layout if known is not None and grew else None
        if self._is_rendered(turn):
            ascii_only = self.glyphs.more.isascii()
            made = layout(clean(turn.text), self.text_width, ascii_only=ascii_only, before=before)
            if before is None:
                return made, 0
            shortest = min(len(before.lines), len(made.lines))  # the last line has the caret
            return made, max(0, min(before.stable.lines, shortest - 1))
        if before is None or not before.lines or before.source:
            return plain_layout(clean(turn.text), self.text_width), 0
        assert known is not None  # there is a layout
        text = before.text + clean(turn.text[len(known.source) :])
        lines, start = before.lines[:-1], before.lines[-1].begin
        added = wrap(text[start:], self.text_width)
        lines = [*lines, *(Line(begin + start, end + start) for begin, end in added)]
        return Layout(text, lines), len(before.lines) - 1

    def _is_rendered(self, turn: Turn) -> bool:
        """Returns whether Markdown in the turn is rendered. An interrupted reply is shown as it was
        written: its text has to be cut where it was heard.
        """
        shown_raw = self.raw or turn.interrupted or turn.role != "assistant"
        return not shown_raw and has_markup(turn.text)

    def _head(self, turn: Turn, edge: tuple[str, Style], colour: Style, in_run: bool) -> Strip:
        name = ROLE_NAMES[turn.role]
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
        if turn.first_sound_s is not None:
            waited = f"  after {turn.first_sound_s:.1f} s"
            parts.append((waited, self.palette.quiet))
            used += len(waited)
        special = notes(turn, self.glyphs, in_run=in_run)
        if special and (room := self.text_width - used - 2) > 0:
            text = clean(f" {self.glyphs.dot} ".join(special))
            parts.append(("  " + fit(text, room, self.glyphs.more), self.palette.quiet))
        return self._strip(*parts)

    def _text_lines(
        self, turn: Turn, made: Layout, first: int, style: Style
    ) -> list[list[tuple[str, Style]]]:
        """Returns the lines from number `first` on as parts: played text, unplayed text, the caret
        at the end.
        """
        text = made.text
        if turn.uncertain:
            made = made._replace(ranges=_uncertain_ranges(turn))
        heard = len(clean(turn.heard_text)) if turn.interrupted else len(text)
        lines: list[list[tuple[str, Style]]] = []
        for begin, end, indent in made.lines[first:]:
            cut = min(max(begin, heard), end)
            parts = [(" " * indent, style), *self._styled(made, begin, cut, style)]
            parts.append((text[cut:end], self.palette.unheard))
            lines.append([part for part in parts if part[0]])
        if turn.words == "open" and turn.role in ("user", "assistant"):
            self._add_caret(lines, turn)
        return lines

    def _styled(self, made: Layout, begin: int, end: int, style: Style) -> list[tuple[str, Style]]:
        """Returns `text[begin:end]` in parts, each with the styles of the ranges that hold it."""
        here = [one for one in made.ranges if one.begin < end and one.end > begin]
        if not here:
            return [(made.text[begin:end], style)]
        edges = {begin, end, *(one.begin for one in here), *(one.end for one in here)}
        parts = []
        for first, last in pairwise(sorted(edge for edge in edges if begin <= edge <= end)):
            added = (
                self.palette.of_markdown(o) for o in here if o.begin <= first and last <= o.end
            )
            parts.append((made.text[first:last], Style.combine([style, *added])))
        return parts

    def _add_caret(self, lines: list[list[tuple[str, Style]]], turn: Turn) -> None:
        """Adds the sign that more text will come."""
        caret = (self.glyphs.caret, self.palette.edge(turn))
        if not lines:
            lines.append([(self.glyphs.more, self.palette.quiet)])
        elif sum(cell_len(text) for text, _ in lines[-1]) < self.text_width - 1:
            blank = " " if turn.text.endswith(" ") else ""
            lines[-1].append((blank + caret[0], caret[1]))
        else:
            lines.append([caret])

    # ── a pruning ───────────────────────────────────────────────────────────────────────────

    def _paint_mark(self, mark: Mark, folded: bool) -> list[Strip]:
        sign = self.glyphs.folded if folded else self.glyphs.open
        if isinstance(mark, TextifiedMark):
            text = self._fitting(self._run_parts(mark))
        else:
            text = self._fitting(self._compaction_parts(mark))
        return [self._strip((f" {sign} {text}", self.palette.quiet)), Strip([], 0)]

    def _compaction_parts(self, mark: CompactionMark) -> list[tuple[int, str]]:
        """Returns what a mark says: in order, each with its rank. Where there is little room, the
        part of the highest rank is left out first.
        """
        compaction, glyphs = mark.compaction, self.glyphs
        turns = plural(len(compaction.turns) - len(compaction.skipped), "turn")
        if compaction.under_way:
            return [(0, f"summarising {turns}{glyphs.more}")]
        parts = self._when(mark)
        if compaction.topics:
            parts.append((2, clean(", ".join(compaction.topics))))
        if mark.restored:
            return [*parts, (0, f"{turns} restored")]
        if not compaction.summary:
            return [*parts, (0, f"{turns} summarised")]
        from tui_voice.languages.token_estimate import estimate_text_tokens

        tokens = plural(estimate_text_tokens(compaction.summary), "token")
        parts.append((0, f"{turns} {glyphs.arrow} {tokens}"))
        if compaction.details:
            kept = compaction.details - len(compaction.missing)
            parts.append((3, f"kept {kept} of {compaction.details}"))
        worth = self.worths.get(compaction.id)
        if worth is not None and worth.replies is not None:
            parts.append((4, f"pays back in {plural(worth.replies, 'reply', 'replies')}"))
        return parts

    def _run_parts(self, run: TextifiedMark) -> list[tuple[int, str]]:
        """Returns what the line above textified turns says, as `_compaction_parts` does."""
        what = "the model has their words, not their sound"
        some = f"{run.turns} of " if run.turns < run.span else ""
        turns = f"{some}{plural(run.span, 'turn')} textified"
        return [*self._when(run), (0, turns), (2, what)]

    def _when(self, mark: Mark) -> list[tuple[int, str]]:
        """Returns from when to when the turns below a mark began, as a part with its rank."""
        if not self.timestamps or self.started is None:
            return []
        begin, end = clock(self.started, mark.begin), clock(self.started, mark.end)
        return [(1, begin if begin == end else f"{begin}{self.glyphs.to}{end}")]

    def _fitting(self, parts: list[tuple[int, str]]) -> str:
        """Returns as many of the parts as one line has room for."""
        room, dot = self.text_width + 1, f" {self.glyphs.dot} "
        while cell_len(dot.join(text for _, text in parts)) > room and len(parts) > 1:
            parts = [part for part in parts if part[0] < max(rank for rank, _ in parts)]
        return fit(dot.join(text for _, text in parts), room, self.glyphs.more)
