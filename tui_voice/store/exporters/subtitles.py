"""A talk as subtitles: SubRip, and WebVTT. Only what was heard, when it was heard."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from html import escape

from tui_voice.store.exporters.document import Document, Said

_LINE = 42  # characters, as broadcasters have it
_LINES = 2
_READING = 15.0  # characters a second, for what was typed and has no length of its own
_SHORTEST = 1.0
_TICK = 0.001  # what the times are told in; no cue is shorter
_LATEST = 1e9  # seconds: a damaged time


@dataclass(frozen=True, slots=True)
class Cue:
    """A few words for a while. Seconds since the talk was opened."""

    start: float
    end: float
    name: str
    text: str


def cues(page: Document) -> list[Cue]:
    """Two lines at a time; each gets its share of the turn's time."""
    turns = [part for part in page.parts if isinstance(part, Said) and part.text]
    found: list[Cue] = []
    for index, said in enumerate(turns):
        following = turns[index + 1].at if index + 1 < len(turns) else float("inf")
        length = said.seconds or min(len(said.text) / _READING, following - said.at)
        found += _split(said, max(length, _SHORTEST))
    return sorted(found, key=lambda cue: cue.start)  # a turn may be placed before what began first


def _split(said: Said, length: float) -> list[Cue]:
    lines = textwrap.wrap(" ".join(said.text.split()), _LINE)
    pieces = ["\n".join(lines[i : i + _LINES]) for i in range(0, len(lines), _LINES)]
    total = sum(map(len, pieces))
    found, start = [], min(max(0.0, said.at), _LATEST)
    for piece in pieces:
        end = start + max(_TICK, length * len(piece) / total)
        found.append(Cue(start, end, said.name, piece))
        start = end
    return found


def srt(page: Document) -> str:
    """SubRip; each side's first cue of a turn begins with its name."""
    blocks, before = [], ""
    for number, cue in enumerate(cues(page), 1):
        name = f"{cue.name}: " if cue.name != before else ""
        before = cue.name
        times = f"{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}"
        words = cue.text.replace("-->", "→")  # else a reader would take it for times
        blocks.append(f"{number}\n{times}\n{name}{words}\n")
    return "\n".join(blocks)


def vtt(page: Document) -> str:
    """WebVTT with voices."""
    blocks = ["WEBVTT\n"]
    for cue in cues(page):
        times = f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}"
        voice = escape(cue.name, quote=False)
        blocks.append(f"{times}\n<v {voice}>{escape(cue.text, quote=False)}\n")
    return "\n".join(blocks)


def _clock(seconds: float, point: str) -> str:
    ms = round(seconds * 1000)
    hours, minutes = ms // 3_600_000, ms // 60_000 % 60
    return f"{hours:02}:{minutes:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"
