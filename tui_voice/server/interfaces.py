"""The interfaces between the protocol server and its engines (speech detection, recognition,
language model, speech synthesis).

The server is given an `Engines` object by its caller and imports no engine. All calls may
block for seconds, so the server makes them in worker threads. One engine is shared by all
connections and must be safe to call from several threads; a `SpeechDetector` is the exception: it
holds the state of one audio stream, and each connection gets its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tui_voice.realtime.wire.contract import ResponseMetadata
from tui_voice.realtime.wire.items import LogProb

DETECTOR_RATE = 16_000
"""Samples per second that detectors and recognisers take."""
DETECTOR_CHUNK = 512
"""Samples (32 ms) in one call of a `SpeechDetector`."""
SPEECH_RATE = 24_000
"""Samples per second that a `Synthesiser` returns."""


class SpeechDetector(Protocol):
    """Voice activity detection for one audio stream."""

    def __call__(self, chunk: NDArray[np.int16]) -> float:
        """Returns the probability (0 to 1) that `chunk` contains speech.

        `chunk` has `DETECTOR_CHUNK` mono samples at `DETECTOR_RATE`.
        """
        ...

    def reset(self) -> None:
        """Forgets the audio so far: the next chunk starts a new stream."""
        ...


class Recogniser(Protocol):
    """Speech to text."""

    name: str

    def transcribe(self, samples: NDArray[np.float32]) -> str:
        """Returns the words in a recording, "" where there is no speech.

        `samples` are mono at `DETECTOR_RATE`, from -1 to 1, of any length.
        """
        ...


@runtime_checkable
class ScoringRecogniser(Recogniser, Protocol):
    """Speech to text that also says how sure it is."""

    def transcribe_scored(self, samples: NDArray[np.float32]) -> tuple[str, list[LogProb]]:
        """Returns the words as `transcribe`, and their tokens in order, each with the natural
        logarithm of its probability. The tokens together are the text, perhaps with a blank before
        it.
        """
        ...


class EndOfTurn(Protocol):
    """Judges by the sound of a turn whether its speaker has finished."""

    def __call__(self, samples: NDArray[np.float32]) -> bool:
        """Returns whether it is so. `samples`: as for a `Recogniser`, to a pause."""
        ...


class Synthesiser(Protocol):
    """Text to speech."""

    name: str

    def speak(self, text: str, voice: str, speed: float) -> NDArray[np.int16]:
        """Returns one clause or sentence as mono samples at `SPEECH_RATE`."""
        ...


@dataclass(frozen=True, slots=True)
class ContextTurn:
    """One conversation item as a language model reads it."""

    item_id: str
    role: str
    """`system`, `user`, `assistant`, `tool_call` or `tool_output`."""
    text: str
    """The words; for a `tool_call` its JSON arguments, for a `tool_output` its text."""
    name: str = ""
    """Function name of a `tool_call` or of the call that a `tool_output` answers."""
    call_id: str = ""
    """The same string in a `tool_call` and in its `tool_output`."""


class EndOfSentence(Protocol):
    """Judges by the words of a turn whether its speaker has finished."""

    def __call__(self, text: str, tokens: Sequence[LogProb], before: Sequence[ContextTurn]) -> bool:
        """Returns whether it is so. `text`, `tokens`: as a `ScoringRecogniser` returns them.
        `before`: the items before the turn, oldest first.

        Raises `tui_voice.errors.TuiVoiceError` where its model fails.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """Everything from which a `Responder` makes one response."""

    instructions: str
    turns: Sequence[ContextTurn]
    """The items to read, oldest first, without the `prompt`."""
    tools: Sequence[dict[str, Any]] = ()
    """Function tools as on the wire: `{type, name, description, parameters}`."""
    tool_choice: str = "auto"
    """`auto`, `none`, `required`, or the name of the one function that must be called."""
    max_tokens: int | None = None
    """Limit of the output; None for no limit."""
    metadata: ResponseMetadata = field(default_factory=ResponseMetadata)
    """What our own client says about the response: its purpose, summary style, language, focus."""
    prompt: str = ""
    """The client's request, for example "Summarise the session above."; "" where the client did
    not say (`metadata.prompt_is_last_item`) which of the items that is."""
    is_spoken: bool = False
    """The text will be spoken; otherwise it is only written."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the model wants the client to call."""

    name: str
    arguments: str
    """A JSON object as text."""


class Responder(Protocol):
    """The language model."""

    @property
    def name(self) -> str: ...

    def reply(self, request: ReplyRequest, stop: Event) -> Iterator[str | ToolCall]:
        """Yields pieces of text as they are generated, or tool calls.

        Returns soon after `stop` is set. Raises `tui_voice.errors.TuiVoiceError` where the model
        fails (for example: its server is down, or takes too long).
        """
        ...


class Engines(Protocol):
    """The engines of one server. Each is loaded once, at its first use."""

    @property
    def voices(self) -> Sequence[str]:
        """Realtime voice names that sound different; any other name gets the default voice. They
        are known without loading anything."""
        ...

    def describe(self) -> str:
        """Returns one line for the status bar, for example `moonshine · hibari · SmolLM2`."""
        ...

    def load(self) -> None:
        """Loads all engines now. The server calls it in a thread while it already accepts."""
        ...

    def detector(self) -> SpeechDetector:
        """Returns a new detector for one connection."""
        ...

    def recogniser(self) -> Recogniser: ...

    def end_of_turn(self) -> EndOfTurn | None:
        """Returns the judge of pauses by sound; None where its weights are not installed."""
        ...

    def end_of_sentence(self) -> EndOfSentence | None:
        """Returns the judge of pauses by words; None where there is none, or where the
        recogniser does not score them."""
        ...

    def responder(self) -> Responder: ...

    def read_ahead(self, turns: Sequence[ContextTurn]) -> None:
        """Lets the language model read the turns to which a reply will be wanted; the last one is
        the beginning of the user's. May do nothing. Raises `tui_voice.errors.TuiVoiceError` where
        the model fails.
        """
        ...

    def synthesiser(self) -> Synthesiser: ...

    def count_tokens(self, text: str) -> int:
        """Returns the number of tokens of `text` in the encoding o200k_base."""
        ...
