"""Draws the screen with ASCII signs: lines, edges, scrollbars, and what the terminal lacks."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_SIGNS = {
    **dict.fromkeys("─━┄┅┈┉╌╍═╴╶╸╺╼╾▀▔▁▂▃▄▅▆▇‐‑‒–—―⎯", "-"),
    **dict.fromkeys("│┃┆┇┊┋╎╏║╵╷╹╻╽╿▏▎▍▌▋▊▉▐▕", "|"),
    **dict.fromkeys("█■▪▮", "#"),
    **dict.fromkeys("░▒▓", ":"),
    **dict.fromkeys("●•◆◇○◉★☆∙▫□", "*"),
    **dict.fromkeys("→›»▸▶►❯⟩", ">"),
    **dict.fromkeys("←‹«◂◀◄❮⟨", "<"),
    **dict.fromkeys("↑▲△▴⌃", "^"),
    **dict.fromkeys("↓▼▽▾⌄", "v"),
    **dict.fromkeys("‘’‚‛′", "'"),
    **dict.fromkeys("“”„‟″", '"'),
    **dict.fromkeys("\u00a0\u2007\u2009\u202f", " "),
    "·": "-",
    "…": ".",
    "≈": "~",
    "×": "x",
    "✓": "v",
    "✔": "v",
    "✗": "x",
    "✕": "x",
    "−": "-",
    "⏎": "<",
}
"""Sign → its ASCII form, of the same width. Letters are not signs: they stay where they can."""


class AsciiFilter(LineFilter):
    """Replaces signs in everything that is drawn, by whatever widget.

    `encoding`: of the terminal. A character that it lacks is replaced by its letter without accent,
    or by `?`.
    """

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002  # the name is Textual's
        """Returns the segments with ASCII signs; all keep their width."""
        return [
            segment
            if segment.control or segment.text.isascii()
            else Segment(ascii_form(segment.text, self._encoding), segment.style)
            for segment in segments
        ]


def ascii_form(text: str, encoding: str = "utf-8") -> str:
    """Returns the text with ASCII signs, and only characters of the encoding; it is as wide."""
    if text.isascii():
        return text
    return "".join(_character(character, encoding) for character in text)


@lru_cache(maxsize=4096)
def _character(character: str, encoding: str) -> str:
    if character.isascii():
        return character
    if sign := _SIGNS.get(character):
        return sign
    if "\u2500" <= character <= "\u257f":  # corners and crossings
        return "+"
    if "\u2580" <= character <= "\u259f" or "\u2800" <= character <= "\u28ff":
        return "#"
    try:
        character.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        base = unicodedata.normalize("NFKD", character)[0]
        width = cell_len(character)
        return base if base.isascii() and width == 1 else "?" * width
    return character
