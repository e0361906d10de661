"""Answers found in the window: what the user (or the summary, or we) said about the thing asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tui_voice.server.local.lexis import Rarity, content, stem, words
from tui_voice.server.local.skills import asking
from tui_voice.server.local.skills.clause import NUMBER, Line, is_question
from tui_voice.server.local.skills.names import asks_name, name_in
from tui_voice.server.local.skills.person import noted_to_you, sentence, to_you
from tui_voice.server.local.skills.talk import Talk

_META_WORDS = (
    "else say living said told tell mention remember recall rememb recal talk ask answer know call "
    "forget forgot remind earlier discuss again word exactli exact moment ago thing something "
    "anyth anything agre decid decide agreed often fast soon"
)
_META = frozenset(root for word in _META_WORDS.split() for root in (word, stem(word)))
_VAGUE_WORDS = (
    "want name old favourite number time day kind type date year place long big go need see"
)
_VAGUE = frozenset(root for word in _VAGUE_WORDS.split() for root in (word, stem(word)))
"""Roots that alone do not tell which thing is meant."""
_IMPLIED = (
    (
        re.compile(
            r"\b(?:am|'m|is|are|turn(?:ed|s)?)\s+(?:only |nearly |almost |already )?(?:\d{1,3}|"
            r"(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[ -]\w+)?|two|three|four|"
            r"five|six|seven|eight|nine|ten|eleven|twelve|\w+teen)(?=\W*$| (?:years|now|and|in)\b)",
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
            r"\b(?:i'm|i am)\s+an?\s+(?!bit|little|lot|big|huge)\w|\bworks? as\s|"
            r"\b(?:is|was) an? (?:\w+ )?\w+(?:er|or|ist|ian|ant|man|smith)\b|"
            r"\bwhat (?:do|does|did) (?:\w+ ){1,3}(?<!to )do(?: for (?:a living|work))?\W*$|"
            r"\bwhat (?:i do|\w+ does) for (?:a living|work)\b",
            re.I,
        ),
        "job",
    ),
    (
        re.compile(
            rf"{NUMBER}[\w ]* (?:euros?|dollars?|pounds?|quid|cents|kronor|francs)\b|[€$£]",
            re.I,
        ),
        "cost",
    ),
    (re.compile(r"\b(?:let's|we'll|i'll|let us)\s+(?:go with|take|have)\b", re.I), "choose"),
    (re.compile(r"\b(?:love|like|enjoy)s?\b.{0,20}\b(?:most|best)\b", re.I), "favourite"),
)
_NO_LONGER = re.compile(r"\b(?:used to|no longer|not any ?more|formerly|old)\b", re.I)
_CORRECTION = re.compile(r"\W*(?:no|sorry|actually|correction|i mean|wait|well)\b", re.I)
_ENOUGH = 0.6
_NEARLY_ALL = 0.85


@dataclass(frozen=True, slots=True)
class Unknown:
    """The user asks about what was said, and it is not in the window."""

    query: str
    """The question's telling words, for a search elsewhere."""


def look_up(talk: Talk) -> str | Unknown | None:
    """The reply with what was said; `Unknown`; None where the question is of another kind."""
    asked = talk.asked
    if not is_question(asked):
        return None
    if asks_name(asked):
        name = name_in(talk.lines)
        return f"Your name is {name}." if name else Unknown("my name")
    question, earlier = asking.core(asked), asking.looks_back(asked)
    if not earlier and not asking.asks_fact(question):
        return None
    if not _roots(question):
        return _newest(talk, asked) if earlier else None
    ours = earlier or asking.is_ours(question)
    line = best_line(
        talk.lines,
        question,
        by_us=asking.about_you(asked),
        enough=_ENOUGH if ours else _NEARLY_ALL,
    )
    if line is not None and (ours or _meant(line, question)):
        return tell(line)
    if earlier or asking.only_user_knows(question) or _acquainted(talk, question):
        return Unknown(query(question))
    return None


def best_line(
    lines: Sequence[Line], question: str, by_us: bool = False, enough: float = _ENOUGH
) -> Line | None:
    """The clause that covers the question's telling words best; newer ones win a draw.

    `enough`: the share of their weight that it must cover, 0–1.
    """
    roots = [content(line.text) + implied(line.text) for line in lines]
    weights = _weights(question, Rarity(roots))
    total = sum(weights.values())
    phrase, wanted, yes_no = _after_my(question), _roots(question), asking.yes_no(question)
    best: tuple[float, Line] | None = None
    for line, have in zip(lines, roots, strict=True):
        if line.question or (line.speaker == "assistant") != by_us:
            continue
        fills = asking.fills(question, line.text)
        if fills is False and not set(weights) & set(content(line.text)):
            continue  # what it implies is of another kind
        covered = sum(weight for root, weight in weights.items() if root in have) / total
        if covered < (enough if fills is not False else _NEARLY_ALL):
            continue
        if not set(have) - wanted and not yes_no:
            continue  # it says no more than the question does
        score = covered + 0.25 * (fills is True)
        score += 0.3 * (phrase is not None and phrase == _after_my(line.text))
        score += 0.15 * asking.is_ours(line.text) - 0.1 * (line.speaker == "notes")
        score += 0.3 * (_CORRECTION.match(line.text) is not None) - 0.01 * min(len(have), 30)
        score -= 0.3 * (_NO_LONGER.search(line.text) is not None)
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


def telling_roots(question: str) -> set[str]:
    """The roots of a question that tell which thing is meant."""
    return _roots(question) - _VAGUE


def _roots(question: str) -> set[str]:
    """What an answer has to speak of."""
    return {r for r in (*content(question), *implied(question)) if r not in _META}


def _weights(question: str, rarity: Rarity) -> dict[str, float]:
    """How much each root of the question tells: rare ones more, its answer's kind less."""
    wanted = _roots(question)
    weights = {root: (0.5 if root in _VAGUE else 1.0) * (0.5 + rarity(root)) for root in wanted}
    kind = asking.kind(question)
    if kind in weights and not wanted - {kind} <= _VAGUE:
        weights[kind] *= 0.25
    return weights


def _meant(line: Line, question: str) -> bool:
    """A question that does not say whose matter it is asks for what the user told of that thing."""
    if asking.fills(question, line.text) is False:
        return False
    roots = _roots(question)
    if asking.definite(question) or asking.person(question) in words(line.text):
        return True
    return len(roots) > 1 and not roots <= _VAGUE


def _acquainted(talk: Talk, question: str) -> bool:
    """It asks for somebody of whom the user spoke."""
    name = asking.person(question)
    return name is not None and any(
        name in words(line.text) for line in talk.lines if line.speaker != "assistant"
    )


def _newest(talk: Talk, asked: str) -> str | None:
    """ "What did I just say?": the last turn of whom it is asked."""
    speaker = "assistant" if asking.about_you(asked) else "user"
    turn = next((t for t in reversed(talk.turns) if t.role == speaker and t.text.strip()), None)
    if turn is None:
        return None
    return f'{"I" if speaker == "assistant" else "You"} said: "{turn.text.strip()}"'


def _after_my(text: str) -> str | None:
    found = re.search(r"\b(?:my|our|user's|the)\s+(\w+)", text, re.I)
    return content(found[1])[0] if found and content(found[1]) else None
