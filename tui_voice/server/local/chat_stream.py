"""Reads the answer of a chat server: a stream of server-sent events, or one JSON object.

Servers differ, and some are no chat servers at all. What is not understood is an error that says
what was found.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any


class StreamError(Exception):
    """The answer is not that of a chat server, or not whole; `str(error)` says why."""


@dataclass(slots=True)
class CallParts:
    """The parts of one function call that have come so far."""

    name: str = ""
    arguments: str = ""


class ChatStream:
    """Takes the answer's lines; `words()` yields text, and then `calls` has the function calls."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self._calls: dict[int, CallParts] = {}
        self._is_whole = False

    @property
    def calls(self) -> list[CallParts]:
        return list(self._calls.values())

    def words(self) -> Iterator[str]:
        """Yields the text piece by piece, "" for a line without any. Raises `StreamError`."""
        lines = iter(self._lines)
        first = next((line for line in lines if line.strip()), "")
        if not first:
            raise StreamError("it answered nothing")
        if first.lstrip().startswith("{"):
            yield self._read(_parsed("\n".join(chain([first], lines))), "message")
            return
        field = first.partition(":")[0]
        if field not in ("data", "event", "id", "retry", ""):
            raise StreamError(f"it answered with no chat, but with {first.strip()[:40]!r}")
        for line in chain([first], lines):
            field, _, value = line.partition(":")
            if field != "data":
                yield ""
                continue
            if value.strip() == "[DONE]":
                return
            yield self._read(_parsed(value), "delta")
        if not self._is_whole:
            raise StreamError("its answer broke off")

    def _read(self, chunk: dict[str, Any], key: str) -> str:
        """Returns the text in a chunk and keeps its parts of calls. `key`: where they stand."""
        if error := chunk.get("error"):
            message = error.get("message") if isinstance(error, dict) else error
            raise StreamError(str(message).strip()[:200] or "it gave no reason")
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else {}
        self._is_whole = self._is_whole or bool(choice.get("finish_reason"))
        delta = choice.get(key) or {}
        for place, part in enumerate(delta.get("tool_calls") or ()):
            index = part.get("index")
            call = self._calls.setdefault(place if index is None else index, CallParts())
            function = part.get("function") or {}
            call.name = call.name or function.get("name") or ""
            call.arguments += _arguments(function.get("arguments"))
        content = delta.get("content")
        return content if isinstance(content, str) else ""


def _arguments(value: object) -> str:
    """Returns a part of a call's arguments; some servers send an object instead of its text."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False) if value else ""


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        raise StreamError(f"it answered with broken JSON: {text.strip()[:40]!r}") from None
    if not isinstance(found, dict):
        raise StreamError(f"it answered with no chat, but with {text.strip()[:40]!r}")
    return found
