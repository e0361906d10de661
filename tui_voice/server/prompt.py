"""What one response is made from: the words for the model, and their weight for the bill."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from tui_voice.realtime.wire.contract import ResponseMetadata
from tui_voice.realtime.wire.items import FunctionCall
from tui_voice.realtime.wire.session import FunctionTool, Tool, ToolChoiceFunction
from tui_voice.server.interfaces import ReplyRequest
from tui_voice.server.items import Entry, Weight
from tui_voice.server.settings import Settings
from tui_voice.server.truncation import WINDOW, truncate
from tui_voice.server.usage import Count, Unit


@dataclass(frozen=True, slots=True)
class Prompt:
    """`units`: what is read, in order, for the cache and the bill; `dropped`: what no longer is."""

    request: ReplyRequest
    units: tuple[Unit, ...]
    dropped: tuple[Entry, ...] = ()


def tools_of(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """Function tools as plain JSON objects."""
    found: list[dict[str, Any]] = [
        msgspec.to_builtins(tool) for tool in tools if isinstance(tool, FunctionTool)
    ]
    return found


def compose(
    settings: Settings,
    entries: Sequence[Entry],
    names: dict[str, str],
    metadata: dict[str, str],
    count: Count,
    window: int = WINDOW,
) -> Prompt:
    """The prompt as far as it fits the window. `names`: function names by call id.

    Raises `RefusedError` where truncation is disabled and the prompt too long.
    """
    tools = tools_of(settings.tools)
    fixed = settings.instructions + (msgspec.json.encode(tools).decode() if tools else "")
    head = Unit(("head", fixed), Weight(count(fixed)))
    present = truncate(entries, head.weight.total, settings.truncation, count, window)
    named = names | {
        str(e.item.call_id): e.item.name for e in present if isinstance(e.item, FunctionCall)
    }
    turns = [entry.turn(named) for entry in present]
    described = ResponseMetadata.from_wire(metadata)
    prompt = turns.pop().text if described.prompt_is_last_item and turns else ""
    choice = settings.tool_choice
    request = ReplyRequest(
        instructions=settings.instructions,
        turns=turns,
        tools=tools,
        tool_choice=choice.name if isinstance(choice, ToolChoiceFunction) else str(choice),
        max_tokens=settings.max_tokens,
        metadata=described,
        prompt=prompt,
    )
    units = (Unit((e.id, e.version), e.weight(count)) for e in present)
    kept = {id(entry) for entry in present}
    gone = (entry for entry in entries if id(entry) not in kept)
    return Prompt(request, (head, *units), tuple(gone))
