"""What a question asks for: its core, whose matter it is, and the kind of its answer."""

from __future__ import annotations

import re

from tui_voice.server.local.lexis import content
from tui_voice.server.local.skills.clause import NUMBER
from tui_voice.server.local.skills.person import bare

_ASKED = r"(?:what|who|whose|whom|which|when|where|how|(?:what|who|where|when|how)'?s)\b"
_FRAME = re.compile(
    r"^(?:(?:(?:can|could|would|will) you (?:please )?(?:tell me|remind me|say|repeat)(?: again)?|"
    r"(?:do you (?:happen to )?|i don't |i can't )?(?:still )?(?:know|remember|recall)|tell me|"
    r"remind me|have you forgotten|i forgot|i forget|you remember|i'd like to know|"
    r"i want to know|i (?:was )?wonder(?:ing)?|let's see|if|again)\b[\s,:.]*)+",
    re.I,
)
_AFTER_LEAD = re.compile(rf"[,;:–—-]\s+(?={_ASKED})", re.I)
_OURS = re.compile(r"\b(?:i|i'm|i've|i'd|my|mine|we|we're|we've|our|ours)\b", re.I)
_SAY = (
    r"(?:say|tell|mention|agree|decide|discuss|talk about|speak (?:of|about)|recommend|suggest|"
    r"advise|call|ask)"
)
_SAID = (
    r"(?:said|told|mentioned|agreed|decided|discussed|talked about|spoken? (?:of|about)|"
    r"recommended|suggested|advised|called|asked)"
)
_EARLIER = re.compile(
    rf"\bdid (?:i|we|you) (?:\w+ )?{_SAY}\b|\b(?:have|had) (?:i|we|you) (?:\w+ )?{_SAID}\b|"
    rf"\b(?:i|we|you) (?:have |had |just |already |once )*{_SAID}\b.*\?|"
    rf"^(?:what|who|which|where|when|how)\b.{{0,40}}\b(?:i|we|you) (?:\w+ )?{_SAID}\b|"
    r"\b(?:do you|can you|don't you|you) (?:still )?(?:remember|recall)\b|"
    r"\b(?:have you|did you|i) (?:forgotten|forgot|forget) (?:what|who|which|where|when|how|my)\b|"
    r"\bremind me (?!to\b)",
    re.I,
)
_ABOUT_YOU = re.compile(
    r"\bdid you (?:just )?(?:say|tell|mention|recommend|suggest|call|advise)\b|"
    r"\b(?:have )?you (?:said|told me|mentioned|recommended|suggested|advised)\b",
    re.I,
)
_ADVICE = re.compile(
    r"\b(?:should|could|shall|may|might|must|can|will|would) (?:i|we)\b(?! (?:rather|prefer))|"
    r"\bhelp me\b|\b(?:would|should|could|can|do|will) you\b(?! (?:still |happen to )?(?:"
    r"know|remember|recall|tell|say|remind))|"
    r"^(?:how|why) (?:do|does|did|can|come)\b|^why\b|\bsupposed to\b|\bwhat (?:i|you) mean\b|"
    r"^(?:do|did|does) (?:i|we) (?:have|need) to\b|"
    r"^(?:what|where|when|which|who) (?:do|did) (?:i|we) (?:do|get|find|buy|go|make|say|"
    r"call|know)\b(?! for\b)",
    re.I,
)
_LOOKS_BACK = re.compile(r"^how (?:do|does|did) (?:i|we|my|our) (?:know|like|take|spell)\b", re.I)
_YES_NO = re.compile(
    r"^(?:(?:do|did) (?:i|we) (?:\w+ )?(?:have|like|love|hate|eat|drink|live|work|own|drive|speak|"
    r"play|prefer|need|want)|(?:is|are|was|were|does|did|has|have) (?:my|our))\b",
    re.I,
)
_KIND = re.compile(
    r"^(?:what|which)(?:\s+(?:kind|sort|type)s?\s+of)?\s+(?P<kind>\w+)\s+"
    r"(?:do|does|did|am|is|are|was|were|have|has|had|can|can't|will|would|should)\b",
    re.I,
)
_THE = re.compile(r"\b(?:the|those|these|that)\s+\w", re.I)
_PERSON = re.compile(
    r"^(?![Ww]here is\b)\w+(?:\s\w+)?\s(?:does|is|did|was|has|do|will)\s(?P<name>[A-Z]\w+)(?!\w)"
)
_SLOTS = (
    (
        re.compile(r"\bwhen\b|\b(?:what|which) (?:day|date|time|month|year)\b", re.I),
        re.compile(
            r"\d|\b(?:to(?:day|morrow|night)|yesterday|next|last|morning|evening|noon|midnight|"
            r"weekend|(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|"
            r"june|july|august|september|october|november|december|week|month|year|"
            r"first|second|third|\w+th|"
            r"(?:at|past|to) (?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve))\b",
            re.I,
        ),
    ),
    (
        re.compile(r"\bwhere\b", re.I),
        re.compile(
            r"\b(?:in|at|from|near|to|on|behind|under|opposite|by|outside|inside|between|beside|"
            r"next|above|below|upstairs|downstairs)\b",
            re.I,
        ),
    ),
    (
        re.compile(r"\bhow (?:many|much|old|long|far|tall|big|often)\b|\bcosts?\b", re.I),
        re.compile(rf"{NUMBER}|\b(?:no|none|once|twice|every)\b", re.I),
    ),
    (
        re.compile(r"\bnames?\b|\bcalled\b", re.I),
        re.compile(r"\b(?i:called|named|name)\b|\w\s[A-Z]"),
    ),
    (
        re.compile(r"\bwho(?:se|m|'s)?\b", re.I),
        re.compile(r"(?<=\s)[A-Z][a-z]+|\b(?:called|named|name is|is)\s\w", re.I),
    ),
)


