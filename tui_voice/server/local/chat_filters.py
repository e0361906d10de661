"""Filters for the output of a chat model: no reasoning, no endless repetition, no code, no
characters that control a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tui_voice.server.interfaces import ToolCall

_REASONING = re.compile(r"<think>.*?(?:</think>|\Z)\s*", re.S)
_SENTENCE = re.compile(r"[^.!?\n]*[.!?\n]+")
_ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\)|[ -/]*[0-Z\\`-~])", re.S
)
"""A control sequence of a terminal (ECMA-48), such as `ESC [ 3 1 m` or `ESC ] 0 ; title BEL`."""
_LONGEST_ESCAPE = 200
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters except tabs and line feeds."""
_FENCE = "```"
_REPETITIONS = 3
"""A sentence that comes so many times in a row ends the reply: small models repeat themselves
without end."""


class ReasoningFilter:
    """Leaves out what a model writes between `<think>` and `</think>` at the start of a reply."""

    def __init__(self) -> None:
        self._held = ""
        """Text that may be reasoning."""
        self.reply_begun = False

    def feed(self, text: str) -> str:
        """Takes the next piece; returns what of all pieces so far can be passed on."""
        if self.reply_begun:
            return text
        self._held += text
        head = self._held.lstrip()
        if "<think>".startswith(head[:7]) and "</think>" not in head:
            return ""
        reply = _REASONING.sub("", head).lstrip()
        self.reply_begun, self._held = bool(reply), ""
        return reply

    def flush(self) -> str:
        """Returns what was held back and turned out to be no reasoning."""
        return "" if self._held.lstrip().startswith("<think>") else self._held


def until_repetition(pieces: Iterator[str | ToolCall]) -> Iterator[str | ToolCall]:
    """Passes the pieces on until the same sentence comes `_REPETITIONS` times in a row."""
    text, last, times = "", "", 0
    for piece in pieces:
        yield piece
        if isinstance(piece, ToolCall):
            continue
        text += piece
        while (whole := _SENTENCE.match(text)) is not None:
            sentence, text = whole[0].strip().casefold(), text[whole.end() :]
            times = times + 1 if sentence == last else 1
            last = sentence or last
            if times >= _REPETITIONS and len(last) > 3:
                return


def without_controls(pieces: Iterator[str | ToolCall]) -> Iterator[str | ToolCall]:
    """Passes the pieces on without control characters and control sequences, wherever cut."""
    held = ""
    for piece in pieces:
        if isinstance(piece, ToolCall):
            yield piece
            continue
        text = _ESCAPE.sub("", held + piece)
        start = text.rfind("\x1b")
        is_open = start >= 0 and len(text) - start < _LONGEST_ESCAPE
        text, held = (text[:start], text[start:]) if is_open else (text, "")
        if text := _CONTROL.sub("", text):
            yield text


def without_code(pieces: Iterator[str | ToolCall]) -> Iterator[str | ToolCall]:
    """Passes the pieces on without what is between two ``` marks: code is not spoken."""
    held = ""
    in_code = False
    for piece in pieces:
        if isinstance(piece, ToolCall):
            yield piece
            continue
        *whole, rest = (held + piece).split(_FENCE)
        for text in whole:
            if text and not in_code:
                yield text
            in_code = not in_code
        # A mark may be cut: its beginning waits for the next piece.
        held = rest[len(rest.rstrip("`")) :]
        if (text := rest.rstrip("`")) and not in_code:
            yield text
    if held and not in_code:
        yield held
