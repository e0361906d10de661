"""The prompts for a summary and for a title."""

from __future__ import annotations

from collections.abc import Sequence

from tui_voice.languages import find_language, is_spoken_language
from tui_voice.runtime.summary_styles import SummaryForm

TITLE_PROMPT = (
    "Give the conversation above a title of at most six words, in the language that is spoken. "
    "Answer with the title alone, without quotation marks."
)


def summary_prompt(
    form: SummaryForm, focus: str, repeated: bool = False, lost: Sequence[str] = ()
) -> str:
    """Returns the prompt for a summary. It is sent after the turns, so that these are read from
    the prompt cache if it holds them.

    `focus`: what the user wants to keep above all, "" for nothing. `repeated`: the first answer
    was unusable. The prompt then also names the language in that language, since a model sometimes
    answers an English request for a French summary in English. `lost`: sentences of which it
    lacked something.
    """
    parts = [
        "Summarise the conversation above as a memory for yourself. If it begins with an earlier "
        "summary, update that one: keep what still holds, correct what changed, add what is new. "
        "Keep names, numbers, dates, wishes and decisions exactly as said, with every negation; "
        "invent nothing. A correction replaces what it corrects. Shorten prohibitions, allergies, "
        "limits, names, to-dos and decisions last. What only the assistant said is left out, or "
        "marked (assistant)."
    ]
    if lost:
        listed = "\n".join(f"- {sentence}" for sentence in lost)
        parts.append(f"Your last summary had lost something in these sentences:\n{listed}\n")
    if focus:
        parts.append(f"Above all keep: {focus}.")
    parts.append(form.spec.prompt)
    if is_spoken_language(form.language):
        parts.append("Write in the language that was spoken.")
        return " ".join(parts)
    parts.append(f"Write in {form.language}.")
    if repeated and (known := find_language(form.language)) is not None:
        parts.append(f"Write every sentence in {known.name} ({known.own_name}).")
    return " ".join(parts)
