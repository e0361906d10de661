"""The configuration of a server session as the rest of the server reads it: no field is unset.

`SessionSettings.of` reads the wire type; `for_response` applies what one response wants
differently. The checks at the end are shared by `session.update` and `response.create`.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from tui_voice.realtime.wire import session as wire
from tui_voice.realtime.wire.client import ResponseParams
from tui_voice.realtime.wire.session import RealtimeSession
from tui_voice.server.errors import invalid_value, missing_parameter, unsupported_value

DEFAULT_VOICE = "marin"
PCM = wire.Pcm(rate=24_000)
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class TurnDetectionSettings:
    """How the server finds the start and end of a spoken turn. Times are in ms of audio."""

    threshold: float = 0.5
    """Probability of speech from which a chunk counts as speech."""
    prefix_ms: int = 300
    """Audio before the start of speech that belongs to the turn."""
    silence_ms: int = 500
    """Silence that ends a turn."""
    idle_timeout_ms: int | None = None
    create_response: bool = True
    interrupt_response: bool = True
    eagerness: str | None = None
    """Of `semantic_vad`, which waits longer after an incomplete sentence; None for `server_vad`."""

    @classmethod
    def of(cls, detection: wire.TurnDetection) -> TurnDetectionSettings:
        """Returns the settings in a wire object whose fields are all set."""
        create_response = detection.create_response is True
        interrupt_response = detection.interrupt_response is True
        if isinstance(detection, wire.SemanticVad):
            return cls(
                create_response=create_response,
                interrupt_response=interrupt_response,
                eagerness=str(detection.eagerness),
            )
        return cls(
            threshold=_number(detection.threshold, 0.5),
            prefix_ms=round(_number(detection.prefix_padding_ms, 300)),
            silence_ms=round(_number(detection.silence_duration_ms, 500)),
            idle_timeout_ms=detection.idle_timeout_ms or None,
            create_response=create_response,
            interrupt_response=interrupt_response,
        )


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """The configuration of a server session, or of one response in it."""

    instructions: str = ""
    modality: str = "audio"
    """`audio` or `text`."""
    voice: wire.Voice = DEFAULT_VOICE
    speed: float = 1.0
    input_format: wire.AudioFormat = PCM
    output_format: wire.AudioFormat = PCM
    transcription: wire.Transcription | None = None
    """None: the client does not want transcripts of user audio."""
    logprobs: bool = False
    """The client wants to know how sure the recogniser is of each token."""
    turn_detection: TurnDetectionSettings | None = None
    """None: the client commits the input buffer itself (push-to-talk)."""
    tools: tuple[wire.Tool, ...] = ()
    tool_choice: wire.ToolChoice = "auto"
    max_tokens: int | None = None
    """Limit of output tokens; None for no limit."""
    truncation: wire.Truncation = "auto"

    @classmethod
    def of(cls, session: RealtimeSession) -> SessionSettings:
        """Returns the settings in the wire object of a session."""
        audio = session.audio or wire.Audio()
        audio_input, audio_output = audio.input or wire.AudioInput(), audio.output
        audio_output = audio_output or wire.AudioOutput()
        detection = audio_input.turn_detection
        return cls(
            instructions=session.instructions or "",
            modality=(session.output_modalities or ["audio"])[0],
            voice=audio_output.voice or DEFAULT_VOICE,
            speed=_number(audio_output.speed, 1.0),
            input_format=audio_input.format or PCM,
            output_format=audio_output.format or PCM,
            transcription=audio_input.transcription or None,
            logprobs=wire.LOGPROBS in (session.include or ()),
            turn_detection=TurnDetectionSettings.of(detection) if detection else None,
            tools=tuple(session.tools or ()),
            tool_choice=session.tool_choice or "auto",
            max_tokens=_token_limit(session.max_output_tokens),
            truncation=session.truncation or "auto",
        )

    def for_response(self, params: ResponseParams, voices: tuple[str, ...]) -> SessionSettings:
        """Returns the settings of one `response.create`; raises `RefusedError`.

        `voices`: names that the synthesiser has besides those of the API.
        """
        changes: dict[str, Any] = {}
        if params.prompt not in (None, UNSET):
            raise invalid_value("Stored prompts are not available here.", "response.prompt")
        if isinstance(params.instructions, str):
            changes["instructions"] = params.instructions
        if params.output_modalities:
            check_modalities(params.output_modalities, "response.output_modalities")
            changes["modality"] = params.output_modalities[0]
        if output := (params.audio.output if params.audio else None):
            if output.voice:
                check_voice(output.voice, voices, "response.audio.output.voice")
                changes["voice"] = output.voice
            if output.format:
                changes["output_format"] = output.format
        if isinstance(params.tools, list):
            changes["tools"] = tuple(params.tools)
            check_tools(changes["tools"], "response.tools")
        if params.tool_choice:
            changes["tool_choice"] = params.tool_choice
        if params.max_output_tokens:
            changes["max_tokens"] = _token_limit(params.max_output_tokens)
        settings = dataclasses.replace(self, **changes)
        check_tool_choice(settings.tool_choice, "response.tool_choice")
        choice = settings.tool_choice
        if isinstance(choice, wire.ToolChoiceFunction) and choice.name not in {
            tool.name for tool in settings.tools if isinstance(tool, wire.FunctionTool)
        }:
            raise invalid_value(
                f"Tool choice '{choice.name}' not found in the tools.", "response.tool_choice"
            )
        return settings


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, (int, float)) else default


def _token_limit(value: object) -> int | None:
    """Returns a number of tokens, None for `inf`."""
    return value if isinstance(value, int) else None


def check_modalities(modalities: Any, param: str) -> None:
    """Raises `RefusedError` for anything but text alone or audio alone."""
    if modalities not in (["text"], ["audio"]):
        raise invalid_value(
            f"Invalid modalities: {modalities}. Supported combinations are: ['text'] and "
            "['audio'].",
            param,
        )


def check_voice(voice: wire.Voice, voices: tuple[str, ...], param: str) -> None:
    """Raises `RefusedError` for a voice that neither the API nor the synthesiser has."""
    if voice not in wire.VOICES and voice not in voices:
        name = voice if isinstance(voice, str) else voice.id
        raise unsupported_value(name, list(dict.fromkeys((*wire.VOICES, *voices))), param)


def check_tool_choice(choice: wire.ToolChoice, param: str) -> None:
    """Raises `RefusedError` for a tool of an MCP server."""
    if isinstance(choice, wire.ToolChoiceMcp):
        raise unsupported_value("mcp", ["function"], f"{param}.type")


def check_tools(tools: tuple[wire.Tool, ...], param: str) -> None:
    """Raises `RefusedError` for MCP tools and for functions without a valid name."""
    for index, tool in enumerate(tools):
        tool_param = f"{param}[{index}]"
        if isinstance(tool, wire.McpTool):
            raise unsupported_value("mcp", ["function"], f"{tool_param}.type")
        if not isinstance(tool.name, str):
            raise missing_parameter(f"{tool_param}.name")
        if not _TOOL_NAME.fullmatch(tool.name):
            raise invalid_value(
                f"Invalid '{tool_param}.name': expected 1 to 64 letters, digits, '_' or '-'.",
                f"{tool_param}.name",
            )
