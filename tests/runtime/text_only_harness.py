"""A server that falls into the known trap: as long as it holds words of the assistant that were
given back to it as text, it answers in text only.

The trap stands between a client and a real server, and changes nothing but the one setting: the
real server makes the silent replies itself, with all the events that such a reply has.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.runtime.proxy_harness import Direction, Proxy, between


@dataclass
class Trap:
    """`held`: items that keep it shut. `sent`: what the client said, in order. `silent` and
    `spoken`: how many replies came without and with sound.
    """

    held: set[str] = field(default_factory=set)
    sent: list[dict[str, Any]] = field(default_factory=list)
    silent: int = 0
    spoken: int = 0
    proxy: Proxy = field(init=False)
    _sounded: set[str] = field(default_factory=set)

    def pass_on(self, direction: Direction, frame: str | bytes) -> list[str | bytes]:
        """The frame itself, and behind it what shuts or opens the trap."""
        event = json.loads(frame)
        return [frame, *(self._up(event) if direction == "up" else self._down(event))]

    def created(self, role: str) -> list[str]:
        """Words of the items that the client created, by their role."""
        asked = [e["item"] for e in self.sent if e["type"] == "conversation.item.create"]
        return [
            part["text"] for item in asked if item.get("role") == role for part in item["content"]
        ]

    def _up(self, event: dict[str, Any]) -> list[str | bytes]:
        was_shut = bool(self.held)
        match event["type"]:
            case "session.update":  # a new conversation
                self.held.clear()
                was_shut = False
            case "conversation.item.create" if event["item"].get("role") == "assistant":
                self.held.add(event["item"]["id"])
            case "conversation.item.delete":
                self.held.discard(event["item_id"])
        self.sent.append(event)
        if bool(self.held) == was_shut:
            return []
        kinds = ["text"] if self.held else ["audio"]
        change = {"type": "realtime", "output_modalities": kinds}
        return [json.dumps({"type": "session.update", "session": change})]

    def _down(self, event: dict[str, Any]) -> list[str | bytes]:
        match event["type"]:
            case "conversation.item.done" if event["item"].get("role") == "assistant":
                content = event["item"]["content"]
                if self.held and any(part["type"] == "output_text" for part in content):
                    self.held.add(event["item"]["id"])  # its own silent reply, too
            case "response.output_audio.delta":
                self._sounded.add(event["response_id"])
            case "response.done" if event["response"].get("conversation_id"):
                if event["response"]["id"] in self._sounded:
                    self.spoken += 1
                else:
                    self.silent += 1
        return []


@asynccontextmanager
async def trapped(upstream: str) -> AsyncIterator[Trap]:
    """A trap before `upstream`; the `url` of its `proxy` is for the client."""
    trap = Trap()
    async with between(upstream, pass_on=trap.pass_on) as trap.proxy:
        yield trap
