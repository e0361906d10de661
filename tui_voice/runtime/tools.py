"""Functions that the model may call while it talks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tui_voice.errors import TuiVoiceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """`run` takes the arguments as parsed JSON and blocks; its result is shown to the model."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    run: Callable[[Mapping[str, Any]], object]


class Tools:
    """The functions of one talk."""

    def __init__(self, tools: tuple[Tool, ...] = ()) -> None:
        self._tools = {tool.name: tool for tool in tools}

    def and_(self, tool: Tool) -> Tools:
        """These and one more, where none of them has its name."""
        known = tuple(self._tools.values())
        return self if tool.name in self._tools else Tools((*known, tool))

    def declared(self) -> tuple[dict[str, Any], ...]:
        """As `session.update` wants them."""
        return tuple(
            {"name": t.name, "description": t.description, "parameters": dict(t.parameters)}
            for t in self._tools.values()
        )

    async def call(self, name: str, arguments: str) -> str:
        """JSON for the model; what goes wrong is told to it as `{"error": …}`."""
        tool = self._tools.get(name)
        if tool is None:
            return _error(f"there is no function {name}")
        try:
            given = json.loads(arguments or "{}")
        except ValueError:
            return _error("the arguments are not JSON")
        if not isinstance(given, dict):
            return _error("the arguments are not a JSON object")
        try:
            result = await asyncio.to_thread(tool.run, given)
        except (TuiVoiceError, KeyError, TypeError, ValueError, OSError) as error:
            return _error(str(error) or type(error).__name__)
        return json.dumps(result, ensure_ascii=False)


def _error(text: str) -> str:
    return json.dumps({"error": text})
