"""Conversation items and their content parts.

Audio is `bytes` here and base64 on the wire. The output of the model has the type `output_text` or
`output_audio` in items, and `text` or `audio` in `response.content_part.*`; both decode.
"""

from __future__ import annotations

from typing import Annotated, Any

from .base import UNSET, Tagged, UnsetType, Wire, one_of

Role = Annotated[str, one_of("system", "user", "assistant")]
Status = Annotated[str, one_of("completed", "incomplete", "in_progress")]
ObjectName = Annotated[str, one_of("realtime.item")]
Detail = Annotated[str, one_of("auto", "low", "high")]

MAX_ID_LENGTH = 32
"""Characters of an item id ("Invalid 'item.id': string too long", Realtime API)."""


class InputText(Tagged, tag="input_text"):
    text: str


class InputAudio(Tagged, tag="input_audio"):
    """Audio of the user. A server sends `audio` only in `conversation.item.retrieved`."""

    audio: bytes | UnsetType | None = UNSET
    transcript: str | UnsetType | None = UNSET


class InputImage(Tagged, tag="input_image"):
    """`image_url`: a data URI, png or jpeg."""

    image_url: str | UnsetType | None = UNSET
    detail: Detail | UnsetType | None = UNSET


class OutputText(Tagged, tag="output_text"):
    text: str | None = ""


class OutputAudio(Tagged, tag="output_audio"):
    """Audio of the model. The item has no `transcript` any more after it was truncated."""

    audio: bytes | UnsetType | None = UNSET
    transcript: str | UnsetType | None = UNSET


class TextPart(Tagged, tag="text"):
    """`output_text` in `response.content_part.*`."""

    text: str | None = ""


class AudioPart(Tagged, tag="audio"):
    """`output_audio` in `response.content_part.*`."""

    audio: bytes | UnsetType | None = UNSET
    transcript: str | UnsetType | None = UNSET


ContentPart = InputText | InputAudio | InputImage | OutputText | OutputAudio | TextPart | AudioPart


def words(part: ContentPart) -> str:
    """Returns the text or transcript of a part; "" where it has none, or none yet."""
    match part:
        case InputText(text=text) | OutputText(text=text) | TextPart(text=text):
            return text or ""
        case InputImage():
            return ""
        case _:
            return part.transcript or ""


class Message(Tagged, tag="message"):
    """What the user, the assistant or the system said or wrote."""

    role: Role
    content: list[ContentPart]
    id: str | UnsetType | None = UNSET
    object: ObjectName | UnsetType | None = UNSET
    status: Status | UnsetType | None = UNSET

    def words(self) -> str:
        """Returns the texts and transcripts of all parts."""
        return "".join(words(part) for part in self.content)


class FunctionCall(Tagged, tag="function_call"):
    """The model calls a function; `arguments` is a JSON object as text."""

    name: str
    arguments: str
    call_id: str | UnsetType | None = UNSET
    id: str | UnsetType | None = UNSET
    object: ObjectName | UnsetType | None = UNSET
    status: Status | UnsetType | None = UNSET


class FunctionCallOutput(Tagged, tag="function_call_output"):
    """The output of the function call with this `call_id`."""

    call_id: str
    output: str
    id: str | UnsetType | None = UNSET
    object: ObjectName | UnsetType | None = UNSET
    status: Status | UnsetType | None = UNSET


class McpListTools(Tagged, tag="mcp_list_tools"):
    """Tools of a remote MCP server. We do not use MCP; the type lets such items decode."""

    server_label: str
    tools: list[Any]
    id: str | UnsetType | None = UNSET


class McpCall(Tagged, tag="mcp_call"):
    id: str
    name: str
    arguments: str
    server_label: str
    approval_request_id: str | UnsetType | None = UNSET
    output: str | UnsetType | None = UNSET
    error: Any = None


class McpApprovalRequest(Tagged, tag="mcp_approval_request"):
    id: str
    name: str
    arguments: str
    server_label: str


class McpApprovalResponse(Tagged, tag="mcp_approval_response"):
    id: str
    approval_request_id: str
    approve: bool
    reason: str | UnsetType | None = UNSET


class ItemReference(Tagged, tag="item_reference"):
    """Names an item of the conversation in the `input` of a response."""

    id: str


Item = (
    Message
    | FunctionCall
    | FunctionCallOutput
    | McpListTools
    | McpCall
    | McpApprovalRequest
    | McpApprovalResponse
)
InputItem = Item | ItemReference


class LogProb(Wire):
    """The log probability of one token of a transcript."""

    token: str
    logprob: float
    bytes: list[int] | None = None


class Language(Wire):
    """A language that was recognised in the audio, for example `en`."""

    code: str
