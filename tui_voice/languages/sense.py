"""Whether a text can be a summary of another: what small models do once they have lost the thread.

Judged by names and figures, which are the same in all languages of one script, and by form; no
word list and no model is needed.
"""

from __future__ import annotations

import re

from tui_voice.languages import LANGUAGES
from tui_voice.languages.table import MARKS

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_ENOUGH = 6
"""Sentences from which half of them being the same is no accident."""
_NAME = re.compile(r"(?<=[a-zà-ÿ,;:'’] )[A-ZÀ-Þ][a-zà-ÿ]{2,}")
_FIGURE = re.compile(r"\d[\d.,:]*\d")
_OF_THE_TALK = 4
"""Names and figures of a talk from which a summary without any of them tells nothing of it."""
_LABEL = re.compile(r"^\W*(user|assistant)\b\W*:", re.I | re.M)


def senseless(text: str, source: str) -> str:
    """Why `text` can be no summary of `source`, behind "the summary"; "" where it may be one."""
    if rambles(text):
        return "said the same again and again"
    if _from_example(text, source):
        return "told of somebody whom nobody had named"
    if _is_talk(text):
        return "was a piece of the talk itself"
    if _tells_nothing(text, source):
        return "had none of the names and figures that were said"
    return ""


def rambles(text: str) -> bool:
    """Whether it says the same again and again."""
    parts = _sentences(text.casefold())
    return len(parts) >= _ENOUGH and len(set(parts)) * 2 <= len(parts)


def own_words(text: str) -> str:
    """What a small model that was shown an example wrote itself: each sentence once, those of the
    example not at all, and none that was cut off in the middle.
    """
    seen = {part for language in LANGUAGES for part in _sentences(language.shown.casefold())}
    lines: list[str] = []
    for line in text.splitlines():
        kept = []
        for part in _sentences(line):
            if part.endswith((".", "!", "?")) and part.casefold() not in seen:
                seen.add(part.casefold())
                kept.append(part)
        if kept:
            lines.append(" ".join(kept))
    return "\n".join(lines)


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


def _from_example(text: str, source: str) -> bool:
    """Whether `text` names somebody of `EXAMPLE` whom `source` does not know."""
    text, source = text.casefold(), source.casefold()
    return any(mark in text and mark not in source for mark in MARKS)


def _is_talk(text: str) -> bool:
    """Whether it goes on with the talk in place of summing it up."""
    speakers = [found.casefold() for found in _LABEL.findall(text)]
    lines = len(text.splitlines())
    return len(speakers) >= 4 and len(set(speakers)) == 2 and len(speakers) * 2 >= lines


def _tells_nothing(text: str, source: str) -> bool:
    latin = sum("a" <= letter <= "z" for letter in text.casefold())
    if latin * 2 < sum(map(str.isalpha, text)):
        return False  # in another script names are written otherwise
    marks = {mark.casefold() for mark in _NAME.findall(source) + _FIGURE.findall(source)}
    said = text.casefold()
    return len(marks) >= _OF_THE_TALK and not any(mark in said for mark in marks)
