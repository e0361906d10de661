"""A text model that writes summaries, behind any OpenAI-compatible address."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.errors import TuiVoiceError
from tui_voice.runtime.summariser import AskAside, Written

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam


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
        self, request: x.RequestSummary, prompt: str, _options: dict[str, str], _ask: AskAside
    ) -> Written:
        from openai import AsyncOpenAI, OpenAIError  # half a second: only when needed

        messages: list[ChatCompletionMessageParam] = []
        if request.memory:
            messages.append({"role": "system", "content": request.memory})
        for turn in request.turns:
            if turn.role == "user":
                messages.append({"role": "user", "content": turn.text})
            elif turn.role == "assistant":
                messages.append({"role": "assistant", "content": turn.text})
            else:
                messages.append({"role": "system", "content": turn.text})
        messages.append({"role": "user", "content": prompt})
        try:
            async with AsyncOpenAI(
                api_key=self._api_key or "none", base_url=self._base_url or None, max_retries=0
            ) as client:
                model = self._model or (await client.models.list()).data[0].id
                answer = await client.chat.completions.create(model=model, messages=messages)
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
        usd = self._price(usage) if usage else None
        return Written(text=text, source=model, usage=usage, usd=usd)


def _said(error: Exception) -> str:
    """The server's own sentence, where it gave one."""
    body = getattr(error, "body", None)
    told = body.get("message") if isinstance(body, dict) else None
    return str(told or error or type(error).__name__)
