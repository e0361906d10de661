"""Answers a question for the time or the date, which no language model knows."""

from __future__ import annotations

import re
from datetime import datetime

_TIME = re.compile(r"\W*(?:what time is it|what(?:'s| is) the time)(?: now)?\W*", re.I)
_DATE = re.compile(
    r"\W*(?:what(?:'s| is) (?:the|today's) date|what day is (?:it|today)|what day is it today)\W*",
    re.I,
)
"""All questions that are known, in English only: the whole turn must be one of them. Other words
and languages are left to the chat model, which does not know the time. (With the time in its
prompt it would have to read most of the prompt again after each minute: a second or more.)"""


def clock_answer(asked: str, now: datetime) -> str | None:
    """Returns the time or the date as a sentence; None where `asked` asks for neither."""
    # Speech-to-text at times writes `to-day`.
    question = asked.replace("’", "'").replace("-", "")
    if _TIME.fullmatch(question):
        return f"It's {now:%H:%M}."
    if _DATE.fullmatch(question):
        return f"Today is {now:%A, %B} {now.day}, {now.year}."
    return None
