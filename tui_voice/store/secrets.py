"""No key gets into a file of ours, even where somebody reads one aloud."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

_VARIABLES = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY")
_SHORTEST = 8  # anything shorter would strike out ordinary words
_OPENAI = re.compile(rb"(?:\b|(?<=\\[nrt]))sk-[A-Za-z0-9_-]{20,}")
_MASK = b"[key]"


class Redactor:
    """Strikes out the given keys, those of the environment, and what looks like OpenAI's."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {*secrets, *(os.environ.get(name, "") for name in _VARIABLES)}
        self._known = sorted(
            (secret.encode() for secret in known if len(secret) >= _SHORTEST), key=len, reverse=True
        )

    def __call__(self, line: bytes) -> bytes:
        for secret in self._known:
            if secret in line:
                line = line.replace(secret, _MASK)
        return _OPENAI.sub(_MASK, line) if b"sk-" in line else line
