"""Whether a summary may be believed, and whether it is what was asked for."""

from __future__ import annotations

import json
import re
from contextlib import suppress

from tui_voice.conversation import effects as x
from tui_voice.conversation.turns import estimate_text_tokens
from tui_voice.languages import is_same, language_of, named
from tui_voice.languages.sense import senseless
from tui_voice.runtime.prompts import Style

ALLOWANCE = 40
"""Tokens by which a summary of very little may be longer than what it stands for."""
_THOUGHT = re.compile(r"^\s*<think>.*?(?:</think>|\Z)\s*", re.S)
_FENCE = re.compile(r"^```\w*\s*(.*?)\s*```$", re.S)


def bared(text: str) -> str:
    """Without what models put around their answer: thoughts, and a fence."""
    text = _THOUGHT.sub("", text).strip()
    return _FENCE.sub(r"\1", text)


def problem_of(text: str, request: x.RequestSummary) -> str:
    """Why a summary cannot stand for its turns; "" where it can."""
    if not text.strip():
        return "the summary was empty"
    source = "\n".join((request.memory, *(turn.text for turn in request.turns)))
    most = estimate_text_tokens(request.memory) + sum(
        estimate_text_tokens(turn.text) for turn in request.turns
    )
    length = estimate_text_tokens(text)
    if length > most + ALLOWANCE:
        return f"the summary ({length} tokens) was longer than what it summarised ({most})"
    nonsense = senseless(text, source)
    return f"the summary {nonsense}" if nonsense else ""


def shortfall_of(text: str, style: Style) -> str:
    """In what a summary that holds is not as it was asked for; "" where it is, or where we cannot
    tell. Reads behind "the summary is".
    """
    found = []
    if style.style == "json" and not is_json(text):
        found.append("no JSON, though JSON was asked for")
    asked = named(style.language)
    if asked is not None and not is_same(style.language):
        got = language_of(text)
        if got not in ("", asked.name):
            found.append(f"in {got}, though {asked.name} was asked for")
    return "; ".join(found)


def is_json(text: str) -> bool:
    """Whether it is one JSON object and nothing else."""
    with suppress(ValueError):
        return isinstance(json.loads(text), dict)
    return False
