"""A proxy that reproduces a known fault of servers: they answer without audio as long as the
conversation holds an assistant turn that the client created as text.

The proxy only adds a `session.update` that switches the output to text and back. The real server
behind it makes the replies without audio, with all the events that such replies have.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.runtime.fault_proxy_harness import Direction, FaultProxy, fault_proxy


@dataclass
class SilentReplyProxy:
    """`held`: ids of the text items that cause the fault. `sent`: messages of the client, in
    order. `silent` and `spoken`: how many replies came without and with audio.
    """

    held: set[str] = field(default_factory=set)
    sent: list[dict[str, Any]] = field(default_factory=list)
    silent: int = 0
    spoken: int = 0
    proxy: FaultProxy = field(init=False)
    _with_audio: set[str] = field(default_factory=set)

    def pass_on(self, direction: Direction, frame: str | bytes) -> list[str | bytes]:
        """Returns the frame and, where the fault begins or ends, a `session.update` after it."""
        event = json.loads(frame)
        return [
            frame,
            *(self._from_client(event) if direction == "up" else self._from_server(event)),
        ]

    def created(self, role: str) -> list[str]:
        """Returns the texts of the items of this role that the client created."""
        asked = [e["item"] for e in self.sent if e["type"] == "conversation.item.create"]
        return [
            part["text"] for item in asked if item.get("role") == role for part in item["content"]
        ]

    def _from_client(self, event: dict[str, Any]) -> list[str | bytes]:
        was_silent = bool(self.held)
        match event["type"]:
            case "session.update":  # a new conversation
                self.held.clear()
                was_silent = False
            case "conversation.item.create" if event["item"].get("role") == "assistant":
                self.held.add(event["item"]["id"])
            case "conversation.item.delete":
                self.held.discard(event["item_id"])
        self.sent.append(event)
        if bool(self.held) == was_silent:
            return []
        kinds = ["text"] if self.held else ["audio"]
        change = {"type": "realtime", "output_modalities": kinds}
        return [json.dumps({"type": "session.update", "session": change})]

    def _from_server(self, event: dict[str, Any]) -> list[str | bytes]:
        match event["type"]:
            case "conversation.item.done" if event["item"].get("role") == "assistant":
                content = event["item"]["content"]
                if self.held and any(part["type"] == "output_text" for part in content):
                    self.held.add(event["item"]["id"])  # its own silent reply as well
            case "response.output_audio.delta":
                self._with_audio.add(event["response_id"])
            case "response.done" if event["response"].get("conversation_id"):
                if event["response"]["id"] in self._with_audio:
                    self.spoken += 1
                else:
                    self.silent += 1
        return []


@asynccontextmanager
async def silent_reply_proxy(upstream: str) -> AsyncIterator[SilentReplyProxy]:
    """Runs the proxy in front of `upstream`; the client connects to its `proxy.url`."""
    silent = SilentReplyProxy()
    async with fault_proxy(upstream, pass_on=silent.pass_on) as silent.proxy:
        yield silent
