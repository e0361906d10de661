"""Puts right what a later word put right: "no, it's Bergen, not Oslo" belongs to what it mends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from tui_voice.server.local.lexis import content
from tui_voice.server.local.skills.clause import NUMBER, WHEN, Line
from tui_voice.server.local.skills.person import lower_start

_MENDS = re.compile(
    r"^\W*(?:(?:no|nope|oh|oops|well|(?:wait|hang on|hold on)(?: a (?:moment|minute|second|bit))?|"
    r"sorry|actually|correction|my mistake|"
    r"i was wrong|that's wrong|not quite|rather|or rather|i mean|i meant|make (?:it|that)|"
    r"i should (?:say|have said)|it should be|scratch that)\b[\s,.:!]*)+",
    re.I,
)
_FRAGMENT = re.compile(
    r"^(?:it's|it is|it was|its|that's|that is|they're|he's|she's|make (?:it|that)|i meant?|"
    r"i should (?:say|have said)|it should be|in|on|at|to|from|not)\b|^\S+(?:\s\S+){0,4}$",
    re.I,
)
_BARE = re.compile(r"[A-Z][\w'-]*\s+[a-z]")
"""Somebody does something: a sentence of its own, however short."""
_SURE = re.compile(
    r"\b(?:nope?|oops|sorry|correction|my mistake|wrong|not quite|rather|i meant?|make (?:it|that)|"
    r"i should|it should be|scratch that)\b",
    re.I,
)
"""Leads that nobody begins something new with, as they do with "well", "oh" and "wait"."""
_NOT_THAT = re.compile(
    r"^(?:(?:it's|it is|its|that's|i meant?|make (?:it|that))\s+)?(?:in |at |on |to )?"
    r"(?P<new>[^,]+?),?\s+(?:and )?not (?:in |at |on |to )?(?P<old>[^,.!]+?)[.!]?$",
    re.I,
)
_OWN_SUBJECT = re.compile(r"^(?:i|i'm|i've|i'd|i'll|we|we're|we've|we'll|my|our|the)\b", re.I)
_NAME = r"(?<=\s)(?!(?:I|My|Our|We|The|It|He|She|They|You|In|On|At|To|That|Its)\b)[A-Z][a-zà-ÿ]+"
_VALUES = tuple(re.compile(value) for value in (WHEN, NUMBER, _NAME, r"\b[Nn]ot\s+\w"))
_SINGLE = (re.compile(WHEN), re.compile(rf"\d[\d.,:]*(?<=\d)|(?!\d){NUMBER}"))
_PART_OF_A_TIME = re.compile(rf"(?:\b(?:past|to|half|quarter|minus|point)|{NUMBER})[ -]$", re.I)
_PLAIN_NO = re.compile(r"^\W*(?:no|nope|well|oh|actually)\W*$", re.I)
_OF_WHAT = re.compile(r"^.*?(?:\b(?:is|are|was|were|lives? in|at)|'s)\s+(?=\S)", re.I)
_BACK = 4
"""So many statements back a correction may reach that does not name what it puts right."""


def mended(lines: Sequence[Line]) -> list[tuple[int, Line]]:
    """The lines that still stand, each with its place in `lines`.

    A correction that does not say of what takes the place of the statement before it: with the
    wrong word changed where it names that, else behind it ("our budget is 800, no, make that 900").
    """
    out: list[tuple[int, Line]] = []
    for place, line in enumerate(lines):
        at = _mends(out, line)
        if at is None:
            out.append((place, line))
        else:
            _, wrong = out.pop(at)
            out.append((place, replace(wrong, text=_put_right(wrong.text, line.text))))
    return out


def correction_of(said: Line, before: Sequence[Line]) -> Line | None:
    """What stands after `said`, where that corrects a statement before it."""
    standing = mended([*before, said])
    place, line = standing[-1]
    return line if place == len(before) and line is not said else None


def _mends(before: Sequence[tuple[int, Line]], line: Line) -> int | None:
    """The place in `before` of the statement that `line` corrects."""
    lead = _MENDS.match(line.text)
    if lead is None or line.speaker != "user" or line.question:
        return None
    rest = line.text[lead.end() :]
    told = [n for n, (_, x) in enumerate(before) if x.speaker == "user" and not x.question]
    if (named := _NOT_THAT.match(rest)) is not None:
        for at in reversed(told):
            if re.search(rf"\b{re.escape(named['old'])}\b", before[at][1].text, re.I):
                return at
    given = next((value for value in _VALUES if value.search(f" {rest}")), None)
    if not told or given is None:
        return None
    if _OWN_SUBJECT.match(rest):
        return next((n for n in reversed(told) if _same_matter(rest, before[n][1].text)), None)
    told = told[-_BACK:]
    if _SURE.search(lead[0]) is None:
        words = len(rest.split())
        if _FRAGMENT.match(rest) is None or (words > 3 and _BARE.match(rest) is not None):
            return None
    asked = before[-1][1].speaker == "assistant" and before[-1][1].question
    if asked and _PLAIN_NO.match(lead[0]):
        return None  # it answers that
    subject = set(content(rest))
    same = [n for n in told if subject & set(content(before[n][1].text))]
    alike = [n for n in told if given.search(before[n][1].text)]
    return (same or alike or told)[-1]


def _same_matter(one: str, other: str) -> bool:
    """Values apart, one of the two says nothing that the other does not."""
    this, that = _matter(one), _matter(other)
    return bool(this & that) and (this <= that or that <= this)


def _matter(text: str) -> set[str]:
    for value in _VALUES:
        text = value.sub(" ", text)
    return set(content(text)) - {"instead", "now"}


def _exchanged(rest: str, wrong: str) -> str | None:
    """`wrong` with its one value of a kind exchanged for `rest`, where that is a bare value."""
    bare_value = re.sub(r"^(?:it's |it is )?(?:(?:at|on|in) )?", "", rest.strip(" .!,"), flags=re.I)
    for value in _SINGLE:
        places = list(value.finditer(wrong))
        if value.fullmatch(bare_value) and len(places) == 1:
            at = places[0]
            if _PART_OF_A_TIME.search(wrong[: at.start()]) is None:
                return wrong[: at.start()] + bare_value + wrong[at.end() :]
    return None


def _replaces(right: str, wrong: str) -> bool:
    """`right` says all of `wrong` anew: of the same matter, with as many values of each kind."""
    if not _matter(wrong) <= _matter(right):
        return False
    return all(
        len(value.findall(f" {wrong}")) <= len(value.findall(f" {right}")) for value in _VALUES
    )


def _put_right(wrong: str, correction: str) -> str:
    lead = _MENDS.match(correction)
    rest = correction[lead.end() :] if lead is not None else correction
    named = _NOT_THAT.match(rest)
    if named is not None:
        new = _OF_WHAT.sub("", named["new"].strip())
        right, count = re.subn(
            rf"\b{re.escape(named['old'])}\b", lambda _: new, wrong, count=1, flags=re.I
        )
        if count:
            return right
    if (exchanged := _exchanged(rest, wrong)) is not None:
        return exchanged
    if _replaces(rest, wrong):
        return rest
    rest = rest.strip().rstrip(".!")
    return f"{wrong.rstrip(' .,')}, no, {lower_start(rest)}"
