"""Summaries made of the user's own sentences: nothing is invented and no negation is lost.

The sentences of an earlier summary come first, then the new ones, in the order in which they were
said. A correction replaces what it corrects; what else the corrected sentence says is quoted in
front of the correction, with `[…]` in place of the old value. Where there is not room for all, the
ones that tell least are left out: questions first, then those without a negation, a number or a
name, also where they matter ("Paint the kitchen green."). Tried in long sessions and of no help to
these: words that the reply or later turns have again, words that other sentences share, the length.
What the assistant said is not quoted.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tui_voice.languages import detect_language, find_language, is_spoken_language
from tui_voice.languages.corrections import find_corrections
from tui_voice.languages.sentences import is_question, sentences
from tui_voice.languages.statements import Statement, language_code, statements
from tui_voice.realtime.wire.contract import Layout
from tui_voice.server.interfaces import ContextTurn

SPEAKER = "The user said"
"""Introduces the sentences of a summary; also the key of the list in JSON."""
_CHARACTERS_PER_TOKEN = 4
_LEAST, _MOST = 240, 3600
"""Characters for which there is always room, and characters of the longest summary."""
_MEMORY_SHARE = 0.9
"""Of the room: what the earlier summary may take, so that a full one lets new sentences in."""
_WORD = re.compile(r"\w+")
_FOCUS_LETTERS = 5
"""A word is about the focus if so many letters at its beginning are equal (`train`, `trains`)."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sentence that the summary may quote."""

    text: str
    remembered: bool
    """It comes from an earlier summary."""
    statement: Statement
    score: float = 0.0
    """How much it tells; see `_scored`."""


def summarise(
    turns: Sequence[ContextTurn],
    *,
    layout: Layout = "lines",
    language: str = "same",
    focus: str = "",
    max_tokens: int | None = None,
) -> str:
    """Returns a summary of `turns`; "" where the user said nothing.

    It is shorter than the turns, unless they have fewer than 240 characters. Sentences about the
    `focus` are kept first. It cannot translate into `language`, and says so. It may load a language
    model, so do not call it on an event loop.
    """
    length = sum(len(turn.text) for turn in turns)
    kept = _chosen(_scored(_candidates(turns), focus), _room(turns, max_tokens))
    while kept:
        text = _written([one.text for one in kept], layout, language)
        if len(text) < max(length, _LEAST):
            return text
        kept.remove(min(kept, key=lambda one: one.score))
    return ""


def memory_sentences(text: str) -> list[str]:
    """Returns the sentences of an earlier summary, also of one that a chat model wrote, without
    headings, list marks, and remarks in brackets.
    """
    try:
        parsed = json.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError:
        lines = [line.strip().removeprefix(f"{SPEAKER}: ") for line in text.splitlines()]
        plain = [line for line in lines if not line.startswith("[") and not line.endswith(":")]
        return [part for line in plain for part in sentences(line.lstrip("-*• "))]
    lists = [value for value in parsed.values() if isinstance(value, list)]
    return [item for items in lists for item in items if isinstance(item, str)]


def _candidates(turns: Sequence[ContextTurn]) -> list[_Candidate]:
    """Returns every sentence once, where it was said last, without those that were corrected."""
    found: dict[str, tuple[str, bool]] = {}
    for turn in turns:
        remembered = turn.role == "system"
        if not remembered and turn.role != "user":
            continue
        for text in memory_sentences(turn.text) if remembered else sentences(turn.text):
            key = " ".join(_WORD.findall(text.casefold()))
            if key:
                found.pop(key, None)
                found[key] = text, remembered
    texts = [text for text, _ in found.values()]
    code = language_code(" ".join(texts))
    all_said = [
        _Candidate(text, remembered, statement)
        for (text, remembered), statement in zip(
            found.values(), statements(texts, code), strict=True
        )
    ]
    return _corrected(all_said, code)


