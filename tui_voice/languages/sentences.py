"""Splits text into sentences without word lists, for any language that marks their ends."""

from __future__ import annotations

import re

_END = re.compile(
    r"(?<=[.!?…])(?<!\b[A-ZÀ-Þ]\.)(?<!\b[A-ZÀ-Þ]\w\.)(?<!\b[A-ZÀ-Þ]\w\w\.)[\"'”’)]*\s+"
    r"|(?<=[。！？؟])\s*"
    r"|\n+"
)
"""A full stop behind a capital and at most two letters ends no sentence: `Dr.`, `St.`, `J.`, but
also `Rio.`. Two sentences kept together do no harm; a name cut from its title does."""
_QUESTION_MARKS = ("?", "？", "؟")
_CLOSING_MARKS = "\"'”’»)] "


def sentences(text: str) -> list[str]:
    """Returns the sentences of `text` as written; a line break ends a sentence, too."""
    return [part.strip() for part in _END.split(text) if part.strip()]


def is_question(text: str) -> bool:
    """Returns whether `text` ends with a question mark."""
    return text.rstrip(_CLOSING_MARKS).endswith(_QUESTION_MARKS)
