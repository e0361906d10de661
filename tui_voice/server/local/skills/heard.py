"""Takes note of what the user tells about themselves, in their words."""

from __future__ import annotations

import re
from zlib import crc32

from tui_voice.server.local.lexis import sentences, words
from tui_voice.server.local.skills.clause import NUMBER, WHEN, Line, clauses, is_question
from tui_voice.server.local.skills.corrections import correction_of
from tui_voice.server.local.skills.names import name_in
from tui_voice.server.local.skills.person import bare, sentence, to_you
from tui_voice.server.local.skills.talk import Talk

_FACT = re.compile(
    r"^(?:let's (?!see|talk|start|begin|go (?!with)|try|do (?:it|that)|say|hear|play)\w+|"
    r"i think (?:we|i) should|"
    r"(?:my|our)\s+(?:\w+\s+){0,3}?\w+(?:'s\b|\s+(?:is|are|was|were|has|have|will|starts?|ends?|lives?|"
    r"works?|likes?|loves?|hates?|prefers?|needs?|wants?|comes?|goes|costs?|leaves?|told (?:me|us)|"
    r"said|turns?|turned|moved|gave|plays?|speaks?|studies|(?:does|can|will)(?:n't| not))\b)|"
    r"(?:i|we)\s+"
    r"(?:(?:really|also|only|usually|often|always|never|currently|still|now|just|already|do)\s+)*"
    r"(?:live|lived|work|worked|study|studied|speak|play|prefer|love|hate|like|dislike|own|have|had|"
    r"need|drive|moved|bought|booked|was born|grew up|come from|came from|eat|drink|teach|run|"
    r"collect|don't (?:eat|drink|like|have|want)|can't (?:eat|drink|stand)|cannot (?:eat|drink)|"
    r"met|visited|graduated|married|ordered|decided|agreed|chose|plan to|fly|parked|used to|"
    r"take|pay|paid|keep|left|put|"
    r"(?:want|would like) to (?!know|ask|hear|talk|tell|see if|stop|end|go back)|"
    r"hope to|arrive|leave|travel|got)\b|"
    r"i'd rather|"
    r"(?:i|we)(?:'m| am|'re| are|'ve| have)\s+(?!not sure|sorry|fine|good|ok|okay|here|listening|"
    r"afraid|wondering|asking|talking|ready|back|done|a question|to ask|no idea|an idea|got to|"
    r"never heard|to go|testing|just testing)\w)",
    re.I,
)
_CERTAIN = re.compile(r"^(?:i|we|my|our|the|her|his|their)\b", re.I)
_DETAIL = re.compile(
    rf"{NUMBER}|{WHEN}|\w\s[A-Z][a-zà-ÿ]+|"
    r"^[Tt]he (?:\w+ ){1,4}(?:is|are)(?: \w+)? (?:in|on|under|behind|at|near|next|beside|inside|"
    r"above|outside|opposite)\b|\bdue\b"
)
"""A figure, a time, a name or a place makes nearly any statement worth noting."""
_NOT_FACT = re.compile(
    r"^(?:i|we)\s+(?:\w+\s+)?(?:like|love|hate|need|have)\s+"
    r"(?:it|that|this|you|to know|your|them)\b|"
    r"^(?:i|we) had an? (?:very |really )?(?:bad|awful|terrible|hard|long|good|great|nice|lovely) |"
    r"\b(?:you|your)\b|^(?:i|we) (?:have|'ve got) (?:a question|to (?:go|run|leave|ask|say|admit))|"
    r"^i(?:'m| am) (?:(?:so|very|really|just|feeling|quite|pretty|rather|too|still) )*"
    r"(?:a (?:bit|little)\b|(?:tired|sad|happy|bored|lonely|hungry|thirsty|worried|angry|excited|"
    r"confused|stressed|glad|nervous|afraid|scared|anxious|upset|proud|curious|lost|late)\b)",
    re.I,
)
_FEELS = re.compile(
    r"^(?:i|we)\s+(?:\w+\s+)?(?:feel|felt|think|thought|guess|hope|hoped|wish|wonder|suppose|believe|"
    r"know|knew|mean|miss|missed|laughed|cried|slept|forgot|see|hear|agree|enjoyed|tried|can|could|"
    r"should|would|might)\b",
    re.I,
)
"""What passes: it wants an answer more than a note."""
_REMIND = re.compile(
    r"^(?:remind me|don't let me forget|help me (?:to )?remember|make a note|note|write down)"
    r"(?: down)?(?: to| that| about)?\s+(?P<matter>\w+\s.+)$",
    re.I,
)
_GREETING = re.compile(r"^\W*(?:hi|hello|hey|good (?:morning|afternoon|evening))\b", re.I)
_REQUEST = re.compile(r"\b(?:please|can you|could you|tell me|help me|give me|explain)\b", re.I)
_ENDINGS = ("I'll keep that in mind.", "Noted.", "I've got that.", "Good to know.")
_LONGEST = 16
_MOST = 3


def acknowledge(talk: Talk) -> str | None:
    """A short reply that holds the facts; None where the words ask, wish or tell no fact."""
    parts = sentences(talk.said)
    if (asked := _REMIND.match(bare(talk.said))) is not None:
        matter = to_you(asked["matter"]) or asked["matter"]
        return f"I can't call you when it is time, but I have noted it: {matter.rstrip('.')}."
    if not parts or is_question(parts[-1]) or _REQUEST.search(talk.said):
        return None
    told = [clause for part in parts if not is_question(part) for clause in clauses(part)]
    name = name_in(tuple(Line(part, "user", is_question(part)) for part in parts))
    facts = [turned for clause in told if (turned := _fact(_right(clause, talk), name))]
    if not facts and name is None:
        return None
    greeting = "Hello, " if _GREETING.match(talk.said) else ""
    known = name_in(talk.lines)
    out = []
    if name is not None:
        fresh = name != known
        out.append(sentence(f"{greeting}nice to meet you, {name}" if fresh else f"yes, {name}"))
    elif greeting:
        out.append(f"Hello{', ' + known if known else ''}!")
    if facts:
        out.append(sentence(f"so {_joined(facts[:_MOST])}"))
        out.append(_ENDINGS[crc32(talk.said.encode()) % len(_ENDINGS)])
    return " ".join(out)


def _right(clause: str, talk: Talk) -> str:
    """The clause; where it says only what was wrong, the whole as put right."""
    mended = correction_of(Line(clause, "user", is_question(clause)), talk.lines)
    return clause if mended is None or _CERTAIN.match(bare(clause)) else mended.text


def _fact(clause: str, name: str | None) -> str | None:
    clause = bare(clause)
    certain = _CERTAIN.match(clause) and not _FEELS.match(clause)
    telling = _FACT.match(clause) or (certain and _DETAIL.search(clause))
    if not telling or _NOT_FACT.search(clause) or is_question(clause):
        return None
    if len(words(clause)) > _LONGEST or (name is not None and name in clause and _names(clause)):
        return None
    return to_you(clause)


def _names(clause: str) -> bool:
    """The clause gives the user's own name, which the greeting already says."""
    return name_in((Line(clause, "user", False),)) is not None


def _joined(facts: list[str]) -> str:
    if len(facts) == 1:
        return facts[0]
    return f"{', '.join(facts[:-1])} and {facts[-1]}"
