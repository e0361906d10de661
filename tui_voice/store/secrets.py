"""Removes API keys from what is saved or shown, even where a server quotes a key back.

The filter is applied once on each path: `runtime.session` cleans every event before it is
journaled, shown or sent to a model; `catalog.rename` cleans the title that it writes itself;
exports, minutes, crash reports and error messages are cleaned as whole texts.

A key is found whole or base64-encoded. `delta_secrets` finds one that comes in pieces.
"""

from __future__ import annotations

import binascii
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:  # an error message of a command must not wait for this import
    from tui_voice.conversation.events import Event

E = TypeVar("E", bound="Event")

_KEY_VARIABLE = "_API_KEY"
"""An environment variable whose name ends like this contains a key."""
SHORTEST_KEY = 8
"""Characters. Replacing anything shorter would hit ordinary words."""
_OPENAI_KEY = re.compile(r"(?:\b|(?<=\\[nrt]))sk-[A-Za-z0-9_-]{20,}", re.ASCII)
_OPENAI_KEY_INSIDE = re.compile(r"sk-[A-Za-z0-9_-]{20,}", re.ASCII)
"""The same behind any character, as in decoded base64."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_-](?:[A-Za-z0-9+/_-]|\r?\n){22,}={0,2}")
"""Text that may be a key in base64, also in several lines."""
MASK = "[key]"


class Redactor:
    """Replaces by `[key]`: the given keys, those of the environment, and OpenAI-like keys."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        environment = (v.strip() for k, v in os.environ.items() if k.endswith(_KEY_VARIABLE))
        known = {*secrets, *environment}
        # Longest first: a key may begin with another one.
        self._keys = sorted((k for k in known if len(k) >= SHORTEST_KEY), key=len, reverse=True)
        self.spellings = [*self._keys, *(form for key in self._keys for form in _in_base64(key))]
        """The known keys, and how each is written in base64."""

    def text(self, text: str) -> str:
        """The text with every key replaced."""
        text = _OPENAI_KEY.sub(MASK, text)
        text = _BASE64.sub(self._without_encoded_key, text)
        for key in self.spellings:
            text = text.replace(key, MASK)
        return text

    def _without_encoded_key(self, found: re.Match[str]) -> str:
        return MASK if self.holds_encoded_key(found[0]) else found[0]

    def holds_encoded_key(self, word: str) -> bool:
        """Whether a key is in this base64 text; other characters may stand before it."""
        word = "".join(word.split()).rstrip("=").replace("-", "+").replace("_", "/")
        for start in range(4):
            part = word[start:]
            part = part[: -1 if len(part) % 4 == 1 else None]
            try:
                decoded = b64decode(part + "=" * (-len(part) % 4)).decode("latin-1")
            except binascii.Error:
                continue
            if _OPENAI_KEY_INSIDE.search(decoded) or any(
                key.encode().decode("latin-1") in decoded for key in self._keys
            ):
                return True
        return False

    def event(self, event: E) -> E:
        """The event with every key in its text fields replaced; the same object if it has none."""
        changed: dict[str, Any] = {
            name: clean
            for name in _text_fields(event)
            if (text := getattr(event, name)) and (clean := self.text(text)) != text
        }
        return replace(event, **changed) if changed else event


def _in_base64(key: str) -> Iterator[str]:
    """What is the same in every base64 text that contains the key, for each place it may have."""
    for before in range(3):
        text = b64encode(b"\0" * before + key.encode()).decode()
        whole = text[(0, 2, 3)[before] : (before + len(key.encode())) * 8 // 6]
        yield from {whole, whole.replace("+", "-").replace("/", "_")}


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
