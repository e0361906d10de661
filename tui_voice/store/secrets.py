"""No key gets into a file of ours or onto the screen, even where a server quotes it back, or
somebody reads it aloud.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what tells of an error on the last line of a command must be there at once
    from tui_voice.conversation.events import Event

_VARIABLES = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY")
_SHORTEST = 8  # anything shorter would strike out ordinary words
_OPENAI = re.compile(rb"(?:\b|(?<=\\[nrt]))sk-[A-Za-z0-9_-]{20,}")
_MASK = b"[key]"


class Redactor:
    """Strikes out the given keys, those of the environment, and what looks like OpenAI's."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {*secrets, *(os.environ.get(name, "") for name in _VARIABLES)}
        self._words = [secret for secret in known if len(secret) >= _SHORTEST]
        self._known = sorted((secret.encode() for secret in self._words), key=len, reverse=True)

    def __call__(self, line: bytes) -> bytes:
        for secret in self._known:
            if secret in line:
                line = line.replace(secret, _MASK)
        return _OPENAI.sub(_MASK, line) if b"sk-" in line else line

    def text(self, text: str) -> str:
        if "sk-" not in text and not any(secret in text for secret in self._words):
            return text  # as nearly always, and many times a second
        return self(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")

    def event(self, event: Event) -> Event:
        """The fact as it may be kept, shown and told to a model."""
        changed: dict[str, Any] = {
            name: clean
            for name in _worded(event)
            if (said := getattr(event, name)) and (clean := self.text(said)) != said
        }
        return replace(event, **changed) if changed else event


_WORDED: dict[str, tuple[str, ...]] = {}


def _worded(event: Event) -> tuple[str, ...]:
    """Fields in which somebody's words may stand; names of items are the server's, or ours."""
    if event.name not in _WORDED:
        _WORDED[event.name] = tuple(
            field.name
            for field in fields(event)
            if field.type in ("str", "str | None") and not field.name.endswith("id")
        )
    return _WORDED[event.name]
