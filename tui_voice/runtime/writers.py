"""A text model that writes summaries, behind any OpenAI-compatible address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.turns import estimate_text_tokens
from tui_voice.errors import TuiVoiceError
from tui_voice.languages.sense import own_words
from tui_voice.runtime.prompts import SCHEMA, Style, shown
from tui_voice.runtime.summariser import INSIST, AskOutOfBand, Written

SHORT, LONG = 150, 1000
"""Tokens that a summary by a server of the user's may have: half as many as its source, within."""


class ModelWriter:
    """`price`: USD of a usage by this model, None where unknown. `base_url` "": OpenAI itself."""

    def __init__(
        self,
        model: str,
        api_key: str,
        base_url: str = "",
        price: Callable[[e.Usage], float | None] = lambda _usage: None,
    ) -> None:
        self.name = model or base_url
        self._model = model
        self._api_key = api_key
        self._base_url = base_url
        self._price = price

    async def write(
        self, request: x.RequestSummary, prompt: str, options: dict[str, str], _ask: AskOutOfBand
    ) -> Written:
        from openai import AsyncOpenAI, OpenAIError  # half a second: only when needed

        body = self._own(request, options) if self._base_url else {}
        if options.get("style") == "json" and INSIST not in options:
            # Some servers do not know it: the second attempt goes without.
            form = {"name": "summary", "strict": True, "schema": SCHEMA}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        try:
            async with AsyncOpenAI(
                api_key=self._api_key or "none", base_url=self._base_url or None, max_retries=0
            ) as client:
                model = self._model or (await client.models.list()).data[0].id
                answer = await client.chat.completions.create(
                    model=model, **({"messages": _messages(request, prompt)} | body)
                )
        except (OpenAIError, IndexError, ValueError) as error:
            raise TuiVoiceError(_said(error)) from None
        usage = None
        if answer.usage is not None:
            details = answer.usage.prompt_tokens_details
            usage = e.Usage(
                input_text=answer.usage.prompt_tokens,
                cached_text=(details.cached_tokens or 0) if details else 0,
                output_text=answer.usage.completion_tokens,
            )
        text = (answer.choices[0].message.content or "") if answer.choices else ""
        if "messages" in body:
            text = own_words(text)
        usd = self._price(usage) if usage else None
        return Written(text=text, source=model, usage=usage, usd=usd)

    def _own(self, request: x.RequestSummary, options: dict[str, str]) -> dict[str, Any]:
        """For a server of the user's: models there may be small. They get an end, no chance, and
        where they missed what was wanted an example to follow.
        """
        words = estimate_text_tokens(request.memory) + sum(
            estimate_text_tokens(turn.text) for turn in request.turns
        )
        most = max(SHORT, min(LONG, words // 2))
        body: dict[str, Any] = {"temperature": 0, "max_tokens": most}
        if INSIST not in options:
            return body
        style = Style(style=options.get("style", ""), language=options.get("language", ""))
        # The user's side alone: what the other said back only leads a small model astray.
        told = [f"user: {turn.text}" for turn in request.turns if turn.role == "user"]
        talk = "\n".join([request.memory, *told] if request.memory else told)
        if (example := shown(style, options.get("focus", ""), talk)) is not None:
            body["messages"] = [{"role": role, "content": text} for role, text in example]
            body["frequency_penalty"] = 0.3  # or they say the example over and over
        return body


def _messages(request: x.RequestSummary, prompt: str) -> list[dict[str, str]]:
    """The memory, the turns as they were said, the request behind them."""
    said = [{"role": "system", "content": request.memory}] if request.memory else []
    for turn in request.turns:
        role = turn.role if turn.role in ("user", "assistant") else "system"
        said.append({"role": role, "content": turn.text})
    return [*said, {"role": "user", "content": prompt}]


def _said(error: Exception) -> str:
    """The server's own sentence, where it gave one."""
    body = getattr(error, "body", None)
    told = body.get("message") if isinstance(body, dict) else None
    return str(told or error or type(error).__name__)
