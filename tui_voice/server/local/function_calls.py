"""Function calls without a model that can decide on them: those that the client demands.

The built-in partner calls a function only where `tool_choice` leaves no choice, and it fills in the
arguments by the schema alone. What a function returned is read out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tui_voice.realtime.wire.contract import RECALL_TOOL
from tui_voice.server.interfaces import ContextTurn, ReplyRequest, ToolCall


def forced_call(request: ReplyRequest) -> ToolCall | None:
    """Returns the call that `tool_choice` demands; None where it demands none.

    `required` is met by the first function offered.
    """
    choice = request.tool_choice
    if choice in ("auto", "none"):
        return None
    names = (tool for tool in request.tools if choice in ("required", tool.get("name")))
    tool = next(names, None)
    if tool is None:
        return None
    said = next((turn.text for turn in reversed(request.turns) if turn.role == "user"), "")
    arguments = _value(tool.get("parameters") or {"type": "object"}, said)
    return ToolCall(str(tool.get("name", "")), json.dumps(arguments, ensure_ascii=False))


def _value(schema: dict[str, Any], said: str) -> Any:
    """Returns a value that the JSON schema allows: of objects the required properties alone, of
    texts what the user `said` last.
    """
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "string")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            properties = schema.get("properties") or {}
            return {
                name: _value(properties.get(name, {}), said) for name in schema.get("required", ())
            }
        case "array":
            return [_value(schema.get("items") or {}, said)] * schema.get("minItems", 0)
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case "null":
            return None
    return said


def spoken_output(output: ContextTurn) -> str:
    """Returns what a function gave back, as a reply: for `recall` what was said, for others each
    value with its name.
    """
    try:
        parsed = json.loads(output.text)
    except ValueError:
        parsed = output.text
    if output.name == RECALL_TOOL and isinstance(parsed, dict) and "found" in parsed:
        return _quoted_hit(parsed["found"])
    values = ", ".join(_named_values(parsed))
    return f"The function answered: {values}." if values else "The function answered nothing."


def _quoted_hit(found: Any) -> str:
    """Returns the first hit of `recall` as a quote; `found` comes from the client unchecked."""
    hits = [hit for hit in found if isinstance(hit, dict)] if isinstance(found, list) else []
    if not hits:
        return "I found nothing about it in what was said."
    speaker = "I" if hits[0].get("role") == "assistant" else "You"
    return f'{speaker} said: "{hits[0].get("excerpt", "")}"'


def _named_values(value: Any, name: str = "") -> Iterator[str]:
    """Yields the texts and numbers in a JSON value, such as `temperature: 12`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _named_values(inner, str(key).replace("_", " "))
    elif isinstance(value, list):
        for inner in value:
            yield from _named_values(inner, name)
    elif value not in ("", None):
        text = str(value).rstrip(".")
        yield f"{name}: {text}" if name else text
