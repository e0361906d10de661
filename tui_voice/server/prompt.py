"""Builds the prompt of one response: the request to the language model, and its token counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from tui_voice.realtime.wire.contract import ResponseMetadata
from tui_voice.realtime.wire.items import FunctionCall
from tui_voice.realtime.wire.session import FunctionTool, Tool, ToolChoiceFunction
from tui_voice.server.interfaces import ReplyRequest
from tui_voice.server.item_record import ItemRecord
from tui_voice.server.session_settings import SessionSettings
from tui_voice.server.truncation import truncate
from tui_voice.server.usage import CountTokens, PromptPart, TokenCount


@dataclass(frozen=True, slots=True)
class ResponsePrompt:
    """`parts`: what the model reads, in order. `dropped`: items that do not fit any more."""

    request: ReplyRequest
    parts: tuple[PromptPart, ...]
    dropped: tuple[ItemRecord, ...] = ()


def build_prompt(
    settings: SessionSettings,
    records: Sequence[ItemRecord],
    function_names: dict[str, str],
    metadata: dict[str, str],
    count_tokens: CountTokens,
    window_tokens: int,
) -> ResponsePrompt:
    """Returns the prompt from as many of `records` as fit into the window.

    `function_names`: by call id. Raises `RefusedError` where truncation is disabled and the prompt
    is too long.
    """
    tools = _tools_as_json(settings.tools)
    fixed_text = settings.instructions + (msgspec.json.encode(tools).decode() if tools else "")
    fixed = PromptPart(("fixed", fixed_text), TokenCount(count_tokens(fixed_text)))
    present = truncate(
        records, fixed.tokens.total, settings.truncation, count_tokens, window_tokens
    )
    names = function_names | {
        str(record.item.call_id): record.item.name
        for record in present
        if isinstance(record.item, FunctionCall)
    }
    turns = [record.as_turn(names) for record in present]
    typed_metadata = ResponseMetadata.from_wire(metadata)
    prompt_text = turns.pop().text if typed_metadata.prompt_is_last_item and turns else ""
    choice = settings.tool_choice
    request = ReplyRequest(
        instructions=settings.instructions,
        turns=turns,
        tools=tools,
        tool_choice=choice.name if isinstance(choice, ToolChoiceFunction) else str(choice),
        max_tokens=settings.max_tokens,
        metadata=typed_metadata,
        prompt=prompt_text,
        is_spoken=settings.modality == "audio",
    )
    parts = [
        PromptPart((record.id, record.version), record.tokens(count_tokens)) for record in present
    ]
    kept = {id(record) for record in present}
    dropped = tuple(record for record in records if id(record) not in kept)
    return ResponsePrompt(request, (fixed, *parts), dropped)


def _tools_as_json(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """Returns the function tools as plain JSON objects."""
    return [msgspec.to_builtins(tool) for tool in tools if isinstance(tool, FunctionTool)]
