"""Exports a session as subtitles: SubRip and WebVTT.

They contain what was heard, at the time when it was heard.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, replace
from html import escape

from tui_voice.store.exporters.document import ExportDocument, ExportTurn

_LINE = 42
"""The most characters of a line: a usual limit of broadcasters."""
_LINES = 2
"""Lines of a cue."""
_READING_SPEED = 15.0
"""Characters per second, for typed turns, which have no length of their own."""
_SHORTEST = 1.0
"""The least seconds that a turn is shown."""
_TICK = 0.001
"""The least seconds that a cue is shown: the resolution of the times."""
_WIDE = str.maketrans("<>", "＜＞")
_POSITION = re.compile(r"\{(?=\\|[A-Za-z]:)")
"""SubRip has no escapes: players take `vector<int>` for a tag and `{y:i}` for a style, and show
neither. The wide forms are shown by all, and become the usual ones under Unicode's NFKC."""
_LATEST = 1e9
"""Seconds. A later time is damaged and is replaced by this one."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A few words that are shown for a while. Times in seconds since the session was opened."""

    start: float
    end: float
    name: str
    text: str


def cues(document: ExportDocument) -> list[Cue]:
    """The turns in pieces of two lines; each piece gets its share of the turn's time."""
    turns = [part for part in document.parts if isinstance(part, ExportTurn) and part.text]
    found: list[Cue] = []
    for index, turn in enumerate(turns):
        next_at = turns[index + 1].at if index + 1 < len(turns) else float("inf")
        seconds = turn.seconds or min(len(turn.text) / _READING_SPEED, next_at - turn.at)
        found += _split(turn, max(seconds, _SHORTEST))
    # The order of turns is not always that of time.
    return _one_at_a_time(sorted(found, key=lambda cue: cue.start))


def _one_at_a_time(found: list[Cue]) -> list[Cue]:
    """The cues so that each ends before the next begins.

    A cue is shown for `_SHORTEST`, or its own shorter time, even if the next one began earlier:
    quick typed turns then follow each other a little late.
    """
    shown: list[Cue] = []
    free = 0.0
    for cue in found:
        start = max(cue.start, free)
        if shown and shown[-1].end > start:
            shown[-1] = replace(shown[-1], end=start)
        least = min(_SHORTEST, cue.end - cue.start)
        shown.append(replace(cue, start=start, end=max(cue.end, start + least)))
        free = start + least
    return shown


def _split(turn: ExportTurn, seconds: float) -> list[Cue]:
    lines = textwrap.wrap(" ".join(turn.text.split()), _LINE)
    pieces = ["\n".join(lines[i : i + _LINES]) for i in range(0, len(lines), _LINES)]
    total = sum(map(len, pieces))
    found, start = [], min(max(0.0, turn.at), _LATEST)
    for piece in pieces:
        end = start + max(_TICK, seconds * len(piece) / total)
        found.append(Cue(start, end, turn.name, piece))
        start = end
    return found


def srt(document: ExportDocument) -> str:
    """SubRip. When the speaker changes, the cue begins with the name. `<` and `>` are wide."""
    blocks, speaker = [], ""
    for number, cue in enumerate(cues(document), 1):
        name = f"{_without_markup(cue.name)}: " if cue.name != speaker else ""
        speaker = cue.name
        times = f"{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}"
        words = _without_markup(cue.text.replace("-->", "→"))  # a reader takes it for times
        blocks.append(f"{number}\n{times}\n{name}{words}\n")
    return "\n".join(blocks)


def _without_markup(text: str) -> str:
    return _POSITION.sub("｛", text.translate(_WIDE))


def vtt(document: ExportDocument) -> str:
    """WebVTT; each cue names its speaker in a voice tag."""
    blocks = ["WEBVTT\n"]
    for cue in cues(document):
        times = f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}"
        voice = escape(cue.name, quote=False)
        blocks.append(f"{times}\n<v {voice}>{escape(cue.text, quote=False)}\n")
    return "\n".join(blocks)


def _clock(seconds: float, point: str) -> str:
    """`01:02:03,456`; `point` stands before the ms."""
    ms = round(seconds * 1000)
    hours, minutes = ms // 3_600_000, ms // 60_000 % 60
    return f"{hours:02}:{minutes:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"
