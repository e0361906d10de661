"""How we want a server session to be: `session.update` from plain values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tui_voice.realtime.wire import UNSET, client, session

INSTRUCTIONS = (
    "You are a friendly partner in a spoken conversation. Answer in the language you are spoken "
    "to, briefly and naturally, as one speaks; no lists, no markdown. A system item may hold a "
    "summary of what was said before: trust it as your own memory."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one server session is asked to be. Times in ms."""

    model: str
    voice: str = ""
    instructions: str = INSTRUCTIONS
    audio: bool = True
    """Whether replies are to be spoken (text is then their transcript)."""
    turn_detection: Literal["server_vad", "semantic_vad", "manual"] = "server_vad"
    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_ms: int = 500
    eagerness: str = "auto"
    transcription_model: str = "gpt-transcribe"
    language: str = ""
    noise_reduction: str = ""
    """`near_field`, `far_field`, or "" for none."""
    reasoning_effort: str = ""
    """Only for models that reason (`gpt-realtime-2` and later); "" leaves it out."""
    tools: tuple[dict[str, Any], ...] = field(default=())
    """Function tools: `{name, description, parameters}`."""

    server_limit: int = 0
    """Tokens beside the instructions from which the server itself drops the oldest items, down to
    four fifths (`retention_ratio`); 0: only when its whole window is full.
    """

    @property
    def manual(self) -> bool:
        return self.turn_detection == "manual"

    def plain(self) -> Profile:
        """Without what only some models and servers know."""
        return replace(self, reasoning_effort="", noise_reduction="", language="")


def configure(profile: Profile) -> client.SessionUpdateEvent:
    """The `session.update` that makes a session so. Everything that matters is said explicitly,
    since defaults differ between what the reference says and what servers do. Sent once, before
    the session has spoken: later the voice could not be changed.
    """
    said = profile.voice or UNSET
    tools: list[session.Tool] = [session.FunctionTool(**tool) for tool in profile.tools]
    effort = profile.reasoning_effort
    update = session.Realtime(
        output_modalities=["audio"] if profile.audio else ["text"],
        instructions=profile.instructions,
        audio=session.Audio(
            input=session.AudioInput(
                format=session.Pcm(rate=24000),
                transcription=session.Transcription(
                    model=profile.transcription_model, language=profile.language or UNSET
                ),
                noise_reduction=session.NoiseReduction(type=profile.noise_reduction)
                if profile.noise_reduction
                else None,
                turn_detection=_turn_detection(profile),
            ),
            output=session.AudioOutput(format=session.Pcm(rate=24000), voice=said),
        ),
        # The server's own truncation is only the net above our own pruning.
        truncation=session.RetentionRatio(
            retention_ratio=0.8,
            token_limits=session.TokenLimits(post_instructions=profile.server_limit),
        )
        if profile.server_limit
        else "auto",
        tools=tools or UNSET,
        tool_choice="auto" if tools else UNSET,
        reasoning=session.Reasoning(effort=effort) if effort else UNSET,
    )
    return client.SessionUpdateEvent(event_id="update", session=update)


def _turn_detection(profile: Profile) -> session.TurnDetection | None:
    if profile.turn_detection == "manual":
        return None
    if profile.turn_detection == "semantic_vad":
        return session.SemanticVad(
            eagerness=profile.eagerness, create_response=True, interrupt_response=True
        )
    return session.ServerVad(
        threshold=profile.threshold,
        prefix_padding_ms=profile.prefix_padding_ms,
        silence_duration_ms=profile.silence_ms,
        create_response=True,
        interrupt_response=True,
    )
