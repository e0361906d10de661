"""The forms that a summary can take: one row of `SUMMARY_STYLES` for each value of `summary.style`.

To add a style, add a row. The request to the model, the check of its answer, and the choices of
the setting and of `eval --style` are made from that row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tui_voice.conversation.memory import (
    HEADINGS,
    WRITTEN_KINDS,
    json_object,
    read_memory,
    render_memory,
)
from tui_voice.languages import detect_language, find_language, is_spoken_language

if TYPE_CHECKING:
    from tui_voice.realtime.wire.contract import Layout  # the package loads msgspec


def _no_fault(_text: str) -> str:
    return ""


def _as_written(text: str) -> str:
    return text


def _json_object(text: str) -> str:
    with suppress(ValueError):
        if isinstance(json.loads(text), dict):
            return ""
    return "no JSON, though JSON was asked for"


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryStyle:
    """One form of a summary."""

    prompt: str
    """The sentences of the request that describe the form."""
    layout: Layout = "lines"
    """How the embedded server arranges a summary, which it makes of quotations."""
    schema: Mapping[str, Any] | None = None
    """JSON schema that a text model is given for its answer; None: the answer is free text."""
    form_fault: Callable[[str], str] = _no_fault
    """Returns how a summary differs from the form, "" where it does not. The result follows the
    words "the summary is", for example "no JSON, though JSON was asked for"."""
    render: Callable[[str], str] = _as_written
    """Returns an answer in the form in which the memory keeps it."""


_LISTS = tuple(kind for kind in WRITTEN_KINDS if kind != "tone")


def _schema(lists: Sequence[str]) -> Mapping[str, Any]:
    """Returns the JSON schema of an object of these lists, and the tone."""
    return {
        "type": "object",
        "properties": {key: {"type": "array", "items": {"type": "string"}} for key in lists}
        | {"tone": {"type": "string"}},
        "required": [*lists, "tone"],
        "additionalProperties": False,
    }


def _under_headings(text: str) -> str:
    """Returns the entries of a JSON object as lines under headings; another text as it is."""
    return text if json_object(text) is None else render_memory(read_memory(text))


def _structured(*extra: str, about: str = "") -> SummaryStyle:
    """Returns the style of headings, with headings for the kinds `extra` before the others.

    `about`: what is said of these kinds.
    """
    headings = "; ".join(HEADINGS[kind] for kind in (*extra, *WRITTEN_KINDS))
    return SummaryStyle(
        prompt=f"Use these headings, leaving out those with nothing under them: {headings}. "
        f"{about}Allergies are limits; a to-do says who does it. Begin each entry with a dash.",
        schema=_schema((*extra, *_LISTS)),
        render=_under_headings,
    )


SUMMARY_STYLES: dict[str, SummaryStyle] = {
    "structured": _structured(),
    "paragraph": SummaryStyle(prompt="Write one plain paragraph.", layout="paragraph"),
    "bullets": SummaryStyle(prompt="Write short bullet points."),
    "json": SummaryStyle(
        prompt=f"Write one JSON object with the keys {', '.join(_LISTS)} (each an array of "
        "strings) and tone (a string), and nothing around it. Allergies are limits; a to-do says "
        "who does it.",
        layout="json",
        schema=_schema(_LISTS),
        form_fault=_json_object,
    ),
    "minutes": SummaryStyle(
        prompt="Write minutes: decisions, open questions, and to-dos with who does them.",
    ),
    "tutor": _structured(
        "mistakes",
        about="A mistake to practise is one entry: what the learner said, an arrow, what is right; "
        "keep those of the earlier summary until the learner has it right. ",
    ),
    "coach": _structured(
        "goals",
        "commitments",
        about="A commitment is what the user said he or she would do, and until when; keep it "
        "until it is known how it went. ",
    ),
    "support": _structured(
        about="People and facts hold the case: who, how to reach them, product, what happened, "
        "since when, what was tried. ",
    ),
}

DEFAULT_STYLE = "structured"
MINUTES_STYLE = "minutes"
"""The style in which `sessions export --format minutes` is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryForm:
    """The form and the language in which the user wants summaries."""

    style: str = DEFAULT_STYLE
    """A key of `SUMMARY_STYLES`."""
    language: str = "same"
    """A language by name or code; `same`: the language that is spoken."""
    prompt: str = ""
    """The user's own request with places (`prompts.filled`), used instead of style and language."""

    @property
    def spec(self) -> SummaryStyle:
        return SummaryStyle(prompt="") if self.prompt else SUMMARY_STYLES[self.style]

    def shortfall(self, text: str) -> str:
        """Returns how a usable summary differs from what was wanted, "" where it does not.

        The result follows the words "the summary is", for example "in English, though French was
        asked for". May load the language model: do not call it on an event loop.
        """
        found = [self.spec.form_fault(text)]
        wanted = None if self.prompt else find_language(self.language)
        if wanted is not None and not is_spoken_language(self.language):
            detected = detect_language(text)
            if detected not in ("", wanted.name):
                found.append(f"in {detected}, though {wanted.name} was asked for")
        return "; ".join(filter(None, found))
