"""Turns what a person said about themselves round to them: "my name" to "your name"."""

from __future__ import annotations

import re

_PAIRS = (
    (r"^(?:remind me|don't let me forget) to\b", "you want to"),
    (r"\blet's\b", "you want to"),
    (r"^I think (?=(?:we|I) should)", ""),
    (r"\bI am\b", "you are"),
    (r"\bI'm\b", "you're"),
    (r"\bam I\b", "are you"),
    (r"\bI was\b", "you were"),
    (r"\bwas I\b", "were you"),
    (r"\bI've\b", "you've"),
    (r"\bI'll\b", "you'll"),
    (r"\bI'd\b", "you'd"),
    (r"\bI\b", "you"),
    (r"\bmyself\b", "yourself"),
    (r"\bmy\b", "your"),
    (r"\bmine\b", "yours"),
    (r"\bme\b", "you"),
    (r"\bwe are\b", "you are"),
    (r"\bwe're\b", "you're"),
    (r"\bwe've\b", "you've"),
    (r"\bwe'll\b", "you'll"),
    (r"\bwe were\b", "you were"),
    (r"\bwe\b", "you"),
    (r"\bour\b", "your"),
    (r"\bours\b", "yours"),
    (r"\bus\b", "you"),
)
_TURN = tuple((re.compile(pattern, re.I), turned) for pattern, turned in _PAIRS)
_SMALL_WORDS = (
    "you your yours my our we the a an this that these those there it its he she they his her their"
    " in on at from by for with and but so every each some both all no not one two three most next"
    " last"
)
_COMMON = frozenset(_SMALL_WORDS.split())
_OPENERS = re.compile(
    r"^(?:(?:oh|ah|aha|um+|uh+|er+|hm+|well|so|and|but|also|ok|okay|alright|right(?=,)|yes|yeah|yep|no|"
    r"(?:hi|hello|hey)(?: there)?|actually|by the way|you know|you see|please|just|sorry|anyway|"
    r"then|now|because|"
    r"(?:look|listen|say|like)(?=,)|wait(?! (?:for|until|till)\b)|hang on|hold on|excuse me|i mean|"
    r"(?:a|one|half a) (?:moment|minute|second|sec)|(?:one|another|a)(?: quick| last| more)? "
    r"(?:thing|question)|(?:a )?quick (?:one|question|thing)|good (?:morning|evening|afternoon)|"
    r"there(?=[,.!])|remember(?: that)?|note that|"
    r"i (?:told|said to) you(?: that)?|i said(?: that)?|"
    r"(?:please )?keep in mind(?: that)?|"
    r"i (?:should|must|have to) (?:say|tell you)(?: that)?|"
    r"(?:just )?so you know|let me tell you(?: that)?|"
    r"i (?:already )?mentioned(?: that)?)\b[\s,.!:]*)+",
    re.I,
)

_TAIL = re.compile(
    r"(?:,?\s+(?:by the way|you know|you see|actually|as I said|okay|ok|right|please))+$", re.I
)


def bare(clause: str) -> str:
    """Without the words that only lead in."""
    return _OPENERS.sub("", clause).strip() or clause.strip()


def to_you(clause: str) -> str | None:
    """The clause as told back to its speaker, small at the start; None where that is not simple."""
    clause = _TAIL.sub("", bare(clause).rstrip(" .!,;"))
    if re.search(r"\byou(?:r|rs|'\w+)?\b", clause, re.I):
        return None  # it speaks of both: who is who cannot be told by rule
    for pattern, turned in _TURN:
        clause = pattern.sub(turned, clause)
    return lower_start(clause)


def noted_to_you(note: str) -> str | None:
    """A note about "the user" as told to the user; None where it is not about them."""
    if not re.search(r"\buser\b", note, re.I):
        return None
    note = note.rstrip(" .!,;")
    note = re.sub(r"\b(?:the )?user's\b", "your", note, flags=re.I)
    note = re.sub(r"\b(?:the )?user is\b", "you are", note, flags=re.I)
    note = re.sub(r"\b(?:the )?user was\b", "you were", note, flags=re.I)
    note = re.sub(r"\b(?:the )?user has\b", "you have", note, flags=re.I)
    note = re.sub(r"\b(?:the )?user (\w+?[^s])s\b", r"you \1", note, flags=re.I)
    note = re.sub(r"\b(?:the )?user\b", "you", note, flags=re.I)
    return lower_start(note)


def lower_start(text: str) -> str:
    """The first letter small, unless the first word is a name or an abbreviation."""
    first = text.split(" ", 1)[0]
    common = first.lower().split("'")[0] in _COMMON
    return text[:1].lower() + text[1:] if common else text


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in '.!?…"”' else ".")
