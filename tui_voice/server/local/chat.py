"""A better partner the user already runs: any OpenAI-compatible chat server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from threading import Event
from typing import Any

from tui_voice.errors import BackendError
from tui_voice.languages import find_language, is_spoken_language
from tui_voice.server.interfaces import ReplyRequest, ToolCall
from tui_voice.server.local.pump import pumped

_PLACES = ("127.0.0.1:11434", "127.0.0.1:1234")
"""Where Ollama and LM Studio listen unless told otherwise."""
_PROBE_SECONDS = 0.07
_NO_CHAT = re.compile(r"embed|whisper|tts|rerank|clip|bge|minilm", re.I)
_ASKED = re.compile(r"Summarise the conversation above as a memory for yourself\.")
_LONGEST = 1500
"""Tokens of a reply where nobody set a limit: some eight minutes of speech, thoughts included."""
_SAID_ENOUGH = 3
"""So many times in a row a sentence may stand: small models fall into saying it for ever."""
_SENTENCE = re.compile(r"[^.!?\n]*[.!?\n]+")
_SHARE = 0.8
"""Of the time that whoever asked for a summary waits; then the extract is made in its place."""
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)\s*", re.S)
_ANY_FORM = "short lines, each begun with its kind: People and facts, Preferences, Decisions."


@dataclass(frozen=True, slots=True)
class LocalChat:
    """A chat server found on loopback."""

    base_url: str
    model: str


def find_local_chat(
    model: str | None = None, places: Sequence[str] = _PLACES, seconds: float = _PROBE_SECONDS
) -> LocalChat | None:
    """The first of `places` (host:port) that answers `/v1/models`, within 150 ms for all.

    `model`: only a server that has it will do. Otherwise its first model that can chat is taken.
    `seconds`: for connecting, and again for the answer.
    """
    with ThreadPoolExecutor(len(places)) as pool:
        answers = list(pool.map(lambda place: _models(place, seconds), places))
    for place, names in zip(places, answers, strict=True):
        for name in names:
            if name == model or (model is None and not _NO_CHAT.search(name)):
                return LocalChat(f"http://{place}/v1", name)
    return None


def _models(place: str, seconds: float) -> list[str]:
    host, _, port = place.rpartition(":")
    connection = HTTPConnection(host, int(port), timeout=seconds)
    try:
        connection.request("GET", "/v1/models")
        answer = connection.getresponse()
        if answer.status != 200:
            return []
        listed = json.loads(answer.read(1_000_000))
        return [str(entry["id"]) for entry in listed["data"]]
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return []  # nobody there, or somebody who does not speak this protocol
    finally:
        connection.close()


class ChatResponder:
    """Implements `server.interfaces.Responder`; safe to call from several threads."""

    def __init__(
        self,
        base_url: str,
        model: str | None = None,
        api_key: str | None = None,
        seconds: float = 60.0,
    ) -> None:
        """`base_url` ends in `/v1`. Without `model`: the server's first. `seconds`: per reply."""
        from openai import OpenAI

        self.base_url, self._model, self._seconds = base_url, model, seconds
        self._client = OpenAI(
            base_url=base_url, api_key=api_key or "none", timeout=seconds, max_retries=0
        )

    @property
    def name(self) -> str:
        return f"{self._model or 'chat model'} at {_place(self.base_url)}"

    def reply(self, request: ReplyRequest, stop: Event) -> Iterator[str | ToolCall]:
        """Raises `BackendError` where the server is down, refuses or takes too long."""
        body = self._body(request)

        def source(emit: Callable[[str | ToolCall], bool]) -> None:
            self._stream(body, emit, stop)

        summary = request.metadata.purpose == "summary"
        seconds = _patience(request, self._seconds) if summary else self._seconds
        pieces = pumped(source, stop, seconds, self.name, whole=summary)
        yield from pieces if summary else _not_for_ever(pieces)

    def _stream(
        self, body: dict[str, Any], emit: Callable[[str | ToolCall], bool], stop: Event
    ) -> None:
        from openai import OpenAIError

        calls: dict[int, list[str]] = {}
        thoughts = Thoughts()
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
                        words = thoughts.feed(choice.delta.content or "")
                        if words and not emit(words):
                            return
        except OpenAIError as error:
            raise BackendError(
                f"The chat server at {_place(self.base_url)} failed: {_first_line(error)}",
                "Is it running, and does it have the model? Leave --llm-url out for the built-in.",
            ) from error
        if rest := thoughts.flush():
            emit(rest)
        for name, arguments in calls.values():
            emit(ToolCall(name, arguments or "{}"))

    def _body(self, request: ReplyRequest) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self._chosen(), "stream": True}
        if request.metadata.purpose == "summary":
            talk = sum(len(turn.text) for turn in request.turns)
            # Some 4 characters make a token: a summary as long as half of the talk has failed.
            most = request.max_tokens or min(1000, max(150, talk // 8))
            body |= {"temperature": 0, "max_tokens": most}
            return body | {"messages": _summary_messages(request)}
        body["messages"] = _messages(request)
        if request.prompt:
            body["messages"].append({"role": "user", "content": request.prompt})
        body["max_tokens"] = request.max_tokens or _LONGEST
        if request.tools and request.tool_choice != "none":
            keys = ("name", "description", "parameters")
            body["tools"] = [
                {"type": "function", "function": {k: tool[k] for k in keys if k in tool}}
                for tool in request.tools
            ]
            body["tool_choice"] = (
                request.tool_choice
                if request.tool_choice in ("auto", "required")
                else {"type": "function", "function": {"name": request.tool_choice}}
            )
        return body

    def _chosen(self) -> str:
        if self._model is None:
            from openai import OpenAIError

            try:
                self._model = next(iter(self._client.models.list())).id
            except (OpenAIError, StopIteration) as error:
                raise BackendError(
                    f"The chat server at {_place(self.base_url)} names no model.",
                    "Name one with --llm-model.",
                ) from error
        return self._model


class Thoughts:
    """Leaves out what a reasoning model writes between <think> and </think>."""

    def __init__(self) -> None:
        self._text, self._begun = "", False

    def feed(self, words: str) -> str:
        if self._begun:
            return words
        self._text += words
        head = self._text.lstrip()
        if "<think>".startswith(head[:7]) and "</think>" not in head:
            return ""
        words = _THOUGHT.sub("", head).lstrip()
        self._begun, self._text = bool(words), ""
        return words

    def flush(self) -> str:
        """What was held back and turned out to be no thought."""
        return "" if self._text.lstrip().startswith("<think>") else self._text


def _not_for_ever(pieces: Iterator[str | ToolCall]) -> Iterator[str | ToolCall]:
    """Ends where the same sentence comes again and again."""
    text, last, times = "", "", 0
    for piece in pieces:
        yield piece
        if isinstance(piece, ToolCall):
            continue
        text += piece
        while (whole := _SENTENCE.match(text)) is not None:
            sentence, text = whole[0].strip().casefold(), text[whole.end() :]
            times = times + 1 if sentence == last else 1
            last = sentence or last
            if times >= _SAID_ENOUGH and len(last) > 3:
                return


def _patience(request: ReplyRequest, most: float) -> float:
    """Seconds for a summary: some are left of what the client waits, for another way."""
    timeout_s = request.metadata.timeout_s
    return most if timeout_s is None else min(most, max(1.0, timeout_s * _SHARE))


def _messages(request: ReplyRequest) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    if request.instructions:
        said.append({"role": "system", "content": request.instructions})
    for turn in request.turns:
        if turn.role == "tool_call":
            call = {"name": turn.name, "arguments": turn.text or "{}"}
            entry = {"id": turn.call_id, "type": "function", "function": call}
            said.append({"role": "assistant", "content": None, "tool_calls": [entry]})
        elif turn.role == "tool_output":
            said.append({"role": "tool", "tool_call_id": turn.call_id, "content": turn.text})
        elif turn.text:
            said.append({"role": turn.role, "content": turn.text})
    return said


def _summary_messages(request: ReplyRequest) -> list[dict[str, str]]:
    language = request.metadata.language or "same"
    in_language = "the language of the talk" if is_spoken_language(language) else language
    rules = [
        "Summarise the talk below for a model that will go on with it and sees nothing else of it.",
        "Keep every name, number, date, preference, decision and open question; invent nothing.",
        "An earlier summary is part of the talk: carry over what it says.",
        f"Form: {request.metadata.form or _ANY_FORM} Language: {in_language}.",
        "Be shorter than the talk.",
    ]
    if focus := request.metadata.focus:
        rules.append(f"Mind above all: {focus}.")
    if request.instructions:
        rules.append(request.instructions)
    if request.metadata.second_attempt and (known := find_language(language)) is not None:
        rules.append(f"Write every sentence in {known.name} ({known.own_name}).")
    return [
        {"role": "system", "content": "\n".join(rules)},
        {"role": "user", "content": _as_text(request)},
    ]


def _as_text(request: ReplyRequest) -> str:
    """Return the conversation, one line a turn, without the request for a summary at its end: the
    rules already say what is wanted.
    """
    turns = list(request.turns)
    if turns and turns[-1].role == "user" and _ASKED.match(turns[-1].text):
        turns.pop()
    return "\n".join(f"{turn.role}: {turn.text}" for turn in turns if turn.text)


def _place(url: str) -> str:
    return url.split("//", 1)[-1].removesuffix("/v1").rstrip("/")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no reason given"])[0][:200]
