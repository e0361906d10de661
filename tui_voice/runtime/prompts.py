"""The prompts for a summary, for a title and for a ticket."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tui_voice.conversation import effects as x
from tui_voice.languages import find_language, is_spoken_language
from tui_voice.realtime.wire.contract import MAX_TITLE_LENGTH
from tui_voice.runtime.summary_styles import SummaryForm

TITLE_PROMPT = (
    "Give the conversation above a title of at most six words, in the language that is spoken. "
    "Answer with the title alone, without quotation marks."
)
SHORTER_TITLE_PROMPT = f"{TITLE_PROMPT} It must have at most {MAX_TITLE_LENGTH} characters."
"""For the second attempt: the first title may have been too long to be shown whole."""


_REQUEST = (
    "Summarise the conversation above as a memory for yourself. If it begins with an earlier "
    "summary, update that one: keep what still holds, correct what changed, add what is new. "
    "Keep names, numbers, dates, wishes and decisions exactly as said, with every negation; "
    "invent nothing. A correction replaces what it corrects. Shorten prohibitions, allergies, "
    "limits, names, to-dos and decisions last. What only the assistant said is left out, or "
    "marked (assistant)."
)
IN_CONTEXT = {"transcript": "the conversation above", "memory": "the summary at its beginning"}
"""What stands for the places of an own prompt where the turns are sent as items before it."""
NO_MEMORY = "(none yet)"


def filled(prompt: str, source: x.RequestSummary | None = None) -> str:
    """Returns the user's own prompt (`summary.prompt`) with its places filled.

    `{transcript}`: the turns of `source`, one a line, as `user: …`; `{memory}`: the summary before.
    Without `source` both places name what stands before the prompt.
    """
    texts = IN_CONTEXT
    if source is not None:
        lines = "\n".join(f"{turn.role}: {turn.text}" for turn in source.turns)
        texts = {"transcript": lines, "memory": source.memory or NO_MEMORY}
    return re.sub(r"\{(transcript|memory)\}", lambda place: texts[place[1]], prompt)


def summary_prompt(
    form: SummaryForm,
    focus: str,
    repeated: bool = False,
    lost: Sequence[str] = (),
    kept: Sequence[str] = (),
) -> str:
    """Returns the prompt for a summary. It is sent after the turns, so that these are read from
    the prompt cache if it holds them.

    `focus`: what the user wants to keep above all, "" for nothing. `repeated`: the first answer
    was unusable. The prompt then also names the language in that language, since a model sometimes
    answers an English request for a French summary in English. `lost`: sentences of which it
    lacked something. `kept`: entries of the memory that the user pinned or wrote. An own prompt
    (`form.prompt`) is returned with its places unfilled.
    """
    parts = [form.prompt or _REQUEST]
    if lost:
        listed = "\n".join(f"- {sentence}" for sentence in lost)
        parts.append(f"Your last summary had lost something in these sentences:\n{listed}\n")
    if kept:
        listed = "\n".join(f"- {entry}" for entry in kept)
        parts.append(f"Keep these entries of the earlier summary word for word:\n{listed}\n")
    if focus:
        parts.append(f"Above all keep: {focus}.")
    if form.prompt:
        return " ".join(parts)
    parts.append(form.spec.prompt)
    if is_spoken_language(form.language):
        parts.append("Write in the language that was spoken.")
        return " ".join(parts)
    parts.append(f"Write in {form.language}.")
    if repeated and (known := find_language(form.language)) is not None:
        parts.append(f"Write every sentence in {known.name} ({known.own_name}).")
    return " ".join(parts)
