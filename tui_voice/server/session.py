"""The configuration of one session: its defaults, partial updates, and what may not change.

The wire type is the state, always with every field set, so that what the client is told is what
is in force; `settings.Settings` reads it for the rest of the server.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from tui_voice.realtime.wire import session as wire
from tui_voice.realtime.wire.session import RealtimeSession
from tui_voice.server.errors import RefusedError, not_allowed, voice_is_fixed, wrong_value
from tui_voice.server.settings import (
    DEFAULT_VOICE,
    PCM,
    Settings,
    check_choice,
    check_modalities,
    check_tools,
    check_voice,
)

INSTRUCTIONS = (
    "You are a helpful partner in a spoken conversation. Answer in one to three short sentences "
    "of plain spoken language, without lists or markup. Speak the language of the user. If you "
    "do not know something, say so."
)

_SERVER_VAD = wire.ServerVad(
    threshold=0.5,
    prefix_padding_ms=300,
    silence_duration_ms=500,
    idle_timeout_ms=None,
    create_response=True,
    interrupt_response=True,
)
_SEMANTIC_VAD = wire.SemanticVad(eagerness="auto", create_response=True, interrupt_response=True)
_INPUT = wire.AudioInput(
    format=PCM,
    transcription=None,
    noise_reduction=None,
    turn_detection=_SERVER_VAD,
)
_OUTPUT = wire.AudioOutput(format=PCM, voice=DEFAULT_VOICE, speed=1.0)
_SESSION = RealtimeSession(
    object="realtime.session",
    output_modalities=["audio"],
    instructions=INSTRUCTIONS,
    audio=wire.Audio(input=_INPUT, output=_OUTPUT),
    tools=[],
    tool_choice="auto",
    max_output_tokens="inf",
    truncation="auto",
    include=None,
    tracing=None,
    prompt=None,
)
_DEFAULTS: dict[type, Any] = {
    RealtimeSession: replace(_SESSION, instructions=""),  # null clears them, as "" does
    wire.Audio: wire.Audio(input=_INPUT, output=_OUTPUT),
    wire.AudioInput: _INPUT,
    wire.AudioOutput: _OUTPUT,
    wire.ServerVad: _SERVER_VAD,
    wire.SemanticVad: _SEMANTIC_VAD,
    wire.Transcription: wire.Transcription(model="gpt-transcribe"),
    wire.NoiseReduction: wire.NoiseReduction(type="near_field"),
    wire.Pcm: PCM,
    wire.Reasoning: wire.Reasoning(effort="low"),
}
"""What a part of the session is when it is named without saying more."""
_MAY_BE_NULL = {"transcription", "noise_reduction", "turn_detection", "idle_timeout_ms", "tracing"}
_MAY_BE_NULL |= {"include", "prompt"}
_HINTED_TRANSCRIBERS = {"gpt-transcribe", "gpt-live-transcribe"}

Part = TypeVar("Part", bound=msgspec.Struct)


def new_session(session_id: str, model: str, expires_at: int) -> RealtimeSession:
    """The session as it is before the client says anything. `expires_at`: unix seconds."""
    return replace(_SESSION, id=session_id, model=model, expires_at=expires_at)


def merged(old: Part, new: msgspec.Struct) -> Part:
    """`old` with the fields that `new` names; null clears, or brings back the default."""
    changes: dict[str, Any] = {}
    for name in new.__struct_fields__:
        value, current = getattr(new, name), getattr(old, name, UNSET)
        if value is UNSET:
            continue
        if value is None and name not in _MAY_BE_NULL:
            value = getattr(_DEFAULTS[type(old)], name, UNSET)
        elif type(value) in _DEFAULTS:
            same = type(current) is type(value)
            base: Any = current if same else _DEFAULTS[type(value)]
            value = merged(base, value)
        changes[name] = value
    return replace(old, **changes)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the talk has come to, as far as it forbids changes."""

    voices: tuple[str, ...] = ()
    voiced: bool = False
    """The model has spoken in this session."""
    responding: bool = False


