"""Who writes a summary, and whether it may be believed. Never in the way of the talk.

Writers are asked in turn until one gives a summary that holds: the talk's own session (out of
band), or a text model behind an OpenAI-compatible address.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.turns import estimate_text_tokens
from tui_voice.errors import TuiVoiceError
from tui_voice.realtime.replies import SideReply

RETRY_AFTER_S = 1.0
ALLOWANCE = 40
"""Tokens by which a summary of very little may be longer than what it stands for."""

LONGEST_TITLE = 60
"""Characters."""
TITLE_PROMPT = (
    "Give the conversation above a title of at most six words, in the language that is spoken. "
    "Answer with the title alone, without quotation marks."
)

_STYLES = {
    "structured": (
        "Use these headings, leaving out those with nothing under them: People and facts; "
        "Preferences; Decisions; Open questions; Tone. Short phrases, no full sentences needed."
    ),
    "paragraph": "Write one plain paragraph.",
    "bullets": "Write short bullet points.",
    "json": (
        "Write one JSON object with the keys people_and_facts, preferences, decisions, "
        "open_questions (each an array of strings) and tone (a string), and nothing around it."
    ),
    "minutes": "Write minutes: decisions, open questions, and to-dos with who does them.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How summaries are to read. `language`: `same` as the talk, or any by name."""

    style: str = "structured"
    language: str = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """An out-of-band question to the running session: `turns` to read, then `prompt`."""

    key: str
    turns: Sequence[tuple[str, str]]
    prompt: str
    metadata: dict[str, str] = field(default_factory=dict)


AskAside = Callable[[Aside], Awaitable[SideReply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a writer gave. `usd` None: it cost something whose price is unknown."""

    text: str
    source: str
    usage: e.Usage | None = None
    usd: float | None = None


class Writer(Protocol):
    """One who can summarise. Raises `TuiVoiceError` where that fails."""

    name: str

    async def write(
        self, request: x.RequestSummary, prompt: str, options: dict[str, str], ask: AskAside
    ) -> Written: ...


def prompt_for(style: Style, focus: str) -> str:
    """The request, put behind the turns, so that what a cache holds of them can be used."""
    language = (
        "Write in the language that was spoken."
        if style.language in ("", "same")
        else f"Write in {style.language}."
    )
    wish = f" Above all keep: {focus}." if focus else ""
    return (
        "Summarise the conversation above as a memory for yourself. If it begins with an earlier "
        "summary, update that one: keep what still holds, correct what changed, add what is new. "
        "Keep names, numbers, dates, wishes and decisions exactly as said; invent nothing. Mark "
        f"nobody's words as your own.{wish} {_STYLES[style.style]} {language}"
    )


def problem_of(text: str, request: x.RequestSummary) -> str:
    """Why a summary cannot stand for its turns; "" where it can."""
    if not text.strip():
        return "the summary was empty"
    source = estimate_text_tokens(request.memory) + sum(
        estimate_text_tokens(turn.text) for turn in request.turns
    )
    length = estimate_text_tokens(text)
    if length > source + ALLOWANCE:
        return f"the summary ({length} tokens) was longer than what it summarised ({source})"
    return ""


class SessionWriter:
    """The running session itself, out of band; `price` as for its replies."""

    name = "session"

    def __init__(self, model: str, price: Callable[[e.Usage], float | None]) -> None:
        self._model = model
        self._price = price

    async def write(
        self, request: x.RequestSummary, prompt: str, options: dict[str, str], ask: AskAside
    ) -> Written:
        memory = [("system", request.memory)] if request.memory else []
        turns = [(turn.role, turn.text) for turn in request.turns]
        metadata = {"purpose": "summary", **options}
        key = request.compaction_id
        reply = await ask(Aside(key=key, turns=[*memory, *turns], prompt=prompt, metadata=metadata))
        if reply.status != "completed":
            raise TuiVoiceError(reply.reason or f"the response was {reply.status}")
        usd = self._price(reply.usage) if reply.usage else None
        return Written(text=reply.text, source=self._model, usage=reply.usage, usd=usd)


class Summariser:
    """Asks its writers down the list; each has `timeout_s` and, `retry_after_s` later, one more
    try.
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
        self, request: x.RequestSummary, ask: AskAside
    ) -> e.SummaryReady | e.SummaryFailed:
        """Always one of the two; never raises but for cancellation."""
        prompt = prompt_for(self._style, request.focus)
        options = {"style": self._style.style, "language": self._style.language}
        if request.focus:
            options["focus"] = request.focus[:500]
        began = time.monotonic()
        troubles: list[str] = []
        written = await self._written(request, prompt, options, ask, problem_of, troubles)
        if written is None:
            return e.SummaryFailed(
                compaction_id=request.compaction_id,
                reason="; ".join(dict.fromkeys(troubles)) or "nobody is there to summarise",
                hint="Nothing was removed. Ctrl+S tries again.",
            )
        return e.SummaryReady(
            compaction_id=request.compaction_id,
            text=written.text.strip(),
            source=written.source,
            usage=written.usage,
            usd=written.usd,
            seconds=round(time.monotonic() - began, 2),
        )

    async def entitle(self, turns: Sequence[x.SourceTurn], ask: AskAside) -> e.TalkRenamed | None:
        """A title of a few words; None where nobody gives a good one. What it cost is told."""
        request = x.RequestSummary(
            compaction_id="title", turns=tuple(turns), memory="", focus="", window=0, cause="title"
        )
        options = {"purpose": "title"}
        written = await self._written(request, TITLE_PROMPT, options, ask, _no_title, [])
        if written is None:
            return None
        return e.TalkRenamed(title=one_line(written.text), usd=written.usd)

    async def _written(
        self,
        request: x.RequestSummary,
        prompt: str,
        options: dict[str, str],
        ask: AskAside,
        problem: Callable[[str, x.RequestSummary], str],
        troubles: list[str],
    ) -> Written | None:
        """The first text that holds; why others did not is added to `troubles`."""
        for writer in self._writers:
            for attempt in range(2):
                if attempt:
                    await asyncio.sleep(self._retry_after_s)
                try:
                    async with asyncio.timeout(self._timeout_s):
                        written = await writer.write(request, prompt, options, ask)
                except TimeoutError:
                    troubles.append(f"{writer.name}: no answer within {self._timeout_s:.0f} s")
                    continue
                except TuiVoiceError as error:
                    troubles.append(f"{writer.name}: {error}")
                    continue
                except Exception as error:  # noqa: BLE001  (other people's code; told, not hidden)
                    troubles.append(f"{writer.name}: {type(error).__name__}: {error}")
                    continue
                trouble = problem(written.text, request)
                if not trouble:
                    return written
                troubles.append(f"{writer.name}: {trouble}")
        return None


def one_line(title: str) -> str:
    """A title without what models put around it."""
    return " ".join(title.split()).strip(" \"'“”«»*#.")


def _no_title(text: str, _request: x.RequestSummary) -> str:
    length = len(one_line(text))
    return "" if 0 < length <= LONGEST_TITLE else "the title was empty or too long"
