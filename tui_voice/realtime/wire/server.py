"""All events that a server may send.

A field that a client can do without has a default, so that the events of older, newer and other
servers decode as well.
"""

from __future__ import annotations

from typing import Any

from .base import UNSET, Tagged, UnsetType, Wire
from .items import AudioPart, Item, Language, LogProb, OutputAudio, OutputText, TextPart
from .session import AudioFormat, Inf, Modality, Session, Voice
from .usage import RateLimit, TranscriptionUsage, Usage


class ServerMessage(Tagged, tag=""):
    event_id: str = ""


class Unknown(Wire):
    """An event of an unknown type, or one that cannot be decoded; `raw` is the frame."""

    type: str
    raw: bytes


class ErrorDetail(Wire):
    """`event_id`: that of the client's event with the error. `param`: path of the wrong field."""

    message: str = ""
    type: str = ""
    code: str | None = None
    param: str | None = None
    event_id: str | None = None


class Error(ServerMessage, tag="error"):
    error: ErrorDetail


class SessionCreated(ServerMessage, tag="session.created"):
    session: Session


class SessionUpdated(ServerMessage, tag="session.updated"):
    session: Session


class Conversation(Wire):
    id: str | None = None
    object: str | None = None


class ConversationCreated(ServerMessage, tag="conversation.created"):
    conversation: Conversation


class RateLimitsUpdated(ServerMessage, tag="rate_limits.updated"):
    rate_limits: list[RateLimit]


class InputAudioBufferSpeechStarted(ServerMessage, tag="input_audio_buffer.speech_started"):
    """`audio_start_ms`: start of the turn in the audio of this session, with prefix padding."""

    item_id: str
    audio_start_ms: int = 0


class InputAudioBufferSpeechStopped(ServerMessage, tag="input_audio_buffer.speech_stopped"):
    """`audio_end_ms`: end of the turn in the audio of this session, with the closing silence."""

    item_id: str
    audio_end_ms: int = 0


class InputAudioBufferTimeoutTriggered(ServerMessage, tag="input_audio_buffer.timeout_triggered"):
    item_id: str
    audio_start_ms: int = 0
    audio_end_ms: int = 0


class InputAudioBufferCommitted(ServerMessage, tag="input_audio_buffer.committed"):
    item_id: str
    previous_item_id: str | None = None


class InputAudioBufferCleared(ServerMessage, tag="input_audio_buffer.cleared"): ...


class InputAudioBufferDtmfEventReceived(
    ServerMessage, tag="input_audio_buffer.dtmf_event_received"
):
    event: str = ""
    received_at: int = 0


class _ItemEvent(ServerMessage, tag=""):
    item: Item
    previous_item_id: str | None = None


class ConversationItemAdded(_ItemEvent, tag="conversation.item.added"): ...


class ConversationItemDone(_ItemEvent, tag="conversation.item.done"): ...


class ConversationItemCreated(_ItemEvent, tag="conversation.item.created"):
    """The former name of `conversation.item.added`, which some servers still send."""


class ConversationItemRetrieved(ServerMessage, tag="conversation.item.retrieved"):
    item: Item


class ConversationItemTruncated(ServerMessage, tag="conversation.item.truncated"):
    item_id: str
    content_index: int = 0
    audio_end_ms: int = 0


class ConversationItemDeleted(ServerMessage, tag="conversation.item.deleted"):
    item_id: str


class _TranscriptionEvent(ServerMessage, tag=""):
    item_id: str
    content_index: int | None = 0


class TranscriptionDelta(
    _TranscriptionEvent, tag="conversation.item.input_audio_transcription.delta"
):
    delta: str | None = ""
    logprobs: list[LogProb] | UnsetType | None = UNSET


class TranscriptionCompleted(
    _TranscriptionEvent, tag="conversation.item.input_audio_transcription.completed"
):
    transcript: str = ""
    usage: TranscriptionUsage | None = None
    languages: list[Language] | UnsetType | None = UNSET
    logprobs: list[LogProb] | UnsetType | None = UNSET


class TranscriptionError(Wire):
    type: str | None = None
    code: str | None = None
    message: str | None = None
    param: str | None = None


class TranscriptionFailed(
    _TranscriptionEvent, tag="conversation.item.input_audio_transcription.failed"
):
    error: TranscriptionError | None = None


class TranscriptionSegment(
    _TranscriptionEvent, tag="conversation.item.input_audio_transcription.segment"
):
    """What one speaker said, from a model that tells speakers apart. `start`, `end`: seconds."""

    id: str = ""
    text: str = ""
    speaker: str = ""
    start: float = 0.0
    end: float = 0.0


class StatusError(Wire):
    type: str | None = None
    code: str | None = None
    message: str | UnsetType | None = UNSET


class StatusDetails(Wire):
    """Why a response was cancelled, failed or is incomplete."""

    type: str | None = None
    reason: str | UnsetType | None = UNSET
    error: StatusError | UnsetType | None = UNSET


class VoicedOutput(Wire):
    format: AudioFormat | None = None
    voice: Voice | None = None


class VoicedAudio(Wire):
    output: VoicedOutput | None = None


class Response(Wire):
    """`status`: in_progress, completed, cancelled, incomplete or failed.

    `conversation_id` is None for an out-of-band response. `usage` may be None or zero where the
    response was not completed.
    """

    object: str | None = "realtime.response"
    id: str | None = None
    status: str | None = None
    status_details: StatusDetails | None = None
    output: list[Item] | None = None
    conversation_id: str | None = None
    output_modalities: list[Modality] | None = None
    max_output_tokens: int | Inf | None = None
    audio: VoicedAudio | None = None
    usage: Usage | None = None
    metadata: dict[str, str] | None = None


