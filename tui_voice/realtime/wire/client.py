"""All events that a client may send."""

from __future__ import annotations

from typing import Annotated, Any

from .base import UNSET, Tagged, UnsetType, Wire, at_most
from .items import InputItem, Item
from .session import (
    AudioFormat,
    Inf,
    MaxTokens,
    Modality,
    Reasoning,
    SessionUpdate,
    Tool,
    ToolChoice,
    Voice,
)

EventId = Annotated[str, at_most(512)]


class ClientMessage(Tagged, tag=""):
    """`event_id`: chosen by the client; an `error` event that answers it has the same one."""

    event_id: EventId | UnsetType | None = UNSET


class SessionUpdateEvent(ClientMessage, tag="session.update"):
    session: SessionUpdate


class InputAudioBufferAppend(
    ClientMessage, tag="input_audio_buffer.append", forbid_unknown_fields=True
):
    """`audio`: at most 15 MiB, in the session's input format."""

    audio: bytes


class InputAudioBufferCommit(ClientMessage, tag="input_audio_buffer.commit"): ...


class InputAudioBufferClear(ClientMessage, tag="input_audio_buffer.clear"): ...


class OutputAudioBufferClear(ClientMessage, tag="output_audio_buffer.clear"):
    """Exists only over WebRTC and SIP."""


class ConversationItemCreate(ClientMessage, tag="conversation.item.create"):
    """`previous_item_id`: absent for the end, `root` for the start, or an item's id."""

    item: Item
    previous_item_id: str | UnsetType | None = UNSET


class ConversationItemRetrieve(ClientMessage, tag="conversation.item.retrieve"):
    item_id: str


class ConversationItemTruncate(ClientMessage, tag="conversation.item.truncate"):
    """Deletes the item's audio after `audio_end_ms`, which the user did not hear."""

    item_id: str
    content_index: int
    audio_end_ms: int


class ConversationItemDelete(ClientMessage, tag="conversation.item.delete"):
    item_id: str


class ResponseAudioOutput(Wire):
    format: AudioFormat | UnsetType | None = UNSET
    voice: Voice | UnsetType | None = UNSET


class ResponseAudio(Wire):
    output: ResponseAudioOutput | UnsetType | None = UNSET


class ResponseParams(Wire):
    """Settings of this one response that differ from those of the session.

    `conversation`: with `none` the response is not added to the conversation. `input`: the model
    reads these items instead of the conversation; with [] it reads none. `metadata`: up to 16
    pairs of at most 64 and 512 characters, which the response has as well.
    """

    conversation: str | UnsetType | None = UNSET
    input: list[InputItem] | UnsetType | None = UNSET
    instructions: str | UnsetType | None = UNSET
    output_modalities: list[Modality] | UnsetType | None = UNSET
    audio: ResponseAudio | UnsetType | None = UNSET
    tools: list[Tool] | UnsetType | None = UNSET
    tool_choice: ToolChoice | UnsetType | None = UNSET
    max_output_tokens: MaxTokens | Inf | UnsetType | None = UNSET
    metadata: dict[str, str] | UnsetType | None = UNSET
    reasoning: Reasoning | UnsetType | None = UNSET
    parallel_tool_calls: bool | UnsetType | None = UNSET
    prompt: Any = UNSET


class ResponseCreate(ClientMessage, tag="response.create"):
    response: ResponseParams | UnsetType | None = UNSET


class ResponseCancel(ClientMessage, tag="response.cancel"):
    """Without `response_id` it cancels the active response of the conversation."""

    response_id: str | UnsetType | None = UNSET


ClientEvent = (
    SessionUpdateEvent
    | InputAudioBufferAppend
    | InputAudioBufferCommit
    | InputAudioBufferClear
    | OutputAudioBufferClear
    | ConversationItemCreate
    | ConversationItemRetrieve
    | ConversationItemTruncate
    | ConversationItemDelete
    | ResponseCreate
    | ResponseCancel
)
