"""Makes the words of a reply: what can be known or computed first, a language model last."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from threading import Event

from tui_voice.errors import BackendError
from tui_voice.languages.plausibility import summary_fault
from tui_voice.server.interfaces import ContextTurn, ReplyRequest, ToolCall
from tui_voice.server.local.answering import answer
from tui_voice.server.local.chat import ChatResponder
from tui_voice.server.local.skills.figures import figures
from tui_voice.server.local.skills.lookup import Unknown
from tui_voice.server.local.skills.talk import Talk, read
from tui_voice.server.local.smollm import SmolLM
from tui_voice.server.local.spoken import spoken
from tui_voice.server.local.summary import summarise
from tui_voice.server.local.title import title
from tui_voice.server.local.tools import forced_call, recall, told, wanted_call

_SENTENCE = re.compile(r"[.!?…]+[\"'”’)]*\s+")
_CLAUSE = re.compile(r"\s*[^\n*_`#|\[]{12,}?,\s+")
_LONG_FIGURE = re.compile(r"\d{3,}")
_SAYS = re.compile(r"[a-zà-ÿ]\w*[\"'”’)]*[.!?…]")
"""The end of a sentence, not of a letter: the model likes to add "Best," and "P.S."."""
_CLAIMS = re.compile(
    r"\b(?:your|you're|you are|you were|you had|you have|you've|you said|you told)\b", re.I
)
"""The small model likes to know what nobody told it: "I hope you enjoy your vacation"."""
_MOST_SENTENCES = 2
_EXCHANGES = 3
"""So many of the last the small model may see, the present one included."""
_TOKENS = 60


class LocalResponder:
    """Implements `server.interfaces.Responder`; safe to call from several threads.

    With a `chat` model that the user runs, that one answers everything but what is demanded of
    tools it may not know; without, the built-in rules and at last the small `model`.
    """

    def __init__(self, model: Callable[[], SmolLM], chat: ChatResponder | None = None) -> None:
        self._model, self._chat = model, chat
        self.name = chat.name if chat is not None else SmolLM.built_in

    def reply(self, request: ReplyRequest, stop: Event) -> Iterator[str | ToolCall]:
        """Raises `BackendError` where the chat server or the model fails."""
        if request.metadata.purpose == "summary":
            yield from self._summary(request, stop)
            return
        if request.metadata.purpose == "title" and self._chat is None:
            # Without a prompt of its own, the last turn is the request itself.
            yield title(request.turns if request.prompt else request.turns[:-1])
            return
        talk = read(request.turns)
        call = forced_call(request, talk)
        if call is not None:
            yield call
        elif request.turns and request.turns[-1].role == "tool_output" and self._chat is None:
            yield told(_named(request), talk)
        else:
            yield from self._answer(request, talk, stop)

    def _answer(self, request: ReplyRequest, talk: Talk, stop: Event) -> Iterator[str | ToolCall]:
        call = wanted_call(request, talk) if self._chat is None else None
        if call is not None:
            yield call
            return
        found = answer(talk, sure_only=self._chat is not None) if talk.said else None
        if isinstance(found, str):
            yield found
            return
        if isinstance(found, Unknown):
            search = recall(request, found.query)
            if search is not None:
                yield search
                return
            if self._chat is None:
                yield "I can't find that in what I still have of our talk."
                return
        if self._chat is not None:
            yield from self._chat.reply(request, stop)
            return
        most = min(request.max_tokens or _TOKENS, _TOKENS)
        for words in tidy(self._model().reply(free_talk(request.turns), stop, most)):
            if stop.is_set():
                return  # what is left of the sentence is not wanted either
            yield words

    def _summary(self, request: ReplyRequest, stop: Event) -> Iterator[str]:
        """By the chat model where there is one; without, or if it fails or invents, the extract."""
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
        yield summarise(request)


def _plausible(text: str, request: ReplyRequest) -> bool:
    """Shorter than the talk, in the form that was asked for, no long figure in it that nobody
    said, and with no fault that `summary_fault` finds.
    """
    source = "\n".join(turn.text for turn in request.turns)
    said = set(_LONG_FIGURE.findall(figures(source))) | set(_LONG_FIGURE.findall(source))
    if request.metadata.layout == "json" and not _is_json(text):
        return False
    return (
        len(text) < len(source)
        and said.issuperset(_LONG_FIGURE.findall(text))
        and not summary_fault(text, source)
    )


def _is_json(text: str) -> bool:
    """One JSON object, in a fence or not."""
    try:
        return isinstance(json.loads(text.strip().removeprefix("```json").strip("` \n")), dict)
    except ValueError:
        return False


def free_talk(turns: Sequence[ContextTurn]) -> list[ContextTurn]:
    """The newest words, and of the last exchanges before them those that the model made.

    What the rules answered only leads the small model astray ("what do you think of Marseille?"
    after three noted facts: "I'm sorry to hear that"), and takes it time to read.
    """
    asked = [n for n, turn in enumerate(turns) if turn.role == "user"][-_EXCHANGES:]
    kept: list[ContextTurn] = []
    for start, end in pairwise([*asked, len(turns)]):
        if end == len(turns) or answer(read(turns[: start + 1])) is None:
            kept += turns[start:end]
    return kept


def tidy(pieces: Iterator[str]) -> Iterator[str]:
    """Plain spoken sentences as they become whole; at most two, no half one at the end.

    Of the first its first clause comes alone: it can be said while the rest is being made.
    """
    text, said, begun = "", 0, False
    for piece in pieces:
        text += piece
        clause = None if said or begun or _SENTENCE.search(text) else _CLAUSE.match(text)
        if clause is not None:
            yield spoken(clause[0]) + " "
            text, begun = text[clause.end() :], True
        while said < _MOST_SENTENCES and (end := _SENTENCE.search(text)) is not None:
            sentence, text = spoken(text[: end.end()]), text[end.end() :]
            if sentence and (not said or _follows(sentence)):
                yield sentence + " "
                said += 1
        if said >= _MOST_SENTENCES:
            return
    rest = spoken(text)
    whole = rest.endswith((".", "!", "?", "…", '"', "”"))
    if rest and (not said or (whole and _follows(rest))):
        yield rest if whole else rest.rstrip(" ,;:-") + "."


def _follows(sentence: str) -> bool:
    """Worth saying after another: it says something, and nothing of the user that they did not."""
    asks = sentence.endswith("?")
    return _SAYS.search(sentence) is not None and (asks or _CLAIMS.search(sentence) is None)


def _named(request: ReplyRequest) -> ContextTurn:
    output = request.turns[-1]
    named = (t.name for t in reversed(request.turns) if t.role == "tool_call")
    return replace(output, name=output.name or next(named, ""))
