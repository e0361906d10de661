"""The writers of summaries and titles: the running session, or a text model over HTTP."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.estimates import REQUEST_TOKENS
from tui_voice.conversation.memory import memory_data
from tui_voice.errors import TuiVoiceError
from tui_voice.network import async_http_client, http_failure
from tui_voice.protocol.messages import OutOfBandRequest, OutOfBandResponse
from tui_voice.realtime.wire.contract import ResponseMetadata
from tui_voice.runtime.prompts import filled
from tui_voice.runtime.summary_validation import source_tokens

MIN_SUMMARY_TOKENS, MAX_SUMMARY_TOKENS = 150, 1000
"""Tokens: bounds of the longest answer of the user's own chat server. Between the bounds it is
half the source."""
OPENAI_HTTP_URL = "https://api.openai.com/v1"
"""Where `summary.model` is asked, unless `OPENAI_BASE_URL` names another address."""

AskOutOfBand = Callable[[OutOfBandRequest], Awaitable[OutOfBandResponse]]
Price = Callable[[e.Usage], float | None]
"""USD of a response with this usage; None: the price is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingTask:
    """One attempt at a summary or a title."""

    source: x.RequestSummary
    """The turns to read."""
    prompt: str
    metadata: ResponseMetadata
    """Sent with an out-of-band request, so that the embedded server knows what is asked for."""
    schema: Mapping[str, Any] | None = None
    """JSON schema of the answer; None: free text."""
    has_places: bool = False
    """`prompt` is the user's own, with places for the turns and the summary before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a writer returned."""

    text: str
    source: str
    """The model that wrote it."""
    usage: e.Usage | None = None
    usd: float | None = None
    """None with a `usage`: it cost something, and the price is not known."""


class WritingFailed(TuiVoiceError):  # noqa: N818  # "Failed" already says that it is an error
    """No text could be had, though something was paid: `written` says how much."""

    def __init__(self, message: str, written: Written) -> None:
        super().__init__(message)
        self.written = written


class SummaryWriter(Protocol):
    """Writes a text for a task."""

    name: str

    async def write(self, task: WritingTask, ask: AskOutOfBand) -> Written:
        """Raises `TuiVoiceError` where no text could be had."""
        ...

    def unanswered(self, task: WritingTask) -> Written | None:
        """Returns what a request that was sent and given up probably costs (an estimate); None:
        nothing, or its usage comes later.
        """
        ...


class SessionWriter:
    """Writes with the running session, by an out-of-band response."""

    name = "session"

    def __init__(self, model: str, price: Price) -> None:
        self._model = model
        self._price = price

    async def write(self, task: WritingTask, ask: AskOutOfBand) -> Written:
        source = task.source
        memory = [("system", source.memory)] if source.memory else []
        response = await ask(
            OutOfBandRequest(
                key=source.compaction_id,
                turns=[*memory, *((turn.role, turn.text) for turn in source.turns)],
                prompt=filled(task.prompt) if task.has_places else task.prompt,
                metadata=replace(task.metadata, prompt_is_last_item=True).to_wire(),
            )
        )
        usd = self._price(response.usage) if response.usage else None
        written = Written(text=response.text, source=self._model, usage=response.usage, usd=usd)
        if response.status != "completed":
            reason = response.reason or f"the response was {response.status}"
            raise WritingFailed(reason, written)
        return written

    def unanswered(self, _task: WritingTask) -> Written | None:
        """Returns None: a late response brings its usage itself."""
        return None


class ModelWriter:
    """Writes with a text model behind any OpenAI-compatible address."""

    def __init__(
        self,
        model: str,
        api_key: str,
        base_url: str = "",
        price: Price = lambda _usage: None,
    ) -> None:
        """`model` "": the first that the server lists. `base_url` "": OpenAI.

        `price`: of a response by the model.
        """
        self.name = model or base_url
        self._model = model
        self._api_key = api_key
        self._base_url = base_url
        self._price = price

    async def write(self, task: WritingTask, _ask: AskOutOfBand) -> Written:
        half = source_tokens(task.source) // 2
        most = max(MIN_SUMMARY_TOKENS, min(MAX_SUMMARY_TOKENS, half))
        return await self.complete(_messages(task), task.schema, most)

    async def complete(
        self,
        messages: list[dict[str, str]],
        schema: Mapping[str, Any] | None,
        max_tokens: int = MAX_SUMMARY_TOKENS,
    ) -> Written:
        """Returns the model's answer. `max_tokens`: of an answer by the user's own server.

        Raises `TuiVoiceError`.
        """
        from openai import AsyncOpenAI, OpenAIError  # takes 0.5 s to import

        body: dict[str, Any] = {"messages": messages}
        if (
            self._base_url
        ):  # the model may be small, so it needs a limit and must not choose words at random
            body |= {"temperature": 0, "max_tokens": max_tokens}
        if schema is not None:
            form = {"name": "answer", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        base_url = self._base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_HTTP_URL
        try:
            async with AsyncOpenAI(
                api_key=self._api_key or "none",
                base_url=base_url,
                max_retries=0,
                http_client=async_http_client(base_url),
            ) as client:
                model = self._model or (await client.models.list()).data[0].id
                answer = await client.chat.completions.create(model=model, **body)
        except (OpenAIError, IndexError, ValueError) as error:
            raise TuiVoiceError(_message_of(error, base_url)) from None
        usage = None
        if answer.usage is not None:
            details = answer.usage.prompt_tokens_details
            usage = e.Usage(
                input_text=answer.usage.prompt_tokens,
                cached_text=(details.cached_tokens or 0) if details else 0,
                output_text=answer.usage.completion_tokens,
            )
        text = (answer.choices[0].message.content or "") if answer.choices else ""
        usd = self._price(usage) if usage else None
        return Written(text=text, source=model, usage=usage, usd=usd)

    def unanswered(self, task: WritingTask) -> Written | None:
        """Returns the estimated tokens of the request at their price."""
        usage = e.Usage(input_text=source_tokens(task.source) + REQUEST_TOKENS)
        return Written(text="", source=self.name, usage=usage, usd=self._price(usage))


def _messages(task: WritingTask) -> list[dict[str, str]]:
    """Returns the earlier summary, the turns and the prompt as chat messages.

    Where JSON is asked for, the summary is given as JSON, too. An own prompt holds all of it.
    """
    if task.has_places:
        return [{"role": "user", "content": filled(task.prompt, task.source)}]
    memory = task.source.memory
    if memory and task.schema is not None:
        memory = memory_data(memory)
    messages = [{"role": "system", "content": memory}] if memory else []
    for turn in task.source.turns:
        role = turn.role if turn.role in ("user", "assistant") else "system"
        messages.append({"role": role, "content": turn.text})
    return [*messages, {"role": "user", "content": task.prompt}]


def _message_of(error: Exception, base_url: str) -> str:
    """Returns the server's own sentence where the error has one."""
    body = getattr(error, "body", None)
    message = body.get("message") if isinstance(body, dict) else None
    return str(message or http_failure(base_url, error))
