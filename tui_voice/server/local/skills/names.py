"""The user's own name: where it is asked for, and how people give it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tui_voice.server.local.skills.clause import Line

_ASKS_NAME = re.compile(
    r"(?:what(?:'s| is| was)|do you (?:still )?(?:know|remember)|tell me|remind me|remember|"
    r"say|know|recall|forgotten)\b[^?]{0,40}?\bmy (?:first |own )?name\b|"
    r"\bwho (?:am i|i am)(?: again| then| now)?\W*$|\bwhat (?:am i|i am|i'm) called\b|"
    r"\bwhat (?:do|did|should|can|could|will|would) (?:you|people|they|i|everybody|everyone|"
    r"my friends) call (?:me|myself)\b",
    re.I,
)
_OF_THE_NAME = re.compile(r"\bmy name\b.*\b(?:mean|come from)", re.I)
_NAME = re.compile(
    r"\b(?:[Mm]y name is|[Mm]y name's|(?:[Tt]he )?[Uu]ser's name is|"
    r"(?:[Tt]he )?[Uu]ser is (?:called|named)|I am called|I'm called|[Cc]alls? me|"
    r"(?:^|[.!,]\s*|\b[Hh](?:i|ello|ey) )(?:[Ii]'m|[Ii] am|[Tt]his is|[Ii]t's))\s+(?:called\s+)?"
    r"(?P<name>[A-Z][\w'’-]*(?:\s+(?!And\b|But\b)[A-Z][\w'’-]+){0,2})(?![\w-])"
)
_NAME_ANY_CASE = re.compile(
    r"\b(?:my name(?: is|'s)|calls? me|i(?:'m| am) called|"
    r"^(?:hi|hello|hey)(?: there)?[ ,]+(?:i'm|i am|this is|it's)(?! \w+ing\b))\s+"
    r"(?P<name>[a-z][\w'-]+)",
    re.I,
)
_NOT_NAMES_WORDS = (
    "not so very just sorry fine good well here there from in at on a an the going trying "
    "looking happy sad tired hungry ok okay sure glad ready back new also still really me you my "
    "your our bored lonely sick ill late early home excited great again later back when if about "
    "what every never this that it by"
)
_NOT_NAMES = frozenset(_NOT_NAMES_WORDS.split())


def asks_name(asked: str) -> bool:
    """The user wants to hear their own name."""
    return _ASKS_NAME.search(asked) is not None and _OF_THE_NAME.search(asked) is None


def name_in(lines: Sequence[Line]) -> str | None:
    """The user's name as they last gave it."""
    for line in reversed(lines):
        if line.speaker == "assistant" or line.question:
            continue
        for found in (_NAME.search(line.text), _NAME_ANY_CASE.search(line.text)):
            if found is not None and found["name"].split()[0].lower() not in _NOT_NAMES:
                name = found["name"].rstrip("'’")
                return name.title() if name.islower() else name
    return None
