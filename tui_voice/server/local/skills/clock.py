"""Time and date, by this machine's clock."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from tui_voice.server.local.skills.talk import Talk

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CALENDAR = "january february march april may june july august september october november december"
_MONTHS = _CALENDAR.split()
_FEASTS = {"christmas eve": (12, 24), "christmas": (12, 25), "new year's eve": (12, 31)}
_FEASTS |= {"new year": (1, 1), "halloween": (10, 31), "valentine's day": (2, 14)}

_TIME = re.compile(
    r"\b(?:what(?:'s| is) the (?:current |exact )?time|what time is it|tell me the time|"
    r"do you (?:have|know) (?:the|what) time(?: it is)?|current time)"
    r"(?:,?(?: is it| right)?(?: now| here| today| please))*\W*$",
    re.I,
)
_DATE = re.compile(
    r"\b(?:what(?:'s| is) (?:the |today's )?(?:current )?date(?: today)?\W*$|"
    r"what(?:'s| is) (?:the date )?today\b|what date is (?:it|today)|"
    r"what day (?:of the week )?is (?:it|today)(?: today)?\W*$|"
    r"what(?:'s| is) the day today|today's date)",
    re.I,
)
_YEAR = re.compile(r"\bwhat (year|month) is it\b|\bwhat is the current (year|month)\b", re.I)
_OTHER = re.compile(
    r"\bwhat (?:day|date)(?: of the week)? (?:is|was|will be|will it be) (?P<when>.+?)\W*$", re.I
)
_UNTIL = re.compile(
    r"\bhow (?:many days|long)(?: is it| are there)? (?:un)?till? (?P<when>.+?)\W*$", re.I
)
_ON = re.compile(
    rf"(?:(?P<m1>{'|'.join(_MONTHS)}) (?:the )?(?P<d1>\d{{1,2}})|"
    rf"(?:the )?(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m2>{'|'.join(_MONTHS)}))",
    re.I,
)
_AWAY = re.compile(r"^(?:in )?(\d+) (day|week)s? ?(?:from (?:now|today))?$", re.I)


def tell_time(talk: Talk, now: datetime | None = None) -> str | None:
    """The answer by `now` (local time, the present one unless given); None for other questions."""
    asked = talk.asked
    now = now or datetime.now()
    if _TIME.search(asked):
        return f"It's {now:%H:%M}."
    if _DATE.search(asked):
        return f"Today is {_named(now.date())}."
    if found := _YEAR.search(asked):
        unit = (found[1] or found[2]).lower()
        return f"It's {now.year if unit == 'year' else _MONTHS[now.month - 1].capitalize()}."
    if (found := _UNTIL.search(asked)) and (day := _day(found["when"], now.date())):
        days = (day - now.date()).days
        return f"It's {days} day{'' if days == 1 else 's'} until {_named(day)}."
    if (found := _OTHER.search(asked)) and (day := _day(found["when"], now.date())):
        return f"That is {_named(day)}."
    return None


def _named(day: date) -> str:
    month = _MONTHS[day.month - 1].capitalize()
    return f"{_DAYS[day.weekday()].capitalize()}, {month} {day.day}, {day.year}"


def _day(words: str, today: date) -> date | None:
    """The next day (from today on) that the words name."""
    words = re.sub(r"\b(?:from now|day|this year)\W*$", "", words.lower()).strip(" ?.!") or words
    near = {"today": 0, "tomorrow": 1, "the day after tomorrow": 2, "yesterday": -1}
    if words in near:
        return today + timedelta(near[words])
    if found := _AWAY.match(words):
        return today + timedelta(int(found[1]) * (7 if found[2] == "week" else 1))
    weekday = words.removeprefix("next ").removeprefix("this ")
    if weekday in _DAYS:
        return today + timedelta((_DAYS.index(weekday) - today.weekday() - 1) % 7 + 1)
    if words in _FEASTS or words.removesuffix("'s") in _FEASTS:
        return _coming(*_FEASTS[words if words in _FEASTS else words.removesuffix("'s")], today)
    if found := _ON.search(words):
        month = _MONTHS.index((found["m1"] or found["m2"]).lower()) + 1
        return _coming(month, int(found["d1"] or found["d2"]), today)
    return None


def _coming(month: int, day: int, today: date) -> date | None:
    try:
        this = date(today.year, month, day)
        return this if this >= today else date(today.year + 1, month, day)
    except ValueError:
        return None  # no such day in the year: February 30
