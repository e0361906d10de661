"""Functions that the model may call during a session."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tui_voice.errors import TuiVoiceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One function. The model reads its description, its parameters and its result."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON schema of the arguments."""
    run: Callable[[Mapping[str, Any]], object]
    """Takes the arguments as parsed JSON. A coroutine function runs on the session's loop. Any
    other may block, since it runs in a thread. Both raise errors with a sentence for the model."""


class Tools:
    """The functions of one session."""

    def __init__(self, tools: tuple[Tool, ...] = ()) -> None:
        self._tools = {tool.name: tool for tool in tools}

    def and_(self, *tools: Tool) -> Tools:
        """Returns these and `tools`, without those whose name is taken."""
        added = (tool for tool in tools if tool.name not in self._tools)
        return Tools((*self._tools.values(), *added))

    def declared(self) -> tuple[dict[str, Any], ...]:
        """Returns the functions in the form of `session.update`, without their type."""
        return tuple(
            {"name": t.name, "description": t.description, "parameters": dict(t.parameters)}
            for t in self._tools.values()
        )

    async def call(self, name: str, arguments: str) -> str:
        """Returns the result as JSON for the model, or `{"error": "<sentence>"}`."""
        tool = self._tools.get(name)
        if tool is None:
            return _error(f"there is no function {name}")
        try:
            parsed = json.loads(arguments or "{}")
        except ValueError:
            return _error("the arguments are not JSON")
        if not isinstance(parsed, dict):
            return _error("the arguments are not a JSON object")
        try:
            if inspect.iscoroutinefunction(tool.run):
                result = await tool.run(parsed)
            else:
                result = await asyncio.to_thread(tool.run, parsed)
        except (TuiVoiceError, KeyError, TypeError, ValueError, OSError) as error:
            return _error(str(error) or type(error).__name__)
        return json.dumps(result, ensure_ascii=False)


def _error(text: str) -> str:
    return json.dumps({"error": text})
