"""Writes the `session.update` that configures a server session."""

from __future__ import annotations

from tui_voice.audio.pcm_format import RATE
from tui_voice.protocol.session_config import ServerSessionConfig
from tui_voice.realtime.wire import UNSET, UnsetType, client, session

RETENTION_RATIO = 0.8
"""Share of its limit that the server keeps when it drops items by itself."""
TAKE_KEYWORDS = ("gpt-transcribe", "gpt-live-transcribe")
"""Transcription models that take `keywords`."""
TAKE_PROMPT = ("gpt-4o", "whisper-1")
"""Transcription models that take a `prompt` and no `keywords`."""
CUSTOM_VOICE = "voice_"
"""How the id of a custom voice begins."""


def session_update(config: ServerSessionConfig) -> client.SessionUpdateEvent:
    """Returns the `session.update` for this configuration.

    It names every setting that matters, since the defaults of servers differ from those in the
    API reference. It is sent once, before the session has produced audio: after that the voice
    can no longer be changed.
    """
    tools: list[session.Tool] = [session.FunctionTool(**tool) for tool in config.tools]
    effort = config.reasoning_effort
    update = session.Realtime(
        output_modalities=["audio"] if config.audio else ["text"],
        instructions=config.instructions,
        audio=session.Audio(
            input=session.AudioInput(
                format=session.Pcm(rate=RATE),
                transcription=_transcription(config),
                noise_reduction=session.NoiseReduction(type=config.noise_reduction)
                if config.noise_reduction
                else None,
                turn_detection=_turn_detection(config),
            ),
            output=session.AudioOutput(
                format=session.Pcm(rate=RATE),
                voice=_voice(config.voice),
                speed=config.speed if config.speed != 1.0 else UNSET,
            ),
        ),
        # We prune the conversation ourselves; the server's truncation is the safety net.
        truncation=session.RetentionRatio(
            retention_ratio=RETENTION_RATIO,
            token_limits=session.TokenLimits(post_instructions=config.server_limit),
        )
        if config.server_limit
        else "auto",
        tools=tools or UNSET,
        tool_choice="auto" if tools else UNSET,
        include=[session.LOGPROBS] if config.uncertain_below else UNSET,
        reasoning=session.Reasoning(effort=effort) if effort else UNSET,
    )
    return client.SessionUpdateEvent(event_id="update", session=update)


def _transcription(config: ServerSessionConfig) -> session.Transcription:
    """Returns the transcription. Names from the memory are keywords, or a part of the prompt, by
    what the model takes (API reference, `audio.input.transcription`).
    """
    model = config.transcription_model
    keywords, prompt = config.keywords, config.transcription_prompt
    if model.startswith(TAKE_KEYWORDS):
        keywords = tuple(dict.fromkeys((*keywords, *config.names)))
    elif model.startswith(TAKE_PROMPT) and config.names:
        prompt = " ".join(filter(None, (prompt, f"{', '.join(config.names)}.")))
    return session.Transcription(
        model=model,
        language=config.language or UNSET,
        languages=list(config.languages) or UNSET,
        keywords=list(keywords) or UNSET,
        prompt=prompt or UNSET,
    )


def names_update(config: ServerSessionConfig) -> client.SessionUpdateEvent:
    """Returns the `session.update` that changes the transcription alone."""
    update = session.Realtime(
        audio=session.Audio(input=session.AudioInput(transcription=_transcription(config)))
    )
    return client.SessionUpdateEvent(event_id="names", session=update)


def _voice(name: str) -> session.Voice | UnsetType:
    if name.startswith(CUSTOM_VOICE):
        return session.VoiceId(id=name)
    return name or UNSET


def speed_update(speed: float) -> client.SessionUpdateEvent:
    """Returns the `session.update` that changes the speaking speed alone."""
    update = session.Realtime(audio=session.Audio(output=session.AudioOutput(speed=speed)))
    return client.SessionUpdateEvent(event_id="speed", session=update)


def turn_detection_update(config: ServerSessionConfig) -> client.SessionUpdateEvent:
    """Returns the `session.update` that changes the turn detection alone."""
    detection = session.AudioInput(turn_detection=_turn_detection(config))
    update = session.Realtime(audio=session.Audio(input=detection))
    return client.SessionUpdateEvent(event_id="turn_detection", session=update)


def _turn_detection(config: ServerSessionConfig) -> session.TurnDetection | None:
    if config.turn_detection == "manual":
        return None
    if config.turn_detection == "semantic_vad":
        return session.SemanticVad(
            eagerness=config.eagerness,
            create_response=config.answers_turns,
            interrupt_response=True,
        )
    return session.ServerVad(
        threshold=config.threshold,
        prefix_padding_ms=config.prefix_padding_ms,
        silence_duration_ms=config.silence_ms,
        idle_timeout_ms=config.idle_timeout_ms or UNSET,
        create_response=config.answers_turns,
        interrupt_response=True,
    )
