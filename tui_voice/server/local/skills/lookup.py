"""Answers found in the window: what the user (or the summary, or we) said about the thing asked."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tui_voice.server.local.lexis import Rarity, content, stem, words
from tui_voice.server.local.skills.person import noted_to_you, sentence, to_you
from tui_voice.server.local.skills.talk import Line, Talk, is_question

_FRAME = re.compile(
    r"^(?:(?:so|and|ok|okay|but|well|now|please|hey|hi|hello|sorry|then|by the way|"
    r"(?:can|could|would|will) you (?:please )?(?:tell me|remind me|say|repeat)(?: again)?|"
    r"tell me(?: again)?|remind me(?: again)?|do you (?:still )?(?:know|remember|recall)|"
    r"have you forgotten|i forgot|i forget|i don't remember|you remember|quick question|"
    r"i'd like to know|i want to know|let's see|if)\b[\s,:.]*)+",
    re.I,
)
_OURS = re.compile(r"\b(?:i|i'm|i've|my|mine|me|we|we're|our|us)\b", re.I)
_EARLIER = re.compile(
    r"\b(?:remember|recall|forgot(?:ten)?|remind|earlier|said|told|tell you|did (?:i|we|you) "
    r"(?:say|tell|mention|agree|decide|call|talk|discuss|recommend|suggest|ask)|mentioned|"
    r"talked about|agreed|decided|discussed)\b",
    re.I,
)
_ADVICE = re.compile(
    r"^(?:what|how|where|when|which|who|why)?\s*(?:do|can|could|should|shall|may|might|would|will|"
    r"must|if)\s+(?:i|we)\b(?!\s+(?:say|tell|live|work|have|like|prefer|love|hate|need|want|own|"
    r"play|speak|study|drive|eat|drink|come|do for))|\bhelp me\b|\b(?:tell|give|show|teach) me\b",
    re.I,
)
_ABOUT_US = re.compile(r"\bdid you (?:say|tell|mention|recommend|suggest|call|advise)\b", re.I)
_ASKS_NAME = re.compile(
    r"(?:what(?:'s| is| was)|do you (?:still )?(?:know|remember)|tell me|remind me|remember|"
    r"say|know|recall|forgotten)\b[^?]{0,40}?\bmy (?:first |own )?name\b|"
    r"\bwho am i\b|\bwhat (?:am i|i am|i'm) called\b|"
    r"\bwhat (?:do|did) (?:you|i) call (?:me|myself)\b",
    re.I,
)
_NAME = re.compile(
    r"\b(?:[Mm]y name is|[Mm]y name's|(?:[Tt]he )?[Uu]ser's name is|"
    r"(?:[Tt]he )?[Uu]ser is (?:called|named)|I am called|I'm called|call me|you can call me|"
    r"(?:^|[.!,]\s*)(?:[Ii]'m|[Ii] am|[Tt]his is|[Ii]t's))\s+(?:called\s+)?"
    r"(?P<name>[A-Z][\w'’-]*(?:\s+(?!And\b|But\b)[A-Z][\w'’-]+){0,2})(?![\w-])"
)
_NAME_ANY_CASE = re.compile(r"\bmy name(?: is|'s)\s+(?P<name>[a-z][\w'-]+)", re.I)
_SLOTS = (
    (
        re.compile(r"\bwhen\b|\bwhat (?:day|date|time|month|year)\b", re.I),
        re.compile(
            r"\d|\b(?:to(?:day|morrow|night)|yesterday|next|last|morning|evening|noon|weekend|"
            r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|"
            r"august|september|october|november|december|week|month|year|"
            r"(?:at|past|to) (?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve))\b",
            re.I,
        ),
    ),
    (
        re.compile(r"\bwhere\b", re.I),
        re.compile(r"\b(?:in|at|from|near|to|on|behind|under|opposite|by)\b\s+\w", re.I),
    ),
    (
        re.compile(r"\bhow (?:many|much|old|long|far|tall|big)\b", re.I),
        re.compile(
            r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|"
            r"thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|no|none)\b",
            re.I,
        ),
    ),
    (re.compile(r"\bwho(?:se|m)?\b", re.I), re.compile(r"(?<=\s)[A-Z][a-z]+")),
)
_META_WORDS = (
    "else say living said told tell mention remember recall rememb recal talk ask answer know call "
    "forget forgot remind earlier discuss again word exactli exact moment ago thing something "
    "anyth anything agre decid decide agreed"
)
_META = frozenset(root for word in _META_WORDS.split() for root in (word, stem(word)))
_VAGUE_WORDS = "want name old favourite number time day kind type date year place long big"
_VAGUE = frozenset(root for word in _VAGUE_WORDS.split() for root in (word, stem(word)))
"""Roots that alone do not tell which thing is meant."""
_NOT_NAMES_WORDS = (
    "not so very just sorry fine good well here there from in at on a an the going trying "
    "looking happy sad tired hungry ok okay sure glad ready back new also still really"
)
_NOT_NAMES = frozenset(_NOT_NAMES_WORDS.split())
_IMPLIED = (
    (
        re.compile(
            r"\b(?:am|'m|is|are|turn(?:ed|s)?)\s+(?:\d{1,3}|(?:twenty|thirty|forty|fifty|sixty|"
            r"seventy|eighty|ninety)(?:[ -]\w+)?)(?=\W*$| (?:years|now|and)\b)",
            re.I,
        ),
        "old",
    ),
    (
        re.compile(
            r"\b(?:am|'m|are|'re|come|came|is)\s+(?:originally\s+)?from\s+[A-Z]|"
            r"\bwhere (?:am i|do i come|are we|did i come) (?:\w+ )?from\b",
            re.I,
        ),
        "origin",
    ),
    (
        re.compile(
            r"\b(?:i'm|i am)\s+an?\s+(?!bit|little|lot|big|huge)\w|"
            r"\bwhat (?:do i|i) do for (?:a living|work)\b",
            re.I,
        ),
        "job",
    ),
)
_ABOUT_PERSON = re.compile(r"^\w+(?:\s\w+)?\s(?:does|is|did|was|has|do)\s([A-Z]\w+)(?!\w)")
_CORRECTION = re.compile(r"\W*(?:no|sorry|actually|correction|i mean|wait)\b", re.I)
_ENOUGH = 0.6


@dataclass(frozen=True, slots=True)
class Unknown:
    """The user asks about what was said, and it is not in the window."""

    query: str
    """The question's telling words, for a search elsewhere."""


