"""A chat model of the user's own, a GGUF file, run by llama.cpp in this process.

llama.cpp offers it as a chat server on a loopback port, with a key that only this process knows. So
it follows instructions and calls functions as any chat server does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Lock

from tui_voice.errors import BackendError, EnginesMissing
from tui_voice.server.interfaces import ReplyRequest, ToolCall
from tui_voice.server.local.chat import ChatResponder
from tui_voice.server.local.llama_cpp import LlamaServer, start

_CONTEXT_TOKENS = 8192
_NO_REASONING = {"chat_template_kwargs": {"enable_thinking": False}}
"""Models that can think first would be silent for half a minute."""


class GgufChat:
    """Implements `server.interfaces.Responder`; the model is loaded at the first use."""

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path, self.name = path, name or path.stem
        self._lock = Lock()
        self._server: LlamaServer | None = None
        self._chat: ChatResponder | None = None

    def reply(self, request: ReplyRequest, stop: Event) -> Iterator[str | ToolCall]:
        """Raises `EnginesMissing` or `BackendError` where the model cannot be loaded or fails."""
        yield from self.load().reply(request, stop)

    def load(self) -> ChatResponder:
        """Loads the model, once; returns the client of its server."""
        with self._lock:
            if self._chat is None:
                self._chat = self._start()
            return self._chat

    def _start(self) -> ChatResponder:
        if not self.path.is_file():
            raise EnginesMissing(
                f"There is no model file at {self.path}.",
                "Name an existing file, or leave the option out to use the built-in model.",
            )
        try:
            server = self._server = start(self.path, _CONTEXT_TOKENS, alias=self.name)
        except RuntimeError as error:
            raise BackendError(
                f"The language model {self.path} cannot be loaded.",
                "Name a GGUF chat model; `tui-voice models remove NAME` deletes a fetched one.",
            ) from error
        url, options = f"{server.url}/v1", _NO_REASONING
        return ChatResponder(url, self.name, server.key, options=options, name=self.name)
