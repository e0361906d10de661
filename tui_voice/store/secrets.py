"""Removes API keys from what is saved or shown, even where a server quotes a key back.

The filter is applied once on each path: `runtime.session` cleans every event before it is
journaled, shown or sent to a model; `catalog.rename` cleans the title that it writes itself;
exports, crash reports and error messages are cleaned as whole texts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:  # an error message of a command must not wait for this import
    from tui_voice.conversation.events import Event

E = TypeVar("E", bound="Event")

_KEY_VARIABLE = "_API_KEY"
"""An environment variable whose name ends like this contains a key."""
_SHORTEST_KEY = 8
"""Characters. Replacing anything shorter would hit ordinary words."""
_OPENAI_KEY = re.compile(r"(?:\b|(?<=\\[nrt]))sk-[A-Za-z0-9_-]{20,}", re.ASCII)
_MASK = "[key]"


class Redactor:
    """Replaces by `[key]`: the given keys, those of the environment, and OpenAI-like keys."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        environment = (v.strip() for k, v in os.environ.items() if k.endswith(_KEY_VARIABLE))
        known = {*secrets, *environment}
        # Longest first: a key may begin with another one.
        self._keys = sorted((k for k in known if len(k) >= _SHORTEST_KEY), key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text with every key replaced."""
        for key in self._keys:
            text = text.replace(key, _MASK)
        return _OPENAI_KEY.sub(_MASK, text)

    def event(self, event: E) -> E:
        """The event with every key in its text fields replaced; the same object if it has none."""
        changed: dict[str, Any] = {
            name: clean
            for name in _text_fields(event)
            if (text := getattr(event, name)) and (clean := self.text(text)) != text
        }
        return replace(event, **changed) if changed else event


_TEXT_FIELDS: dict[str, tuple[str, ...]] = {}
"""What `_text_fields` found, by the name of the event."""


def _text_fields(event: Event) -> tuple[str, ...]:
    """The fields of an event in which a key may stand: all of text except ids.

    Example: of a `TranscriptDone` it is `text`, not `item_id`.
    """
    if event.name not in _TEXT_FIELDS:
        _TEXT_FIELDS[event.name] = tuple(
            field.name
            for field in fields(event)
            if field.type in ("str", "str | None") and not field.name.endswith("id")
        )
    return _TEXT_FIELDS[event.name]