class ResponseCreated(ServerMessage, tag="response.created"):
    response: Response


class ResponseDone(ServerMessage, tag="response.done"):
    response: Response


class _OutputEvent(ServerMessage, tag=""):
    response_id: str
    output_index: int = 0


class ResponseOutputItemAdded(_OutputEvent, tag="response.output_item.added"):
    item: Item


class ResponseOutputItemDone(_OutputEvent, tag="response.output_item.done"):
    item: Item


class _PartEvent(_OutputEvent, tag=""):
    item_id: str
    content_index: int = 0


class ResponseContentPartAdded(_PartEvent, tag="response.content_part.added"):
    part: TextPart | AudioPart | OutputText | OutputAudio


class ResponseContentPartDone(_PartEvent, tag="response.content_part.done"):
    part: TextPart | AudioPart | OutputText | OutputAudio


class ResponseOutputTextDelta(_PartEvent, tag="response.output_text.delta"):
    delta: str


class ResponseOutputTextDone(_PartEvent, tag="response.output_text.done"):
    text: str = ""


class ResponseOutputAudioTranscriptDelta(_PartEvent, tag="response.output_audio_transcript.delta"):
    delta: str


class ResponseOutputAudioTranscriptDone(_PartEvent, tag="response.output_audio_transcript.done"):
    transcript: str = ""


class ResponseOutputAudioDelta(_PartEvent, tag="response.output_audio.delta"):
    """`delta`: audio in the output format of the response."""

    delta: bytes


class ResponseOutputAudioDone(_PartEvent, tag="response.output_audio.done"): ...


class _CallEvent(_OutputEvent, tag=""):
    item_id: str
    call_id: str


class ResponseFunctionCallArgumentsDelta(_CallEvent, tag="response.function_call_arguments.delta"):
    delta: str


class ResponseFunctionCallArgumentsDone(_CallEvent, tag="response.function_call_arguments.done"):
    """`arguments`: a JSON object as text."""

    arguments: str
    name: str = ""


class OutputAudioBufferStarted(ServerMessage, tag="output_audio_buffer.started"):
    """Exists only over WebRTC and SIP."""

    response_id: str


class OutputAudioBufferStopped(ServerMessage, tag="output_audio_buffer.stopped"):
    """Exists only over WebRTC and SIP."""

    response_id: str


class OutputAudioBufferCleared(ServerMessage, tag="output_audio_buffer.cleared"):
    """Exists only over WebRTC and SIP."""

    response_id: str


class _McpListEvent(ServerMessage, tag=""):
    item_id: str


class McpListToolsInProgress(_McpListEvent, tag="mcp_list_tools.in_progress"): ...


class McpListToolsCompleted(_McpListEvent, tag="mcp_list_tools.completed"): ...


class McpListToolsFailed(_McpListEvent, tag="mcp_list_tools.failed"): ...


class _McpArgumentsEvent(_OutputEvent, tag=""):
    item_id: str


class ResponseMcpCallArgumentsDelta(_McpArgumentsEvent, tag="response.mcp_call_arguments.delta"):
    delta: str
    obfuscation: Any = UNSET


class ResponseMcpCallArgumentsDone(_McpArgumentsEvent, tag="response.mcp_call_arguments.done"):
    arguments: str


class _McpCallEvent(ServerMessage, tag=""):
    item_id: str
    output_index: int = 0


class ResponseMcpCallInProgress(_McpCallEvent, tag="response.mcp_call.in_progress"): ...


class ResponseMcpCallCompleted(_McpCallEvent, tag="response.mcp_call.completed"): ...


class ResponseMcpCallFailed(_McpCallEvent, tag="response.mcp_call.failed"): ...


KnownServerEvent = (
    Error
    | SessionCreated
    | SessionUpdated
    | ConversationCreated
    | RateLimitsUpdated
    | InputAudioBufferSpeechStarted
    | InputAudioBufferSpeechStopped
    | InputAudioBufferTimeoutTriggered
    | InputAudioBufferCommitted
    | InputAudioBufferCleared
    | InputAudioBufferDtmfEventReceived
    | ConversationItemAdded
    | ConversationItemDone
    | ConversationItemCreated
    | ConversationItemRetrieved
    | ConversationItemTruncated
    | ConversationItemDeleted
    | TranscriptionDelta
    | TranscriptionCompleted
    | TranscriptionFailed
    | TranscriptionSegment
    | ResponseCreated
    | ResponseDone
    | ResponseOutputItemAdded
    | ResponseOutputItemDone
    | ResponseContentPartAdded
    | ResponseContentPartDone
    | ResponseOutputTextDelta
    | ResponseOutputTextDone
    | ResponseOutputAudioTranscriptDelta
    | ResponseOutputAudioTranscriptDone
    | ResponseOutputAudioDelta
    | ResponseOutputAudioDone
    | ResponseFunctionCallArgumentsDelta
    | ResponseFunctionCallArgumentsDone
    | OutputAudioBufferStarted
    | OutputAudioBufferStopped
    | OutputAudioBufferCleared
    | McpListToolsInProgress
    | McpListToolsCompleted
    | McpListToolsFailed
    | ResponseMcpCallArgumentsDelta
    | ResponseMcpCallArgumentsDone
    | ResponseMcpCallInProgress
    | ResponseMcpCallCompleted
    | ResponseMcpCallFailed
)
ServerEvent = KnownServerEvent | Unknown
