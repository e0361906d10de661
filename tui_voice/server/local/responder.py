"""Makes the words of a reply: decides who answers a request, and passes on what that one says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from threading import Event

from tui_voice.errors import BackendError
from tui_voice.languages.plausibility import summary_fault
from tui_voice.server.interfaces import ReplyRequest, Responder, ToolCall
from tui_voice.server.local.clock import clock_answer
from tui_voice.server.local.distress import distress_answer
from tui_voice.server.local.function_calls import forced_call, spoken_output
from tui_voice.server.local.quotes import quote_for
from tui_voice.server.local.smollm import SmolLM
from tui_voice.server.local.summary import summarise
from tui_voice.server.local.tidy import tidy
from tui_voice.server.local.title import title

_LONG_FIGURE = re.compile(r"\d{3,}")
_NOTHING_TO_SAY = "I don't know what to say to that."
_NO_WORDS = "I heard no words. Are you still there?"
_MOST_TOKENS = 60
"""Tokens of one reply by the built-in model."""


class LocalResponder:
    """Implements `server.interfaces.Responder`; safe to call from several threads.

    A chat server that the user runs (`chat`) answers everything but the time. Without one:

    1. A summary and a title are made of the user's own sentences.
    2. A turn about suicide, self-harm or an overdose gets a fixed answer.
    3. A function that the client demands is called; what a function returned is read out.
    4. The time and the date come from the clock.
    5. A turn without words, such as noise or silence, gets a question.
    6. A question about the session is answered by quoting the user.
    7. The small chat model (`model`, loaded at its first use) says the rest.
    """

    def __init__(
        self,
        model: Callable[[], SmolLM],
        chat: Responder | None = None,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._model, self._chat, self._now = model, chat, now
        self.name = chat.name if chat is not None else SmolLM.built_in

    def reply(self, request: ReplyRequest, stop: Event) -> Iterator[str | ToolCall]:
        """Raises `BackendError` where the chat server or the model fails."""
        if request.metadata.purpose == "summary":
            yield from self._summary(request, stop)
        elif request.metadata.purpose == "title" and self._chat is None:
            yield title(request.turns)
        elif self._chat is None and (fixed := _distress_answer(request)) is not None:
            yield fixed
        elif (call := self._forced_call(request)) is not None:
            yield call
        elif (answer := self._known_answer(request)) is not None:
            yield answer
        elif self._chat is not None:
            yield from self._chat.reply(request, stop)
        else:
            yield from self._small_talk(request, stop)

    def _small_talk(self, request: ReplyRequest, stop: Event) -> Iterator[str]:
        """Yields what the small chat model says; a fixed sentence where it says nothing."""
        most = min(request.max_tokens or _MOST_TOKENS, _MOST_TOKENS)
        pieces = self._model().reply(request.turns, stop, most, request.instructions)
        said_something = False
        for words in tidy(pieces):
            if stop.is_set():
                return
            said_something = True
            yield words
        if not (said_something or stop.is_set()):
            yield _NOTHING_TO_SAY

    def _forced_call(self, request: ReplyRequest) -> ToolCall | None:
        """Returns the call that the client demands, unless its last one has just been answered: a
        client that demands calls for the whole session would get nothing else.
        """
        if self._chat is not None or (request.turns and request.turns[-1].role == "tool_output"):
            return None
        return forced_call(request)

    def _known_answer(self, request: ReplyRequest) -> str | None:
        """Returns an answer for which no model is needed."""
        last = request.turns[-1] if request.turns else None
        if last is None:
            return None
        if last.role == "user" and (time := clock_answer(last.text, self._now())) is not None:
            return time
        if self._chat is not None:
            return None
        if last.role == "user" and not last.text.strip():
            return _NO_WORDS
        if last.role == "tool_output":
            return spoken_output(last)
        return quote_for(request.turns)

    def _summary(self, request: ReplyRequest, stop: Event) -> Iterator[str]:
        """Yields the chat server's summary; where it fails or invents something, or where there
        is no chat server, the user's own sentences.
        """
        if self._chat is not None:
            try:
                pieces = [p for p in self._chat.reply(request, stop) if isinstance(p, str)]
            except BackendError:
                pieces = []
            if stop.is_set():
                return
            text = "".join(pieces).strip()
            if text and _plausible(text, request):
                yield text
                return
        yield summarise(
            request.turns,
            layout=request.metadata.layout,
            language=request.metadata.language,
            focus=request.metadata.focus,
            max_tokens=request.max_tokens,
        )


def _distress_answer(request: ReplyRequest) -> str | None:
    """Returns the fixed answer where the last turn, the user's, is about suicide or an overdose."""
    last = request.turns[-1] if request.turns else None
    return distress_answer(last.text) if last is not None and last.role == "user" else None


def _plausible(text: str, request: ReplyRequest) -> bool:
    """Returns whether `text` may be a summary: shorter than the turns, in the form that was asked
    for, making sense, and without a figure that nobody said.

    Figures are compared only where the turns have some: `four hundred` may well become `400`.
    """
    source = "\n".join(turn.text for turn in request.turns)
    figures = set(_LONG_FIGURE.findall(source))
    if request.metadata.layout == "json" and not _is_json(text):
        return False
    return (
        len(text) < len(source)
        and (not figures or figures.issuperset(_LONG_FIGURE.findall(text)))
        and not summary_fault(text, source)
    )


def _is_json(text: str) -> bool:
    """Returns whether `text` is one JSON object, in a code fence or not."""
    try:
        return isinstance(json.loads(text.strip().removeprefix("```json").strip("` \n")), dict)
    except ValueError:
        return False
