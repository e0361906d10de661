"""What our client and our embedded server agree on beyond the Realtime API: metadata and `recall`.

The API lets a client attach `metadata` (up to 16 pairs of strings, values of at most 512
characters) to a `response.create`, and the server sends it back in `response.created` and
`response.done`. Our client describes each out-of-band response by a `ResponseMetadata`:

- The client writes it: `ResponseParams(metadata=ResponseMetadata(...).to_wire())`. A server that
  does not know these keys (OpenAI, Azure) ignores them and follows the prompt, which is the last
  item of `input`.
- The embedded server reads it: `ResponseMetadata.from_wire(params.metadata)`. It recognises a
  summary request and a title request by `purpose`, never by the words of the prompt. Where
  `prompt_is_last_item` is true, the last item of `input` is the prompt and not a part of the
  session that is to be summarised, so the server leaves it out of its source text.

The tool `recall` is the other part. The client offers it in `session.update` under `RECALL_TOOL`,
with the one argument `RECALL_QUERY`; its output is a `RecallOutput` as JSON. A capable model calls
it where the conversation no longer holds an answer. The embedded server calls it without such a
model only where `tool_choice` demands it, and then quotes from `found`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NotRequired, TypedDict

Purpose = Literal["", "summary", "title"]
"""What an out-of-band response is for; "" for a purpose of another client."""
PURPOSES: tuple[Purpose, ...] = ("summary", "title")

Layout = Literal["lines", "paragraph", "json"]
"""How a summary that is put together without a language model arranges its quotations: `lines` has
one on each line."""
LAYOUTS: tuple[Layout, ...] = ("lines", "paragraph", "json")

MAX_TITLE_LENGTH = 60
"""Characters; our client refuses a longer title of a session."""

MAX_VALUE_LENGTH = 512
"""Characters of one metadata value that the Realtime API accepts."""

KEY = "key"
"""Name of the value by which a client finds the response to its request."""
_PURPOSE = "purpose"
_PROMPT_ITEM = "prompt_item"
_LAST = "last"
_FORM = "form"
_LAYOUT = "layout"
_LANGUAGE = "language"
_FOCUS = "focus"
_TIMEOUT_S = "seconds"
_SECOND_ATTEMPT = "insist"
_OWN_PROMPT = "own_prompt"
_YES = "yes"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseMetadata:
    """The metadata of one out-of-band response."""

    key: str = ""
    """Chosen by the client; the response that carries it answers the request that had it."""
    purpose: Purpose = ""
    prompt_is_last_item: bool = False
    """The last item of `input` is the prompt; the items before it are the source text."""
    own_prompt: bool = False
    """The prompt is the user's own (`summary.prompt`): it says all that is wanted, in place of
    `form` and `language`. It may be longer than a metadata value, so only the last item has it."""
    form: str = ""
    """The sentences of the prompt that describe the form, for example "Write one paragraph."."""
    layout: Layout = "lines"
    language: str = ""
    """Language of the text, for example `German`; "" or `same` for that of the conversation."""
    focus: str = ""
    """Subject that the summary must keep above all; "" for none."""
    timeout_s: float | None = None
    """Seconds that the client waits for the response; None where it did not say."""
    second_attempt: bool = False
    """The first response was not what was asked for, so the server should try another way."""

    def to_wire(self) -> dict[str, str]:
        """Returns the metadata of a `response.create`; fields at their defaults are left out."""
        pairs = {
            KEY: self.key,
            _PURPOSE: self.purpose,
            _PROMPT_ITEM: _LAST if self.prompt_is_last_item else "",
            _OWN_PROMPT: _YES if self.own_prompt else "",
            _FORM: self.form,
            _LAYOUT: "" if self.layout == "lines" else self.layout,
            _LANGUAGE: self.language,
            _FOCUS: self.focus,
            _TIMEOUT_S: "" if self.timeout_s is None else f"{self.timeout_s:g}",
            _SECOND_ATTEMPT: _YES if self.second_attempt else "",
        }
        return {name: value[:MAX_VALUE_LENGTH] for name, value in pairs.items() if value}

    @classmethod
    def from_wire(cls, metadata: Mapping[str, str] | None) -> ResponseMetadata:
        """Reads the metadata of any client; a value that is missing or makes no sense is the
        default, and keys of other clients are ignored.
        """
        pairs = metadata or {}
        return cls(
            key=pairs.get(KEY, ""),
            purpose=next((p for p in PURPOSES if p == pairs.get(_PURPOSE)), ""),
            prompt_is_last_item=pairs.get(_PROMPT_ITEM) == _LAST,
            own_prompt=pairs.get(_OWN_PROMPT) == _YES,
            form=pairs.get(_FORM, ""),
            layout=next((one for one in LAYOUTS if one == pairs.get(_LAYOUT)), "lines"),
            language=pairs.get(_LANGUAGE, ""),
            focus=pairs.get(_FOCUS, ""),
            timeout_s=_seconds(pairs.get(_TIMEOUT_S, "")),
            second_attempt=pairs.get(_SECOND_ATTEMPT) == _YES,
        )


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 < seconds < float("inf") else None


RECALL_TOOL = "recall"
"""Name of the function with which the model searches what was said in this and earlier sessions."""
RECALL_QUERY = "query"
"""Name of its only argument: words to search for."""


class RecallHit(TypedDict):
    """One turn that matches the query."""

    session: str
    """Title of the session, or its id where it has no title."""
    date: str
    """Day on which it was said, for example `2026-11-27`; "" where that is not known."""
    role: str
    """`user` or `assistant`."""
    excerpt: str
    """The turn, shortened where it is very long."""
    score: NotRequired[float]
    """Share of what the query is about that the turn and its neighbours have, 0–1."""
    before: NotRequired[str]
    """The turn before it, begun with its role."""
    after: NotRequired[str]
    """The turn after it, likewise."""


class RecallOutput(TypedDict):
    """What `recall` returns; a tool that fails returns `{"error": "<sentence>"}` instead."""

    found: list[RecallHit]
    """Best match first; empty where nothing matches."""
    note: NotRequired[str]
    """Advice to the model, for example to try other words."""
