"""The configuration of a server session on the wire: defaults, partial updates, fixed fields.

The state is the wire object with every field set, so that `session.updated` shows exactly what is
in force; `SessionSettings` reads it for the rest of the server.
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
from tui_voice.server.errors import (
    RefusedError,
    invalid_value,
    unsupported_value,
    voice_already_used,
)
from tui_voice.server.session_settings import (
    DEFAULT_VOICE,
    PCM,
    SessionSettings,
    check_modalities,
    check_tool_choice,
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
"""Values of the fields that a client leaves out when it first sets a part of the session."""
_NULLABLE = {
    "transcription",
    "noise_reduction",
    "turn_detection",
    "idle_timeout_ms",
    "tracing",
    "include",
    "prompt",
}
"""Fields that null switches off; null in any other field brings back its default."""
_MODELS_WITH_HINTS = {"gpt-transcribe", "gpt-live-transcribe"}

Part = TypeVar("Part", bound=msgspec.Struct)


def merge(current: Part, update: msgspec.Struct) -> Part:
    """Returns `current` with the fields that `update` sets; fields left out stay as they are."""
    changes: dict[str, Any] = {}
    for name in update.__struct_fields__:
        new_value, old_value = getattr(update, name), getattr(current, name, UNSET)
        if new_value is UNSET:
            continue
        if new_value is None and name not in _NULLABLE:
            new_value = getattr(_DEFAULTS[type(current)], name, UNSET)
        elif type(new_value) in _DEFAULTS:
            is_same_type = type(old_value) is type(new_value)
            base: Any = old_value if is_same_type else _DEFAULTS[type(new_value)]
            new_value = merge(base, new_value)
        changes[name] = new_value
    return replace(current, **changes)


@dataclass(frozen=True, slots=True)
class UpdateContext:
    """What happened in the server session so far, as far as it forbids updates."""

    voices: tuple[str, ...] = ()
    """Names that the synthesiser has besides those of the API."""
    has_spoken: bool = False
    """The model has sent audio in this session, so its voice is fixed."""
    is_responding: bool = False
    """A response is in progress, so the speed is fixed."""


@dataclass(frozen=True, slots=True)
class ServerSessionState:
    """The session in force: as the client sees it, and as the server reads it."""

    session: RealtimeSession
    settings: SessionSettings
    transcription_only: bool = False

    @classmethod
    def new(
        cls, session_id: str, model: str, expires_at: int, transcription_only: bool
    ) -> ServerSessionState:
        """Returns the session before any update. `expires_at`: Unix time in seconds."""
        session = replace(_SESSION, id=session_id, model=model, expires_at=expires_at)
        return cls._of(session, transcription_only)

    @classmethod
    def _of(cls, session: RealtimeSession, transcription_only: bool) -> ServerSessionState:
        settings = SessionSettings.of(session)
        detection = settings.turn_detection
        if transcription_only and detection is not None:  # such a session has no responses
            detection = dataclasses.replace(
                detection, create_response=False, interrupt_response=False
            )
            settings = dataclasses.replace(settings, turn_detection=detection)
        return cls(session, settings, transcription_only)

    @property
    def wire_session(self) -> wire.Session:
        """Returns what `session.created` and `session.updated` carry."""
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

    def updated(self, update: wire.SessionUpdate, context: UpdateContext) -> ServerSessionState:
        """Returns the state after `session.update`; raises `RefusedError` if any field is wrong."""
        if isinstance(update, wire.TranscriptionOnly) is not self.transcription_only:
            supported = "transcription" if self.transcription_only else "realtime"
            raise unsupported_value(update.type, [supported], "session.type")
        if isinstance(update, wire.TranscriptionOnly):
            audio_input = update.audio.input if update.audio else UNSET
            update = wire.Realtime(audio=wire.Audio(input=audio_input), include=update.include)
        session = merge(self.session, update)
        _check_update(self.session, session, context)
        return self._of(session, self.transcription_only)


def _check_update(before: RealtimeSession, after: RealtimeSession, context: UpdateContext) -> None:
    """Raises `RefusedError` where a field has a wrong value or cannot change any more."""
    old, new = SessionSettings.of(before), SessionSettings.of(after)
    if after.model != before.model:
        raise invalid_value("The model of a session cannot be changed.", "session.model")
    if after.prompt is not None:
        raise invalid_value("Stored prompts are not available here.", "session.prompt")
    if new.voice != old.voice:
        if context.has_spoken:
            raise voice_already_used()
        check_voice(new.voice, context.voices, "session.audio.output.voice")
    if context.is_responding and new.speed != old.speed:
        raise RefusedError(
            "cannot_update_speed",
            "Cannot update the speed while a response is in progress.",
            "session.audio.output.speed",
        )
    if before.tracing not in (None, UNSET) and after.tracing != before.tracing:
        raise RefusedError(
            "cannot_update_tracing", "Cannot update tracing once it is set.", "session.tracing"
        )
    check_modalities(after.output_modalities, "session.output_modalities")
    check_tools(new.tools, "session.tools")
    check_tool_choice(new.tool_choice, "session.tool_choice")
    _check_transcription(new)


def _check_transcription(settings: SessionSettings) -> None:
    """Raises `RefusedError` for options that the chosen transcription model does not have."""
    transcription, param = settings.transcription, "session.audio.input.transcription"
    if transcription is None:
        return
    for hint in ("keywords", "languages"):
        if getattr(transcription, hint) and transcription.model not in _MODELS_WITH_HINTS:
            raise invalid_value(
                f"'{hint}' is only supported by gpt-transcribe and gpt-live-transcribe.",
                f"{param}.{hint}",
            )
    if transcription.model != "gpt-realtime-whisper":
        if transcription.delay not in (None, UNSET):
            raise invalid_value(
                "'delay' is only supported by gpt-realtime-whisper.", f"{param}.delay"
            )
    elif settings.turn_detection is not None:
        raise invalid_value(
            "gpt-realtime-whisper needs turn_detection to be null.",
            "session.audio.input.turn_detection",
        )