def updated(
    session: RealtimeSession, update: wire.Realtime, so_far: Circumstances
) -> RealtimeSession:
    """`session` after `update`; raises `RefusedError`, changing nothing, if any field is wrong."""
    found = merged(session, update)
    before, after = Settings.of(session), Settings.of(found)
    if found.model != session.model:
        raise wrong_value("The model of a session cannot be changed.", "session.model")
    if found.prompt is not None:
        raise wrong_value("Stored prompts are not available here.", "session.prompt")
    if after.voice != before.voice:
        if so_far.voiced:
            raise voice_is_fixed()
        check_voice(after.voice, so_far.voices, "session.audio.output.voice")
    if so_far.responding and after.speed != before.speed:
        raise RefusedError(
            "cannot_update_speed",
            "Cannot update the speed while a response is in progress.",
            "session.audio.output.speed",
        )
    if session.tracing not in (None, UNSET) and found.tracing != session.tracing:
        raise RefusedError(
            "cannot_update_tracing", "Cannot update tracing once it is set.", "session.tracing"
        )
    check_modalities(found.output_modalities, "session.output_modalities")
    check_tools(after.tools, "session.tools")
    check_choice(after.tool_choice, "session.tool_choice")
    _check_transcription(after)
    return found


def _check_transcription(settings: Settings) -> None:
    how, param = settings.transcription, "session.audio.input.transcription"
    if how is None:
        return
    for hint in ("keywords", "languages"):
        if getattr(how, hint) and how.model not in _HINTED_TRANSCRIBERS:
            raise wrong_value(
                f"'{hint}' is only supported by gpt-transcribe and gpt-live-transcribe.",
                f"{param}.{hint}",
            )
    if how.model != "gpt-realtime-whisper":
        if how.delay not in (None, UNSET):
            raise wrong_value(
                "'delay' is only supported by gpt-realtime-whisper.", f"{param}.delay"
            )
    elif settings.turns is not None:
        raise wrong_value(
            "gpt-realtime-whisper needs turn_detection to be null.",
            "session.audio.input.turn_detection",
        )


@dataclass(frozen=True, slots=True)
class State:
    """The session in force: as the client is told it, and as the server reads it."""

    session: RealtimeSession
    settings: Settings
    transcription_only: bool = False

    @classmethod
    def new(cls, session_id: str, model: str, expires_at: int, transcription_only: bool) -> State:
        return cls._of(new_session(session_id, model, expires_at), transcription_only)

    @classmethod
    def _of(cls, session: RealtimeSession, transcription_only: bool) -> State:
        settings = Settings.of(session)
        if transcription_only and settings.turns is not None:  # nobody answers there
            turns = dataclasses.replace(settings.turns, create=False, interrupt=False)
            settings = dataclasses.replace(settings, turns=turns)
        return cls(session, settings, transcription_only)

    @property
    def told(self) -> wire.Session:
        """What `session.created` and `session.updated` carry."""
        session = self.session
        if not self.transcription_only:
            return session
        return wire.TranscriptionSession(
            id=session.id,
            object="realtime.transcription_session",
            expires_at=session.expires_at,
            audio=wire.TranscriptionAudio(input=session.audio.input if session.audio else None),
            include=session.include,
        )

    def updated(self, update: wire.SessionUpdate, so_far: Circumstances) -> State:
        """Raises `RefusedError`, changing nothing, if any field is wrong."""
        if isinstance(update, wire.TranscriptionOnly) is not self.transcription_only:
            wanted = "transcription" if self.transcription_only else "realtime"
            raise not_allowed(update.type, [wanted], "session.type")
        if isinstance(update, wire.TranscriptionOnly):
            heard = update.audio.input if update.audio else UNSET
            update = wire.Realtime(audio=wire.Audio(input=heard), include=update.include)
        return self._of(updated(self.session, update, so_far), self.transcription_only)
