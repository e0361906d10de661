"""Runs of textified turns that follow one another: each has one line instead of a note a turn.

Turns that were text from the beginning, such as typed ones, do not end a run; audio does, and a
pruned turn.

An update looks at the chunks of turns that changed, and at those behind them as far as a run goes
on differently, so it costs the same with 10 and with 100 000 turns. This module knows nothing of
Textual.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tui_voice.conversation.turns import Turn


class TextifiedMark(NamedTuple):
    """The line that stands above a run of textified turns."""

    first: str
    """Id of the first turn of the run."""
    last: str
    """Id of the last turn of the run."""
    turns: int
    """Number of textified turns."""
    span: int
    """Number of all turns from the first to the last."""
    begin: float
    """When the first turn began. Seconds, as in `Turn.at`."""
    end: float
    """When the last turn began."""
    behind: int = 0
    """While the run is made: number of turns behind the last that are text, but not textified."""

    @property
    def id(self) -> str:
        return mark_id(self.first)


def mark_id(first: str) -> str:
    """Returns the id of the mark above the run that begins with this turn."""
    return f"textified {first}"


def is_textified(turn: Turn) -> bool:
    """Returns whether the model has the transcript of a turn in place of its audio."""
    return turn.modality == "text" and turn.spoken and not turn.pruned_in


class TextifiedRuns:
    """The runs of all turns. A run of one turn has no mark: its note is in its first line."""

    def __init__(self) -> None:
        self.marks: dict[str, TextifiedMark] = {}
        """Id of the first turn of a run → its mark."""
        self.ends: set[str] = set()
        """Ids of turns that end a run: what is textified later does not join a folded run."""
        self._open: list[TextifiedMark | None] = [None]
        """The run that goes on at the begin of each chunk, then the one at the end of all."""

    def open_before(self, chunk: int) -> TextifiedMark | None:
        """Returns the run that goes on at the begin of a chunk, as far as it is known there."""
        return self._open[chunk]

    def grown(self, run: TextifiedMark | None, turn: Turn) -> TextifiedMark | None:
        """Returns the run after one more turn; None where the turn ends it."""
        if turn.modality != "text" or turn.pruned_in:
            return None
        if run is None or (turn.spoken and run.last in self.ends):
            return TextifiedMark(turn.id, turn.id, 1, 1, turn.at, turn.at) if turn.spoken else None
        first, last, turns, span, begin, end, behind = run
        if turn.spoken:
            return TextifiedMark(first, turn.id, turns + 1, span + behind + 1, begin, turn.at)
        return TextifiedMark(first, last, turns, span, begin, end, behind + 1)

    def mark_of(self, run: TextifiedMark | None, turn: Turn) -> str:
        """Returns the id of the mark above the run that a turn is in; "" where it is in none.
        `run`: after this turn.
        """
        mark = self.marks.get(run.first) if run is not None else None
        if run is None or mark is None or not (turn.spoken or run.last != mark.last):
            return ""
        return mark.id

    def update(self, chunks: Sequence[Sequence[Turn]], head: int = 0, tail: int = 0) -> set[str]:
        """Takes new chunks. `head` and `tail`: how many of them are unchanged at the begin and at
        the end. Returns the ids of the turns above which a mark was added, removed or changed.
        """
        before = self._open
        moved = len(before) - 1 - len(chunks)
        run, self._open = before[head], before[: head + 1]
        changed: set[str] = set()
        for index in range(head, len(chunks)):
            if index >= len(chunks) - tail and run == before[index + moved]:
                self._open += before[index + moved + 1 :]
                return changed
            for turn in chunks[index]:
                grown = self.grown(run, turn)
                if run is not None and (grown is None or grown.first != run.first):
                    changed |= self._set(run)
                if turn.id in self.marks and (grown is None or grown.first != turn.id):
                    del self.marks[turn.id]
                    changed.add(turn.id)
                run = grown
            self._open.append(run)
        return changed | self._set(run) if run is not None else changed

    def _set(self, run: TextifiedMark) -> set[str]:
        """Keeps the mark of a whole run. Returns the id of its first turn if that changed it."""
        known = self.marks.pop(run.first, None)
        if run.turns > 1:
            self.marks[run.first] = run._replace(behind=0)
        return {run.first} if known != self.marks.get(run.first) else set()
