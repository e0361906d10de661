"""How summaries are asked for: style, language, focus; and once more, more plainly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tui_voice.languages import EXAMPLE, is_same, named

TITLE_PROMPT = (
    "Give the conversation above a title of at most six words, in the language that is spoken. "
    "Answer with the title alone, without quotation marks."
)

_STYLES = {
    "structured": (
        "Use these headings, leaving out those with nothing under them: People and facts; "
        "Preferences; Decisions; Open questions; Tone. Short phrases, no full sentences needed."
    ),
    "paragraph": "Write one plain paragraph.",
    "bullets": "Write short bullet points.",
    "json": (
        "Write one JSON object with the keys people_and_facts, preferences, decisions, "
        "open_questions (each an array of strings) and tone (a string), and nothing around it."
    ),
    "minutes": "Write minutes: decisions, open questions, and to-dos with who does them.",
}
_LISTS = ("people_and_facts", "preferences", "decisions", "open_questions")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {key: {"type": "array", "items": {"type": "string"}} for key in _LISTS}
    | {"tone": {"type": "string"}},
    "required": [*_LISTS, "tone"],
    "additionalProperties": False,
}
"""The form of a summary in the style `json`, as JSON Schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How summaries are to read. `language`: `same` as the talk, or any by name."""

    style: str = "structured"
    language: str = "same"


def prompt_for(style: Style, focus: str, insist: bool = False) -> str:
    """The request, put behind the turns, so that what a cache holds of them can be used.

    `insist`: the language is asked for in that language, too; models that were told in English
    to write French are at times carried away by the English.
    """
    language = (
        "Write in the language that was spoken."
        if is_same(style.language)
        else f"Write in {style.language}."
    )
    wish = f" Above all keep: {focus}." if focus else ""
    prompt = (
        "Summarise the conversation above as a memory for yourself. If it begins with an earlier "
        "summary, update that one: keep what still holds, correct what changed, add what is new. "
        "Keep names, numbers, dates, wishes and decisions exactly as said; invent nothing. Mark "
        f"nobody's words as your own.{wish} {_STYLES[style.style]} {language}"
    )
    own = named(style.language) if insist else None
    return f"{prompt} {own.wish}" if own is not None else prompt


def shown(style: Style, focus: str, talk: str) -> list[tuple[str, str]] | None:
    """For small models: (role, words) with a talk and its summary in the wanted language as an
    example, then the `talk` as one text. None where an example would mislead.
    """
    own = named(style.language)
    if own is None or not own.shown or style.style == "json":
        return None
    wish = f" ({focus})" if focus else ""
    return [
        ("system", f"{own.wish}{wish}"),
        ("user", EXAMPLE),
        ("assistant", own.shown),
        ("user", talk),
    ]
