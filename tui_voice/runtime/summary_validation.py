"""Whether the text that a model wrote can be used as a summary."""

from __future__ import annotations

import re

from tui_voice.conversation import effects as x
from tui_voice.languages.plausibility import summary_fault
from tui_voice.languages.token_estimate import estimate_text_tokens

ALLOWANCE = 40
"""Tokens by which a summary may be longer than its source; it matters for very short sources."""
_THOUGHT = re.compile(r"^\s*<think>.*?(?:</think>|\Z)\s*", re.S)
_FENCE = re.compile(r"^```\w*\s*(.*?)\s*```$", re.S)


def without_wrapping(text: str) -> str:
    """Returns the answer without `<think>…</think>` before it and a code fence around it."""
    text = _THOUGHT.sub("", text).strip()
    return _FENCE.sub(r"\1", text)


def problem_of(text: str, request: x.RequestSummary) -> str:
    """Returns why `text` cannot replace the turns of `request`, "" where it can."""
    if not text.strip():
        return "the summary was empty"
    source = "\n".join((request.memory, *(turn.text for turn in request.turns)))
    longest = source_tokens(request)
    length = estimate_text_tokens(text)
    if length > longest + ALLOWANCE:
        return f"the summary ({length} tokens) was longer than what it summarised ({longest})"
    fault = summary_fault(text, source)
    return f"the summary {fault}" if fault else ""


def source_tokens(request: x.RequestSummary) -> int:
    """Returns the estimated text tokens of the earlier summary and the turns."""
    return estimate_text_tokens(request.memory) + sum(
        estimate_text_tokens(turn.text) for turn in request.turns
    )
