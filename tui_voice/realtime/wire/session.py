"""The configuration of a server session. An update changes only the fields that it has."""

from __future__ import annotations

from typing import Annotated, Any

from .base import UNSET, Tagged, UnsetType, Wire, between, one_of

Modality = Annotated[str, one_of("text", "audio")]
LOGPROBS = "item.input_audio_transcription.logprobs"
Include = Annotated[str, one_of(LOGPROBS)]
Inf = Annotated[str, one_of("inf")]
MaxTokens = Annotated[int, between(1, 4096)]
ToolMode = Annotated[str, one_of("none", "auto", "required")]
Effort = Annotated[str, one_of("minimal", "low", "medium", "high", "xhigh")]

VOICES = (
    "alloy",
    "ash",
    "ballad",
    "coral",
    "echo",
    "sage",
    "shimmer",
    "verse",
    "marin",
    "cedar",
)


class Pcm(Tagged, tag="audio/pcm"):
    """Signed 16-bit little endian, mono; the only `rate` is 24000 samples per second."""

    rate: Annotated[int, one_of(24000)] | UnsetType | None = UNSET


class Pcmu(Tagged, tag="audio/pcmu"):
    """G.711 µ-law, 8 000 bytes per second."""


class Pcma(Tagged, tag="audio/pcma"):
    """G.711 A-law, 8 000 bytes per second."""


AudioFormat = Pcm | Pcmu | Pcma


class Transcription(Wire):
    """How the user's audio is transcribed. The model gets the audio, not this text."""

    model: str | UnsetType | None = UNSET
    language: str | UnsetType | None = UNSET
    prompt: str | UnsetType | None = UNSET
    keywords: list[str] | UnsetType | None = UNSET
    languages: list[str] | UnsetType | None = UNSET
    delay: Effort | UnsetType | None = UNSET


class NoiseReduction(Wire):
    type: Annotated[str, one_of("near_field", "far_field")] | UnsetType | None = UNSET
    strength: Annotated[float, between(0, 1)] | UnsetType | None = UNSET


class ServerVad(Tagged, tag="server_vad"):
    """A turn ends after `silence_duration_ms` of silence. `threshold`: 0 to 1."""

    threshold: Annotated[float, between(0, 1)] | UnsetType | None = UNSET
    prefix_padding_ms: Annotated[int, between(0, 10000)] | UnsetType | None = UNSET
    silence_duration_ms: Annotated[int, between(0, 10000)] | UnsetType | None = UNSET
    idle_timeout_ms: Annotated[int, between(5000, 30000)] | UnsetType | None = UNSET
    create_response: bool | UnsetType | None = UNSET
    interrupt_response: bool | UnsetType | None = UNSET


class SemanticVad(Tagged, tag="semantic_vad"):
    """A turn ends when it sounds finished. `eagerness`: waits at most 8, 4 or 2 seconds."""

    eagerness: Annotated[str, one_of("low", "medium", "high", "auto")] | UnsetType | None = UNSET
    create_response: bool | UnsetType | None = UNSET
    interrupt_response: bool | UnsetType | None = UNSET


TurnDetection = ServerVad | SemanticVad


class AudioInput(Wire):
    format: AudioFormat | UnsetType | None = UNSET
    transcription: Transcription | UnsetType | None = UNSET
    noise_reduction: NoiseReduction | UnsetType | None = UNSET
    turn_detection: TurnDetection | UnsetType | None = UNSET


class VoiceId(Wire):
    """A custom voice."""

    id: str


Voice = str | VoiceId


class AudioOutput(Wire):
    """`speed`: 1.0 is the normal speed of the voice."""

    format: AudioFormat | UnsetType | None = UNSET
    voice: Voice | UnsetType | None = UNSET
    speed: Annotated[float, between(0.25, 1.5)] | UnsetType | None = UNSET


class Audio(Wire):
    input: AudioInput | UnsetType | None = UNSET
    output: AudioOutput | UnsetType | None = UNSET