def look_up(talk: Talk) -> str | Unknown | None:
    """The reply with what was said; `Unknown`; None where the question is of another kind."""
    asked = talk.asked
    question = _FRAME.sub("", asked).strip() or asked
    if _ASKS_NAME.search(asked) and not re.search(
        r"\bmy name\b.*\b(?:mean|come from)", asked, re.I
    ):
        name = name_in(talk.lines)
        return f"Your name is {name}." if name else Unknown("my name")
    earlier = _EARLIER.search(asked) is not None
    if not earlier and (not _wants_fact(talk, question)):
        return None
    wanted = [root for root in content(question) if root not in _META]
    if not wanted and not implied(question):
        return _newest(talk, asked) if earlier else None
    line = best_line(talk.lines, question, by_us=_ABOUT_US.search(asked) is not None)
    if line is not None:
        return tell(line)
    ours = _OURS.search(question) is not None
    person = _ABOUT_PERSON.search(question)
    if person and any(person[1] in words(x.text) for x in talk.lines if x.speaker != "assistant"):
        return Unknown(query(question))
    if earlier or (ours and re.match(r"(?:what|who|where|when|which|how)", question, re.I)):
        return Unknown(query(question))
    return None


def name_in(lines: tuple[Line, ...]) -> str | None:
    """The user's name as they last gave it."""
    for line in reversed(lines):
        if line.speaker == "assistant" or line.question:
            continue
        found = _NAME.search(line.text) or _NAME_ANY_CASE.search(line.text)
        if found is not None and found["name"].split()[0].lower() not in _NOT_NAMES:
            return found["name"].rstrip("'’").title() if found["name"].islower() else found["name"]
    return None


