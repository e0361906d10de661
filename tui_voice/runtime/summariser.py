"""Who writes a summary, and whether it may be believed. Never in the way of the talk.

Writers are asked in turn until one gives a summary that holds: the talk's own session (out of
band), or a text model behind an OpenAI-compatible address.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.errors import TuiVoiceError
from tui_voice.realtime.replies import OutOfBandResponse
from tui_voice.realtime.wire.contract import ResponseMetadata
from tui_voice.runtime.prompts import TITLE_PROMPT, Style, prompt_for
from tui_voice.runtime.summary_validation import bared, problem_of, shortfall_of

RETRY_AFTER_S = 1.0
INSIST = "insist"
"""Option of a second attempt: what was asked for is to be asked for more plainly."""
LONGEST_TITLE = 60
"""Characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfBandRequest:
    """A text that the model of the running session writes beside the conversation.

    It reads `turns` (role, text) and then `prompt`; `metadata` says what the text is for.
    """

    key: str
    turns: Sequence[tuple[str, str]]
    prompt: str
    metadata: ResponseMetadata = field(default_factory=ResponseMetadata)


AskOutOfBand = Callable[[OutOfBandRequest], Awaitable[OutOfBandResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a writer gave. `usd` None: it cost something whose price is unknown."""

    text: str
    source: str
    usage: e.Usage | None = None
    usd: float | None = None
    writer: str = ""
    """The name of the `Writer`; put in by the `Summariser`."""


class Writer(Protocol):
    """One who can summarise. Raises `TuiVoiceError` where that fails."""

    name: str

    async def write(
        self, request: x.RequestSummary, prompt: str, options: dict[str, str], ask: AskOutOfBand
    ) -> Written: ...


class SessionWriter:
    """The running session itself, out of band; `price` as for its replies."""

    name = "session"

    def __init__(self, model: str, price: Callable[[e.Usage], float | None]) -> None:
        self._model = model
        self._price = price

    async def write(
        self, request: x.RequestSummary, prompt: str, options: dict[str, str], ask: AskOutOfBand
    ) -> Written:
        memory = [("system", request.memory)] if request.memory else []
        turns = [(turn.role, turn.text) for turn in request.turns]
        key = request.compaction_id
        metadata = ResponseMetadata(
            key=key,
            purpose="title" if options.get("purpose") == "title" else "summary",
            prompt_is_last_item=True,
            style=options.get("style", ""),
            language=options.get("language", ""),
            focus=options.get("focus", ""),
            timeout_s=float(options["seconds"]) if "seconds" in options else None,
            second_attempt=INSIST in options,
        )
        reply = await ask(
            OutOfBandRequest(key=key, turns=[*memory, *turns], prompt=prompt, metadata=metadata)
        )
        if reply.status != "completed":
            raise TuiVoiceError(reply.reason or f"the response was {reply.status}")
        usd = self._price(reply.usage) if reply.usage else None
        return Written(text=reply.text, source=self._model, usage=reply.usage, usd=usd)


class Summariser:
    """Asks its writers down the list; each has `timeout_s` and, `retry_after_s` later, one more
    try, which insists on what the first may have missed.
    """

    def __init__(
        self,
        writers: Sequence[Writer],
        style: Style | None = None,
        timeout_s: float = 20.0,
        retry_after_s: float = RETRY_AFTER_S,
    ) -> None:
        self._writers = writers
        self._style = style or Style()
        self._timeout_s = timeout_s
        self._retry_after_s = retry_after_s

    async def summarise(
        self, request: x.RequestSummary, ask: AskOutOfBand
    ) -> e.SummaryReady | e.SummaryFailed:
        """Always one of the two; never raises but for cancellation."""
        options = {"style": self._style.style, "language": self._style.language}
        options["seconds"] = f"{self._timeout_s:g}"  # so that who has two ways can take the other
        if request.focus:
            options["focus"] = request.focus[:500]
        began = time.monotonic()
        troubles: list[str] = []
        prompts = tuple(prompt_for(self._style, request.focus, again) for again in (False, True))
        errand = _Errand(request, prompts, options, problem_of, self._shortfall)
        written = await self._written(errand, ask, troubles)
        if written is None:
            return e.SummaryFailed(
                compaction_id=request.compaction_id,
                reason="; ".join(dict.fromkeys(troubles)) or "nobody is there to summarise",
                hint="Nothing was removed. Ctrl+S tries again.",
            )
        return e.SummaryReady(
            compaction_id=request.compaction_id,
            text=written.text,
            source=written.source,
            usage=written.usage,
            usd=written.usd,
            seconds=round(time.monotonic() - began, 2),
            shortfall=self._shortfall(written.text),
            passed_over=_passed_over(self._writers, written, troubles),
        )

    def _shortfall(self, text: str) -> str:
        return shortfall_of(text, self._style)

    async def entitle(
        self, turns: Sequence[x.SourceTurn], ask: AskOutOfBand
    ) -> e.SessionRenamed | None:
        """A title of a few words; None where nobody gives a good one. What it cost is told."""
        request = x.RequestSummary(
            compaction_id="title", turns=tuple(turns), memory="", focus="", window=0, cause="title"
        )
        options = {"purpose": "title"}
        errand = _Errand(request, (TITLE_PROMPT,) * 2, options, _no_title, lambda _text: "")
        written = await self._written(errand, ask, [])
        if written is None:
            return None
        return e.SessionRenamed(title=one_line(written.text), usd=written.usd)

    async def _written(
        self, errand: _Errand, ask: AskOutOfBand, troubles: list[str]
    ) -> Written | None:
        """The first text that holds; why others did not is added to `troubles`. One that falls
        short is asked for once more, and is taken if the second is no better.
        """
        paid: list[Written] = []
        for writer in self._writers:
            spare: Written | None = None
            for attempt in range(2):
                if attempt and spare is None:
                    await asyncio.sleep(self._retry_after_s)
                try:
                    written = await self._one(writer, errand, attempt, ask)
                except TuiVoiceError as error:
                    troubles.append(f"{writer.name}: {error}")
                    continue
                paid.append(written)
                trouble = errand.problem(written.text, errand.request)
                if trouble:
                    troubles.append(f"{writer.name}: {trouble}")
                elif errand.shortfall(written.text):
                    spare = spare or written
                else:
                    return _with_costs(written, paid)
            if spare is not None:
                return _with_costs(spare, paid)
        return None

    async def _one(
        self, writer: Writer, errand: _Errand, attempt: int, ask: AskOutOfBand
    ) -> Written:
        """What a writer gives, in time and without wrapping. Raises `TuiVoiceError`."""
        options = errand.options | ({INSIST: "yes"} if attempt else {})
        try:
            async with asyncio.timeout(self._timeout_s):
                written = await writer.write(errand.request, errand.prompts[attempt], options, ask)
        except TimeoutError:
            raise TuiVoiceError(f"no answer within {self._timeout_s:.0f} s") from None
        except TuiVoiceError:
            raise
        except Exception as error:
            raise TuiVoiceError(f"{type(error).__name__}: {error}") from error
        return replace(written, text=bared(written.text), writer=writer.name)


@dataclass(frozen=True, slots=True)
class _Errand:
    """What is to be written. `prompts`: for the first attempt and for the second."""

    request: x.RequestSummary
    prompts: tuple[str, ...]
    options: dict[str, str]
    problem: Callable[[str, x.RequestSummary], str]
    shortfall: Callable[[str], str]


def _passed_over(writers: Sequence[Writer], written: Written, troubles: Sequence[str]) -> str:
    """Why the first writer did not write it; "" where it did."""
    first = f"{writers[0].name}: "
    return (
        "; ".join(dict.fromkeys(one for one in troubles if one.startswith(first)))
        if written.writer != writers[0].name
        else ""
    )


def _with_costs(chosen: Written, paid: Sequence[Written]) -> Written:
    """What was written in vain was paid for, too."""
    if len(paid) == 1:
        return chosen
    prices = [one.usd for one in paid if one.usd is not None or one.usage is not None]
    known = [price for price in prices if price is not None]
    usd = sum(known) if known and len(known) == len(prices) else None
    return replace(chosen, usd=usd)


def one_line(title: str) -> str:
    """A title without what models put around it."""
    return " ".join(title.split()).strip(" \"'“”«»*#.")


def _no_title(text: str, _request: x.RequestSummary) -> str:
    length = len(one_line(text))
    return "" if 0 < length <= LONGEST_TITLE else "the title was empty or too long"