def core(asked: str) -> str:
    """The question without what leads up to it: "hang on, do you know where I live?"."""
    question = bare(asked)
    if not re.match(_ASKED, question, re.I) and (lead := _AFTER_LEAD.search(question)):
        question = question[lead.end() :]
    while (shorter := bare(_FRAME.sub("", question))) not in (question, ""):
        question = shorter
    return question


def looks_back(asked: str) -> bool:
    """It asks for what one of the two said, not for the thing itself."""
    return _EARLIER.search(bare(asked)) is not None


def about_you(asked: str) -> bool:
    """The partner's own words are asked for."""
    return _ABOUT_YOU.search(asked) is not None


def asks_fact(question: str) -> bool:
    """It asks for a fact, not for advice, a reason or an opinion."""
    return _ADVICE.search(question) is None or _LOOKS_BACK.search(question) is not None


def is_ours(question: str) -> bool:
    """It is about the user's own matters."""
    return _OURS.search(question) is not None or re.search(r"\bme\b", question, re.I) is not None


def only_user_knows(question: str) -> bool:
    """Nobody but the user could have said: a model would only make it up."""
    asks = re.match(_ASKED, question, re.I) is not None
    return _OURS.search(question) is not None and (asks or _YES_NO.match(question) is not None)


def yes_no(question: str) -> bool:
    """It can be answered by yes or no."""
    return re.match(_ASKED, question, re.I) is None


def definite(question: str) -> bool:
    """It asks for a certain thing: "the keys"."""
    return _THE.search(question) is not None


def person(question: str) -> str | None:
    """Of whom it asks, by name."""
    found = _PERSON.search(question)
    return found["name"] if found is not None else None


def kind(question: str) -> str | None:
    """The root of what an answer is one of ("which language"): it need not say the word itself."""
    found = _KIND.search(question)
    roots = content(found["kind"]) if found is not None else []
    return roots[0] if roots else None


def fills(question: str, text: str) -> bool | None:
    """Whether the text holds what the question word asks for; None where that can be anything."""
    for asks, gives in _SLOTS:
        if asks.search(question):
            return gives.search(text) is not None
    return None