def _corrected(candidates: Sequence[_Candidate], code: str) -> list[_Candidate]:
    """Returns the candidates without what later ones corrected; questions correct nothing."""
    asserted = [one for one in candidates if not is_question(one.text)]
    corrections = find_corrections([one.statement for one in asserted])
    gone = {id(asserted[one.earlier]) for one in corrections}
    rests: dict[int, list[_Candidate]] = {}
    for correction in corrections:
        if correction.rest:
            earlier, later = asserted[correction.earlier], asserted[correction.later]
            (statement,) = statements([correction.rest], code)
            rest = _Candidate(correction.rest, earlier.remembered, statement)
            rests.setdefault(id(later), []).append(rest)
    left: list[_Candidate] = []
    for one in candidates:
        if id(one) not in gone:
            left += [*rests.get(id(one), ()), one]
    return left


def _scored(candidates: Sequence[_Candidate], focus: str) -> list[_Candidate]:
    """Returns the candidates with their scores: 0–1 for the rarity of their words, and more for a
    negation, a number, a name or the focus.
    """
    words = [_WORD.findall(one.text) for one in candidates]
    distinct = [{word.casefold() for word in found} for found in words]
    sentences_with = Counter(word for found in distinct for word in found)
    most = math.log(1 + len(candidates))
    rarity = {
        word: math.log(1 + len(candidates) / count) / most for word, count in sentences_with.items()
    }
    beginnings = {word[:_FOCUS_LETTERS] for word in _WORD.findall(focus.casefold())}
    scored = []
    for one, found in zip(candidates, distinct, strict=True):
        kinds = {word.kind for word in one.statement.words}
        score = sum(rarity[word] for word in found) / (3 + len(found))
        score += 0.5 * ("name" in kinds) + 0.5 * ("figure" in kinds) + 0.5 * one.statement.negated
        score += 2 * sum(rarity[w] for w in found if w[:_FOCUS_LETTERS] in beginnings)
        score -= 0.5 * is_question(one.text)
        scored.append(replace(one, score=score))
    return scored


def _room(turns: Sequence[ContextTurn], max_tokens: int | None) -> int:
    """Returns the characters that a summary may have: as many as the turns, within the limits, and
    within the tokens that were asked for.
    """
    room = min(_MOST, max(_LEAST, sum(len(turn.text) for turn in turns)))
    return room if max_tokens is None else min(room, max_tokens * _CHARACTERS_PER_TOKEN)


def _chosen(candidates: Sequence[_Candidate], room: int) -> list[_Candidate]:
    """Returns the candidates of the highest scores that fit into `room` characters, in order."""
    all_fit = sum(len(one.text) for one in candidates) <= room
    room_for_memory = room if all_fit else _MEMORY_SHARE * room
    chosen = set()
    for one in sorted(candidates, key=lambda one: one.score, reverse=True):
        if len(one.text) <= min(room, room_for_memory if one.remembered else room):
            chosen.add(one)
            room -= len(one.text)
            room_for_memory -= len(one.text) * one.remembered
    return [one for one in candidates if one in chosen]


def _written(texts: Sequence[str], layout: Layout, language: str) -> str:
    remark = _untranslated(language, " ".join(texts))
    if layout == "json":
        remarks = {"note": remark} if remark else {}
        return json.dumps({SPEAKER: texts} | remarks, ensure_ascii=False)
    if layout == "paragraph":
        text = f"{SPEAKER}: " + " ".join(map(_ended, texts))
    else:
        text = "\n".join([f"{SPEAKER}:", *(f"- {text}" for text in texts)])
    return f"{text}\n[{remark}]" if remark else text


def _ended(text: str) -> str:
    """Returns a sentence with a full stop, where a recogniser has left it out."""
    return text if text[-1] in ".!?…。！？؟\"'”’)" else f"{text}."


def _untranslated(language: str, words: str) -> str:
    """Returns the remark that the summary is not in `language`; "" where it is."""
    if is_spoken_language(language):
        return ""
    wanted, found = find_language(language), detect_language(words)
    if wanted is not None and found == wanted.name:
        return ""
    spoken = f", which are {found}" if found else ""
    return (
        f"The embedded summariser cannot translate into {language}; "
        f"the sentences are the user's own{spoken}."
    )