def best_line(lines: tuple[Line, ...], question: str, by_us: bool = False) -> Line | None:
    """The clause that covers the question's telling words best; newer ones win a draw."""
    wanted = {root for root in content(question) if root not in _META}
    roots = [content(line.text) + implied(line.text) for line in lines]
    wanted |= set(implied(question))
    rarity = Rarity(roots)
    weights = {root: (0.5 if root in _VAGUE else 1.0) * (0.5 + rarity(root)) for root in wanted}
    total = sum(weights.values())
    phrase = _after_my(question)
    best: tuple[float, Line] | None = None
    for line, have in zip(lines, roots, strict=True):
        if line.question or (line.speaker == "assistant") != by_us:
            continue
        covered = sum(weight for root, weight in weights.items() if root in have) / total
        if covered < _ENOUGH:
            continue
        score = covered + 0.25 * _fills(question, line.text) - 0.01 * min(len(have), 30)
        score += 0.3 * (phrase is not None and phrase == _after_my(line.text))
        score += 0.15 * (_OURS.search(line.text) is not None) - 0.1 * (line.speaker == "notes")
        score += 0.3 * (_CORRECTION.match(line.text) is not None)
        if best is None or score >= best[0]:
            best = (score, line)
    return best[1] if best is not None else None


def implied(text: str) -> list[str]:
    """Roots meant, though not said: "I'm 34" is about age, "I'm a nurse" about work."""
    return [root for pattern, root in _IMPLIED if pattern.search(text)]


def tell(line: Line) -> str:
    """The clause told back: turned round where that is simple, else quoted."""
    quoted = f'"{line.text.strip().strip(chr(34))}"'
    if line.speaker == "assistant":
        return f"I said: {quoted}"
    if line.speaker == "notes":
        turned = noted_to_you(line.text)
        return sentence(turned) if turned else f"My notes say: {quoted}"
    turned = to_you(line.text)
    if turned is None:
        return f"You said: {quoted}"
    return sentence(turned if turned.startswith(("you", "your")) else f"You said that {turned}")


def query(question: str) -> str:
    """The telling words of a question, as written."""
    telling = [w for w in words(question) if content(w) and content(w)[0] not in _META]
    return " ".join(telling) or question


def _wants_fact(talk: Talk, question: str) -> bool:
    if _ADVICE.search(question) or not talk.asked:
        return False
    if not is_question(question):
        return False
    if _OURS.search(question):
        return True
    if _ABOUT_PERSON.search(question):
        return True
    # About third parties: only what names its answer's kind, and only what the user spoke of.
    known = re.match(r"(?:when|where|who|how (?:many|much|old))\b", question, re.I)
    return known is not None and _spoken_of(talk, question)


def _spoken_of(talk: Talk, question: str) -> bool:
    wanted = {root for root in content(question) if root not in _META}
    return len(wanted) >= 2 and any(
        wanted <= set(content(line.text)) and _fills(question, line.text)
        for line in talk.lines
        if line.speaker != "assistant" and not line.question
    )


def _newest(talk: Talk, asked: str) -> str | None:
    """ "What did I just say?": the last turn of whom it is asked."""
    speaker = "assistant" if _ABOUT_US.search(asked) else "user"
    turn = next((t for t in reversed(talk.turns) if t.role == speaker and t.text.strip()), None)
    if turn is None:
        return None
    return f'{"I" if speaker == "assistant" else "You"} said: "{turn.text.strip()}"'


def _fills(question: str, text: str) -> bool:
    """The text holds the kind of thing the question word asks for."""
    for asks, gives in _SLOTS:
        if asks.search(question):
            return gives.search(text) is not None
    return False


def _after_my(text: str) -> str | None:
    found = re.search(r"\b(?:my|our|user's|the)\s+(\w+)", text, re.I)
    return content(found[1])[0] if found and content(found[1]) else None
