"""Makes the words of a reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event

from tui_voice.server.contracts import ReplyRequest, ToolCall
from tui_voice.server.local.chat import ChatResponder
from tui_voice.server.local.smollm import SmolLM


class LocalResponder:
    """Implements `server.contracts.Responder`."""

    def __init__(self, model: Callable[[], SmolLM], chat: ChatResponder | None = None) -> None:
        self._model, self._chat = model, chat
        self.name = chat.name if chat is not None else SmolLM.built_in

    def reply(self, request: ReplyRequest, stop: Event) -> Iterator[str | ToolCall]:
        if self._chat is not None:
            yield from self._chat.reply(request, stop)
        else:
            yield from self._model().reply(request.turns, stop, request.max_tokens or 60)
