"""A session's configuration with nothing left unset, and what a response may have otherwise."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from tui_voice.realtime.wire import session as wire
from tui_voice.realtime.wire.client import ResponseParams
from tui_voice.realtime.wire.session import RealtimeSession
from tui_voice.server.errors import missing, not_allowed, wrong_value

DEFAULT_VOICE = "marin"
PCM = wire.Pcm(rate=24_000)
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Turns:
    """How the end of a turn is heard. Times in ms of audio."""

    threshold: float = 0.5
    prefix_ms: int = 300
    silence_ms: int = 500
    idle_ms: int | None = None
    create: bool = True
    interrupt: bool = True
    eagerness: str | None = None
    """Not None: wait for a turn that sounds finished (`semantic_vad`)."""

    @classmethod
    def of(cls, detection: wire.TurnDetection) -> Turns:
        if isinstance(detection, wire.SemanticVad):
            return cls(
                create=detection.create_response is True,
                interrupt=detection.interrupt_response is True,
                eagerness=str(detection.eagerness),
            )
        return cls(
            threshold=_number(detection.threshold, 0.5),
            prefix_ms=round(_number(detection.prefix_padding_ms, 300)),
            silence_ms=round(_number(detection.silence_duration_ms, 500)),
            idle_ms=detection.idle_timeout_ms or None,
            create=detection.create_response is True,
            interrupt=detection.interrupt_response is True,
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """A session's configuration, or that of one response, with nothing left unset."""

    instructions: str = ""
    modality: str = "audio"
    voice: wire.Voice = DEFAULT_VOICE
    speed: float = 1.0
    input_format: wire.AudioFormat = PCM
    output_format: wire.AudioFormat = PCM
    transcription: wire.Transcription | None = None
    turns: Turns | None = None
    tools: tuple[wire.Tool, ...] = ()
    tool_choice: wire.ToolChoice = "auto"
    max_tokens: int | None = None
    """None: as many as the model likes."""
    truncation: wire.Truncation = "auto"

    @classmethod
    def of(cls, session: RealtimeSession) -> Settings:
        audio = session.audio or wire.Audio()
        heard, voiced = audio.input or wire.AudioInput(), audio.output or wire.AudioOutput()
        detection = heard.turn_detection
        return cls(
            instructions=session.instructions or "",
            modality=(session.output_modalities or ["audio"])[0],
            voice=voiced.voice or DEFAULT_VOICE,
            speed=_number(voiced.speed, 1.0),
            input_format=heard.format or PCM,
            output_format=voiced.format or PCM,
            transcription=heard.transcription or None,
            turns=Turns.of(detection) if detection else None,
            tools=tuple(session.tools or ()),
            tool_choice=session.tool_choice or "auto",
            max_tokens=_tokens(session.max_output_tokens),
            truncation=session.truncation or "auto",
        )

    def for_response(self, params: ResponseParams, voices: tuple[str, ...]) -> Settings:
        """These settings with what one response wants otherwise. Raises `RefusedError`."""
        changes: dict[str, Any] = {}
        if params.prompt not in (None, UNSET):
            raise wrong_value("Stored prompts are not available here.", "response.prompt")
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
            changes["max_tokens"] = _tokens(params.max_output_tokens)
        found = dataclasses.replace(self, **changes)
        check_choice(found.tool_choice, "response.tool_choice")
        wanted = found.tool_choice
        if isinstance(wanted, wire.ToolChoiceFunction) and wanted.name not in {
            tool.name for tool in found.tools if isinstance(tool, wire.FunctionTool)
        }:
            raise wrong_value(
                f"Tool choice '{wanted.name}' not found in the tools.", "response.tool_choice"
            )
        return found


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, (int, float)) else default


def _tokens(value: object) -> int | None:
    return value if isinstance(value, int) else None


def check_modalities(modalities: Any, param: str) -> None:
    if modalities not in (["text"], ["audio"]):
        raise wrong_value(
            f"Invalid modalities: {modalities}. Supported combinations are: ['text'] and "
            "['audio'].",
            param,
        )


def check_voice(voice: wire.Voice, voices: tuple[str, ...], param: str) -> None:
    if voice not in wire.VOICES and voice not in voices:
        shown = voice if isinstance(voice, str) else voice.id
        raise not_allowed(shown, list(dict.fromkeys((*wire.VOICES, *voices))), param)


def check_choice(choice: wire.ToolChoice, param: str) -> None:
    if isinstance(choice, wire.ToolChoiceMcp):
        raise not_allowed("mcp", ["function"], f"{param}.type")


def check_tools(tools: tuple[wire.Tool, ...], param: str) -> None:
    for index, tool in enumerate(tools):
        here = f"{param}[{index}]"
        if isinstance(tool, wire.McpTool):
            raise not_allowed("mcp", ["function"], f"{here}.type")
        if not isinstance(tool.name, str):
            raise missing(f"{here}.name")
        if not _TOOL_NAME.fullmatch(tool.name):
            raise wrong_value(
                f"Invalid '{here}.name': expected 1 to 64 letters, digits, '_' or '-'.",
                f"{here}.name",
            )
