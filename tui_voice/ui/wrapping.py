"""Wraps text: where each line of it begins and ends, by the columns of a terminal."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rich.cells import cell_len, get_character_cell_size

from tui_voice.languages.phrases import shortened

_WORD = re.compile(r"\S+")
_PLAIN = re.compile(r"[\n\x20-\x7e]*\Z")
_BIDI = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def clean(text: str) -> str:
    """Returns the text without characters that control the terminal or the direction of writing."""
    if _PLAIN.match(text):
        return text
    return "".join(map(_clean_character, text))


@lru_cache(maxsize=4096)
def _clean_character(character: str) -> str:
    if character == "\n":
        return character
    if character == "\t":
        return " "
    if character in _BIDI or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return ""
    return character


def one_line(text: str) -> str:
    """Joins all lines of a text with blanks: line breaks mean nothing in a typed turn."""
    return " ".join(line.strip("\r\t") for line in text.splitlines() if line.strip())


def wrap(text: str, width: int) -> list[tuple[int, int]]:
    """Returns a span (begin, end) of `text` for each line, none wider than `width` columns.

    A newline ends a line. A word wider than a line is cut. Blanks at the end of a line are in no
    span. Example: `wrap("the quick brown fox", 10)` gives `[(0, 9), (10, 19)]`.
    """
    width = max(1, width)
    lines: list[tuple[int, int]] = []
    wide = not text.isascii()
    start = 0
    for paragraph in text.split("\n"):
        lines += _wrap_paragraph(text, start, start + len(paragraph), width, wide)
        start += len(paragraph) + 1
    return lines


def _wrap_paragraph(
    text: str, start: int, end: int, width: int, wide: bool
) -> list[tuple[int, int]]:
    cells = cell_len if wide else len
    if end - start <= width and cells(text[start:end]) <= width:
        return [(start, start + len(text[start:end].rstrip()))]
    lines: list[tuple[int, int]] = []
    begin, stop, used = start, start, 0  # of the line so far; columns in `used`
    for match in _WORD.finditer(text, start, end):
        first, last = match.span()
        size = cells(text[first:last])
        gap = cells(text[stop:first])
        if stop > begin and used + gap + size > width:
            lines.append((begin, stop))
            begin, stop, used, gap = first, first, 0, 0
        if used + gap + size <= width:
            stop, used = last, used + gap + size
            continue
        *full, (begin, stop) = _chop(text, begin, last, width)
        lines += full
        used = cells(text[begin:stop])
    lines.append((begin, stop))
    return lines


def _chop(text: str, start: int, end: int, width: int) -> list[tuple[int, int]]:
    """Returns spans of at most `width` columns, cut inside words."""
    pieces: list[tuple[int, int]] = []
    begin, used = start, 0
    for index in range(start, end):
        size = get_character_cell_size(text[index])
        if used + size > width and index > begin:
            pieces.append((begin, index))
            begin, used = index, 0
        used += size
    pieces.append((begin, end))
    return pieces


def fit_phrase(text: str, width: int, more: str = "…") -> str:
    """`fit` for a title: where it is cut, it ends with a phrase, or at least with a word."""
    return shortened(text, width, more, cell_len) or fit(text, width, more)


def fit(text: str, width: int, more: str = "…") -> str:
    """Returns `text` in at most `width` columns; where it is cut, it ends with `more`."""
    if cell_len(text) <= width:
        return text
    room = width - cell_len(more)
    if room <= 0:
        return more[: max(0, width)]
    return text[: _chop(text, 0, len(text), room)[0][1]].rstrip() + more
