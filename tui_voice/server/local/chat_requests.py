"""Translates a `ReplyRequest` into a request of the chat completions API."""

from __future__ import annotations

from typing import Any

from tui_voice.languages import find_language, is_spoken_language
from tui_voice.server.interfaces import ReplyRequest

_MOST_TOKENS = 1500
"""Tokens of a reply where the client set no limit: about eight minutes of speech, or less with the
reasoning of the model, which counts."""
_SPEAK = "(I have said nothing new. Speak first, or go on, as your instructions say.)"
_ANY_FORM = "short lines, each begun with its kind: People and facts, Preferences, Decisions."


def chat_body(request: ReplyRequest, model: str) -> dict[str, Any]:
    """Returns the body of a streaming `POST /chat/completions`."""
    body: dict[str, Any] = {"model": model, "stream": True}
    if request.metadata.purpose == "summary":
        return body | _summary_body(request)
    body["messages"] = _messages(request)
    body["max_tokens"] = request.max_tokens or _MOST_TOKENS
    if request.tools and request.tool_choice != "none":
        keys = ("name", "description", "parameters")
        body["tools"] = [
            {"type": "function", "function": {key: tool[key] for key in keys if key in tool}}
            for tool in request.tools
        ]
        body["tool_choice"] = (
            request.tool_choice
            if request.tool_choice in ("auto", "required")
            else {"type": "function", "function": {"name": request.tool_choice}}
        )
    return body


def _messages(request: ReplyRequest) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if request.instructions:
        messages.append({"role": "system", "content": request.instructions})
    for turn in request.turns:
        if turn.role == "tool_call":
            function = {"name": turn.name, "arguments": turn.text or "{}"}
            call = {"id": turn.call_id, "type": "function", "function": function}
            messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        elif turn.role == "tool_output":
            messages.append({"role": "tool", "tool_call_id": turn.call_id, "content": turn.text})
        elif turn.text:
            messages.append({"role": turn.role, "content": turn.text})
    if request.prompt:
        messages.append({"role": "user", "content": request.prompt})
    elif messages == [] or messages[-1]["role"] in ("system", "assistant"):
        # Many models answer only a message of the user.
        messages.append({"role": "user", "content": _SPEAK})
    return messages


def _summary_body(request: ReplyRequest) -> dict[str, Any]:
    """Returns a summary request: rules, then the conversation as one text.

    Small models continue a conversation that they get as messages instead of summarising it.
    """
    characters = sum(len(turn.text) for turn in request.turns)
    # A token has about 4 characters: this is half of the conversation, and no summary is longer.
    max_tokens = request.max_tokens or min(1000, max(150, characters // 8))
    text = "\n".join(f"{turn.role}: {turn.text}" for turn in request.turns if turn.text)
    own = request.prompt if request.metadata.own_prompt else ""
    messages = [
        {"role": "system", "content": "\n".join(_summary_rules(request))},
        {"role": "user", "content": text},
    ]
    return {
        # The user's own prompt speaks of "the conversation above".
        "messages": [{"role": "user", "content": f"{text}\n\n{own}"}] if own else messages,
        "temperature": 0,
        "max_tokens": max_tokens,
    }


def _summary_rules(request: ReplyRequest) -> list[str]:
    setting = request.metadata.language or "same"
    language = "the language of the conversation" if is_spoken_language(setting) else setting
    rules = [
        "Summarise the conversation below for a model that will continue it and sees nothing else "
        "of it.",
        "Keep every name, number, date, preference, decision and open question; invent nothing.",
        "An earlier summary is part of the conversation: carry over what it says; a correction "
        "replaces what it corrects.",
        "Keep every negation. Leave out what only the assistant said, or mark it (assistant).",
        f"Form: {request.metadata.form or _ANY_FORM} Language: {language}.",
        "Be shorter than the conversation.",
    ]
    if request.metadata.focus:
        rules.append(f"Above all keep what concerns: {request.metadata.focus}.")
    if request.instructions:
        rules.append(request.instructions)
    if request.metadata.second_attempt and (known := find_language(setting)) is not None:
        rules.append(f"Write every sentence in {known.name} ({known.own_name}).")
    return rules
