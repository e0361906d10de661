"""Summaries made of the user's own sentences: nothing is invented and no negation is lost.

The sentences of an earlier summary come first, then the new ones, in the order in which they were
said: a correction stands behind what it corrects. Where there is not room for all, the ones that
tell least are left out: those with common words, without figures and without names. What the
assistant said is not quoted.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tui_voice.languages import detect_language, find_language, is_spoken_language
from tui_voice.realtime.wire.contract import Layout
from tui_voice.server.interfaces import ContextTurn
from tui_voice.server.local.sentences import is_question, sentences

SPEAKER = "The user said"
"""Introduces the sentences of a summary; also the key of the list in JSON."""
_CHARACTERS_PER_TOKEN = 4
_LEAST, _MOST = 240, 2400
"""Characters for which there is always room, and characters of the longest summary."""
_MEMORY_SHARE = 0.75
"""Of the room: what the earlier summary may take, so that a full one lets new sentences in."""
_WORD = re.compile(r"\w+")
_FIGURE = re.compile(r"\d")
_FOCUS_LETTERS = 5
"""A word is about the focus if so many letters at its beginning are equal (`train`, `trains`)."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sentence that the summary may quote."""

    text: str
    remembered: bool
    """It comes from an earlier summary."""
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
    `focus` are kept first. It cannot translate into `language`, and says so.
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
    """Returns every sentence once, where it was said last."""
    found: dict[str, _Candidate] = {}
    for turn in turns:
        remembered = turn.role == "system"
        if not remembered and turn.role != "user":
            continue
        for text in memory_sentences(turn.text) if remembered else sentences(turn.text):
            key = " ".join(_WORD.findall(text.casefold()))
            if key:
                found.pop(key, None)
                found[key] = _Candidate(text, remembered)
    return list(found.values())


def _scored(candidates: Sequence[_Candidate], focus: str) -> list[_Candidate]:
    """Returns the candidates with their scores: 0–1 for the rarity of their words, and more for a
    figure, a name or the focus.
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
    for one, written, found in zip(candidates, words, distinct, strict=True):
        score = sum(rarity[word] for word in found) / (3 + len(found))
        score += 0.5 * any(word[0].isupper() for word in written[1:] if len(word) > 1)
        score += 0.5 * bool(_FIGURE.search(one.text))
        score += 2 * sum(rarity[w] for w in found if w[:_FOCUS_LETTERS] in beginnings)
        score -= 0.5 * is_question(one.text)
        scored.append(replace(one, score=score))
    return scored


def _room(turns: Sequence[ContextTurn], max_tokens: int | None) -> int:
    """Returns the characters that a summary may have: all of an earlier one and half of the rest,
    within the limits, and within the tokens that were asked for.
    """
    memory = sum(len(turn.text) for turn in turns if turn.role == "system")
    rest = sum(len(turn.text) for turn in turns) - memory
    room = min(_MOST, memory + max(_LEAST, rest // 2))
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
