"""Replies by a chat server that the user runs: any with OpenAI's chat completions API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

from tui_voice.errors import BackendError
from tui_voice.network import http_client, http_failure
from tui_voice.server.interfaces import ReplyRequest, ToolCall
from tui_voice.server.local.chat_filters import ReasoningFilter, until_repetition
from tui_voice.server.local.chat_requests import chat_body
from tui_voice.server.local.pump import pumped

_REPLY_TIMEOUT_S = 60.0
_SUMMARY_SHARE = 0.8
"""Share of the client's waiting time that a summary may take; the rest is for the one that is made
without the chat server where this one fails."""


class ChatResponder:
    """Implements `server.interfaces.Responder`; safe to call from several threads."""

    def __init__(
        self,
        base_url: str,
        model: str | None = None,
        api_key: str | None = None,
        timeout_s: float = _REPLY_TIMEOUT_S,
    ) -> None:
        """`base_url` ends in `/v1`. `model`: None takes the server's first. `timeout_s`: for one
        whole reply.
        """
        from openai import OpenAI

        self.base_url, self._model, self._timeout_s = base_url, model, timeout_s
        self._client = OpenAI(
            base_url=base_url,
            api_key=api_key or "none",
            timeout=timeout_s,
            max_retries=0,
            http_client=http_client(base_url),
        )

    @property
    def name(self) -> str:
        return f"{self._model or 'chat model'} at {_address(self.base_url)}"

    def reply(self, request: ReplyRequest, stop: Event) -> Iterator[str | ToolCall]:
        """Raises `BackendError` where the server is down, refuses or takes too long."""
        body = chat_body(request, self._model_name())

        def source(emit: Callable[[str | ToolCall], bool]) -> None:
            self._stream(body, emit, stop)

        if request.metadata.purpose == "summary":
            yield from pumped(source, stop, self._summary_timeout(request), self.name, whole=True)
        else:
            yield from until_repetition(pumped(source, stop, self._timeout_s, self.name))

    def _summary_timeout(self, request: ReplyRequest) -> float:
        """Returns the seconds that the server may take for a summary."""
        client_waits = request.metadata.timeout_s
        if client_waits is None:
            return self._timeout_s
        return min(self._timeout_s, max(1.0, client_waits * _SUMMARY_SHARE))

    def _stream(
        self, body: dict[str, Any], emit: Callable[[str | ToolCall], bool], stop: Event
    ) -> None:
        """Emits the words of a reply as they come, and its function calls at the end."""
        from openai import OpenAIError

        calls: dict[int, list[str]] = {}
        reasoning = ReasoningFilter()
        try:
            with self._client.chat.completions.create(**body) as stream:
                for chunk in stream:
                    if stop.is_set():
                        return
                    for choice in chunk.choices:
                        for part in choice.delta.tool_calls or ():
                            call = calls.setdefault(part.index, ["", ""])
                            if part.function is not None:
                                call[0] += part.function.name or ""
                                call[1] += part.function.arguments or ""
                        words = reasoning.feed(choice.delta.content or "")
                        if words and not emit(words):
                            return
        except OpenAIError as error:
            raise BackendError(
                f"The chat server at {_address(self.base_url)} failed: "
                f"{http_failure(self.base_url, error)}",
                "Is it running, and does it have the model? Leave --llm-url out for the built-in.",
            ) from error
        if rest := reasoning.flush():
            emit(rest)
        for name, arguments in calls.values():
            emit(ToolCall(name, arguments or "{}"))

    def _model_name(self) -> str:
        """Returns the name of the model; asks the server for its first one where none is known."""
        if self._model is None:
            from openai import OpenAIError

            try:
                self._model = next(iter(self._client.models.list())).id
            except StopIteration:
                raise BackendError(
                    f"The chat server at {_address(self.base_url)} has no model.",
                    "Load one there, or leave --llm-url out for the built-in.",
                ) from None
            except OpenAIError as error:
                reason = http_failure(self.base_url, error).rstrip(".")
                raise BackendError(
                    f"The chat server at {_address(self.base_url)} names no model: {reason}.",
                    "Name one with --llm-model.",
                ) from error
        return self._model


def _address(url: str) -> str:
    return url.split("//", 1)[-1].removesuffix("/v1").rstrip("/")