class FunctionTool(Tagged, tag="function"):
    """`parameters`: a JSON Schema."""

    name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    parameters: Any = UNSET


class McpTool(Tagged, tag="mcp"):
    """A remote MCP server. We do not use MCP; the type lets our server refuse it with a reason."""

    server_label: str
    server_url: str | UnsetType | None = UNSET
    server_description: str | UnsetType | None = UNSET
    connector_id: str | UnsetType | None = UNSET
    tunnel_id: str | UnsetType | None = UNSET
    authorization: str | UnsetType | None = UNSET
    headers: dict[str, str] | UnsetType | None = UNSET
    allowed_callers: list[str] | UnsetType | None = UNSET
    allowed_tools: Any = UNSET
    require_approval: Any = UNSET
    defer_loading: bool | UnsetType | None = UNSET


Tool = FunctionTool | McpTool


class ToolChoiceFunction(Tagged, tag="function"):
    """The model must call this function."""

    name: str


class ToolChoiceMcp(Tagged, tag="mcp"):
    server_label: str
    name: str | UnsetType | None = UNSET


ToolChoice = ToolMode | ToolChoiceFunction | ToolChoiceMcp


class Tracing(Wire):
    workflow_name: str | UnsetType | None = UNSET
    group_id: str | UnsetType | None = UNSET
    metadata: Any = UNSET


class TokenLimits(Wire):
    """`post_instructions`: tokens that the items may have, without instructions and tools."""

    post_instructions: Annotated[int, between(0, 1000000)] | UnsetType | None = UNSET


class RetentionRatio(Tagged, tag="retention_ratio"):
    """When the limit is reached, the oldest items are dropped until this share of it is left."""

    retention_ratio: Annotated[float, between(0, 1)]
    token_limits: TokenLimits | UnsetType | None = UNSET


TruncationMode = Annotated[str, one_of("auto", "disabled")]
Truncation = TruncationMode | RetentionRatio


class Reasoning(Wire):
    effort: Effort | UnsetType | None = UNSET


class Realtime(Tagged, tag="realtime"):
    """A session in which a model answers."""

    model: str | UnsetType | None = UNSET
    output_modalities: list[Modality] | UnsetType | None = UNSET
    instructions: str | UnsetType | None = UNSET
    audio: Audio | UnsetType | None = UNSET
    tools: list[Tool] | UnsetType | None = UNSET
    tool_choice: ToolChoice | UnsetType | None = UNSET
    max_output_tokens: MaxTokens | Inf | UnsetType | None = UNSET
    truncation: Truncation | UnsetType | None = UNSET
    include: list[Include] | UnsetType | None = UNSET
    tracing: Annotated[str, one_of("auto")] | Tracing | UnsetType | None = UNSET
    reasoning: Reasoning | UnsetType | None = UNSET
    parallel_tool_calls: bool | UnsetType | None = UNSET
    prompt: Any = UNSET


class TranscriptionAudio(Wire):
    input: AudioInput | UnsetType | None = UNSET


class TranscriptionOnly(Tagged, tag="transcription"):
    """A session that only transcribes; no model answers."""

    audio: TranscriptionAudio | UnsetType | None = UNSET
    include: list[Include] | UnsetType | None = UNSET


SessionUpdate = Realtime | TranscriptionOnly
"""What a client may set."""


class RealtimeSession(Realtime, tag="realtime"):
    """The session in force, as the server reports it. `expires_at`: unix seconds."""

    id: str | UnsetType | None = UNSET
    object: str | UnsetType | None = UNSET
    expires_at: int | UnsetType | None = UNSET


class TranscriptionSession(TranscriptionOnly, tag="transcription"):
    id: str | UnsetType | None = UNSET
    object: str | UnsetType | None = UNSET
    expires_at: int | UnsetType | None = UNSET


Session = RealtimeSession | TranscriptionSession
