"""The configuration of a server session, independent of the wire protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tui_voice.conversation import events as e
from tui_voice.conversation.events import TurnDetectionChosen

DEFAULT_INSTRUCTIONS = (
    "You are a friendly partner in a spoken conversation. Answer in the language you are spoken "
    "to, briefly and naturally, as one speaks; no lists, no markdown. A system item may hold a "
    "summary of what was said before: trust it as your own memory."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSessionConfig:
    """The settings that a new server session is asked to have."""

    model: str
    voice: str = ""
    """"" for the server's default voice. `voice_…` is the id of a custom voice."""
    speed: float = 1.0
    """Factor of the speaking speed, 0.25 to 1.5."""
    instructions: str = DEFAULT_INSTRUCTIONS
    audio: bool = True
    """Replies are spoken, and their text is a transcript; False for replies in text alone."""
    turn_detection: Literal["server_vad", "semantic_vad", "manual"] = "server_vad"
    """What ends a turn of the user: silence, meaning, or our own commit (`manual`)."""
    threshold: float = 0.5
    """For `server_vad`: how loud speech must be, 0 to 1."""
    prefix_padding_ms: int = 300
    """For `server_vad`: milliseconds before the speech that belong to the turn."""
    silence_ms: int = 500
    """For `server_vad`: milliseconds of silence that end a turn."""
    idle_timeout_ms: int | None = None
    """For `server_vad`: milliseconds of silence, 5,000 to 30,000, after which the server commits
    the silence and answers (`input_audio_buffer.timeout_triggered`). None: it waits."""
    eagerness: str = "auto"
    """For `semantic_vad`: `low`, `medium`, `high` or `auto`."""
    answers_turns: bool = True
    """The server answers a turn that its turn detection ends. False: only when it is asked to."""
    transcription_model: str = "gpt-transcribe"
    language: str = ""
    """Language that the user speaks, for example `en`; "" lets the server find out."""
    languages: tuple[str, ...] = ()
    """Languages that the user may speak; only some transcription models take them."""
    keywords: tuple[str, ...] = ()
    """Names and terms that the transcription is to spell right; only some models take them."""
    names: tuple[str, ...] = ()
    """Names from the memory, which the transcription is to spell right where its model can."""
    transcription_prompt: str = ""
    """What is spoken about; "" leaves it out."""
    uncertain_below: float = 0.0
    """Probability, 0 to 1, below which a word of the user's transcript counts as uncertain. 0: the
    server is not asked how sure it is."""
    noise_reduction: str = ""
    """`near_field`, `far_field`, or "" for none."""
    reasoning_effort: str = ""
    """Only for models that reason (`gpt-realtime-2` and later); "" leaves it out."""
    tools: tuple[dict[str, Any], ...] = field(default=())
    """Function tools: `{name, description, parameters}`."""
    server_limit: int = 0
    """Tokens of conversation items above which the server itself drops the oldest, down to four
    fifths; 0: it drops items only when its whole context window is full.
    """

    @property
    def manual(self) -> bool:
        """Whether our own commit ends a turn of the user."""
        return self.turn_detection == "manual"

    def tuned(self, chosen: TurnDetectionChosen) -> ServerSessionConfig:
        """Returns the configuration with another detection of turns; manual turns stay manual."""
        return replace(
            self,
            turn_detection="manual" if self.manual else chosen.detection,
            silence_ms=chosen.silence_ms,
            threshold=chosen.threshold,
            prefix_padding_ms=chosen.prefix_padding_ms,
            eagerness=chosen.eagerness,
            idle_timeout_ms=chosen.idle_timeout_ms,
        )

    def essential(self) -> ServerSessionConfig:
        """Returns the configuration without the settings that only some models and servers know."""
        return replace(
            self,
            reasoning_effort="",
            noise_reduction="",
            language="",
            languages=(),
            keywords=(),
            names=(),
            transcription_prompt="",
            uncertain_below=0.0,
            speed=1.0,
            idle_timeout_ms=None,
        )


def _price_unknown(_usage: e.Usage) -> float | None:
    return None


def _transcription_price_unknown(_seconds: float, _tokens: int) -> float | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What the server's work costs in USD; None where the price is unknown."""

    reply: Callable[[e.Usage], float | None] = _price_unknown
    transcription: Callable[[float, int], float | None] = _transcription_price_unknown
    """Called with the seconds of audio and the tokens of one transcription."""
