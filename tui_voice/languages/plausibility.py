"""Whether a text can be a summary of another, judged without a word list or a model.

Small models that lose the thread repeat themselves, continue the conversation or write something
unrelated. Repetition, speaker labels, names and figures show that in every language.
"""

from __future__ import annotations

import re

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
MIN_SENTENCES = 6
"""With fewer sentences, equal ones are no sign of a model that repeats itself."""
_NAME = re.compile(r"(?<=[a-zà-ÿ,;:'’] )[A-ZÀ-Þ][a-zà-ÿ]{2,}")
"""A capitalised word inside a sentence, such as "Ingrid" in "my name is Ingrid"."""
_FIGURE = re.compile(r"\d[\d.,:]*\d")
"""A number of two or more digits, such as 7:45 or 2,400."""
MIN_MARKS = 4
"""A source with fewer names and figures may have a summary without any of them."""
_SPEAKER = re.compile(r"^\W*(user|assistant)\b\W*:", re.I | re.M)


def summary_fault(text: str, source: str) -> str:
    """Returns why `text` cannot be a summary of `source`, "" where it can.

    The reason follows the words "the summary", for example "repeats itself".
    """
    if repeats_itself(text):
        return "repeats itself"
    if _continues_conversation(text):
        return "continues the conversation instead of summarising it"
    if _lacks_names_and_figures(text, source):
        return "has none of the names and figures of the conversation"
    return ""


def repeats_itself(text: str) -> bool:
    """Returns whether at least half of the sentences occur more than once."""
    sentences = [part.strip() for part in _SENTENCE_END.split(text.casefold()) if part.strip()]
    return len(sentences) >= MIN_SENTENCES and len(set(sentences)) * 2 <= len(sentences)


def _continues_conversation(text: str) -> bool:
    """Returns whether at least half of the lines begin with "user:" or "assistant:"."""
    speakers = [found.casefold() for found in _SPEAKER.findall(text)]
    lines = len(text.splitlines())
    return len(speakers) >= 4 and len(set(speakers)) == 2 and len(speakers) * 2 >= lines


def _lacks_names_and_figures(text: str, source: str) -> bool:
    latin = sum("a" <= letter <= "z" for letter in text.casefold())
    if latin * 2 < sum(map(str.isalpha, text)):
        return False  # names are spelled differently in another script
    marks = {mark.casefold() for mark in _NAME.findall(source) + _FIGURE.findall(source)}
    folded = text.casefold()
    return len(marks) >= MIN_MARKS and not any(mark in folded for mark in marks)
