"""Replies by a chat server that the user runs: any with OpenAI's chat completions API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from threading import Event
from typing import Any

from tui_voice.errors import BackendError
from tui_voice.network import http_client, http_failure
from tui_voice.server.interfaces import ReplyRequest, ToolCall
from tui_voice.server.local.chat_filters import (
    ReasoningFilter,
    until_repetition,
    without_code,
    without_controls,
)
from tui_voice.server.local.chat_requests import chat_body
from tui_voice.server.local.chat_stream import ChatStream, StreamError
from tui_voice.server.local.pump import pumped

_REPLY_TIMEOUT_S = 40.0
"""Without a word: less than the time after which the app gives a reply up."""
_SPARE_S = 5.0
"""After which the connection is given up, too, when nobody waits for the reply any more."""
_MOST_CHARACTERS = 20_000
"""Of one reply, with its reasoning: about 15 minutes of speech. A server that ignores the limit of
tokens would never end."""
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
        options: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> None:
        """`base_url` ends in `/v1`. `model`: None takes the server's first. `timeout_s`: how long
        the server may send nothing, and how long a whole summary may take. `options`: more fields
        of every request. `name`: None makes one of model and address.
        """
        from openai import OpenAI

        self.base_url, self._model, self._timeout_s = base_url, model, timeout_s
        self._options, self._name = dict(options or {}), name
        self._client = OpenAI(
            base_url=base_url,
            api_key=api_key or "none",
            timeout=timeout_s + _SPARE_S,
            max_retries=0,
            http_client=http_client(base_url),
        )

    @property
    def name(self) -> str:
        return self._name or f"{self._model or 'chat model'} at {_address(self.base_url)}"

    def reply(self, request: ReplyRequest, stop: Event) -> Iterator[str | ToolCall]:
        """Raises `BackendError` where the server is down, refuses, answers with something else than
        a chat, breaks off or takes too long.
        """
        is_summary = request.metadata.purpose == "summary"
        reader_left = Event()

        def source(emit: Callable[[str | ToolCall], bool]) -> None:
            self._stream(request, emit, lambda: stop.is_set() or reader_left.is_set())

        seconds = self._summary_timeout(request) if is_summary else self._timeout_s
        pieces = pumped(source, stop, seconds, f"The chat server, {self.name},", whole=is_summary)
        try:
            if is_summary:
                yield from pieces
            else:
                filtered = without_controls(until_repetition(pieces))
                yield from without_code(filtered) if request.is_spoken else filtered
        finally:
            reader_left.set()

    def _summary_timeout(self, request: ReplyRequest) -> float:
        """Returns the seconds that the server may take for a summary."""
        client_waits = request.metadata.timeout_s
        if client_waits is None:
            return self._timeout_s
        return min(self._timeout_s, max(1.0, client_waits * _SUMMARY_SHARE))

    def _stream(
        self,
        request: ReplyRequest,
        emit: Callable[[str | ToolCall], bool],
        is_left: Callable[[], bool],
    ) -> None:
        """Emits the words of a reply as they come, and its function calls at the end.

        `is_left`: nobody waits for the reply any more. Raises `BackendError`.
        """
        reasoning = ReasoningFilter()
        characters = 0
        try:
            body = chat_body(request, self._model_name())
            create = self._client.chat.completions.with_streaming_response.create
            with create(**body, extra_body=self._options) as answer:
                stream = ChatStream(answer.iter_lines())
                for text in stream.words():
                    if is_left():
                        return
                    if words := reasoning.feed(text):
                        emit(words)
                    characters += len(text)
                    if characters > _MOST_CHARACTERS:
                        return
        except BackendError:
            raise
        except StreamError as error:
            raise self._failed(str(error)) from error
        except (
            ValueError,
            TypeError,
            AttributeError,
            LookupError,
        ) as error:  # JSON of another form
            raise self._failed("it answered with no chat") from error
        except Exception as error:  # those of openai, and of the HTTP library below it
            raise self._failed(http_failure(self.base_url, error)) from error
        if rest := reasoning.flush():
            emit(rest)
        calls = [call for call in stream.calls if call.name]
        for call in calls:
            emit(ToolCall(call.name, call.arguments or "{}"))
        if not (calls or reasoning.reply_begun or rest):
            raise self._failed("it answered nothing")

    def _failed(self, reason: str) -> BackendError:
        return BackendError(
            f"The chat server at {_address(self.base_url)} failed: {reason.rstrip('.')}.",
            "Is it running, and does it have the model? Leave --llm-url out for the built-in.",
        )

    def _model_name(self) -> str:
        """Returns the name of the model; asks the server for its first one where none is known."""
        if self._model is None:
            from openai import OpenAIError

            try:
                self._model = next(iter(self._client.models.list())).id
            except (StopIteration, AttributeError, TypeError):  # the last two: it sent no list
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
