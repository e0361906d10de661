"""Filters for the output of a chat model: no reasoning, no endless repetition."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tui_voice.server.interfaces import ToolCall

_REASONING = re.compile(r"<think>.*?(?:</think>|\Z)\s*", re.S)
_SENTENCE = re.compile(r"[^.!?\n]*[.!?\n]+")
_REPETITIONS = 3
"""A sentence that comes so many times in a row ends the reply: small models repeat themselves
without end."""


class ReasoningFilter:
    """Leaves out what a model writes between `<think>` and `</think>` at the start of a reply."""

    def __init__(self) -> None:
        self._held = ""
        """Text that may be reasoning."""
        self._reply_begun = False

    def feed(self, text: str) -> str:
        """Takes the next piece; returns what of all pieces so far can be passed on."""
        if self._reply_begun:
            return text
        self._held += text
        head = self._held.lstrip()
        if "<think>".startswith(head[:7]) and "</think>" not in head:
            return ""
        reply = _REASONING.sub("", head).lstrip()
        self._reply_begun, self._held = bool(reply), ""
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
