"""Conversation items and their content parts.

Audio is `bytes` here and base64 on the wire. Model output is called `output_text` and
`output_audio` in items, `text` and `audio` in `response.content_part.*`: both spellings decode.
"""

from __future__ import annotations

from typing import Annotated, Any

from .base import UNSET, Tagged, UnsetType, Wire, one_of

Role = Annotated[str, one_of("system", "user", "assistant")]
Status = Annotated[str, one_of("completed", "incomplete", "in_progress")]
ObjectName = Annotated[str, one_of("realtime.item")]
Detail = Annotated[str, one_of("auto", "low", "high")]

MAX_ID_LENGTH = 32
"""Characters in the id of an item."""


class InputText(Tagged, tag="input_text"):
    text: str


class InputAudio(Tagged, tag="input_audio"):
    """The user's voice. `audio` comes from the server only in `conversation.item.retrieved`."""

    audio: bytes | UnsetType | None = UNSET
    transcript: str | UnsetType | None = UNSET


class InputImage(Tagged, tag="input_image"):
    """`image_url`: a data URI, png or jpeg."""

    image_url: str | UnsetType | None = UNSET
    detail: Detail | UnsetType | None = UNSET


class OutputText(Tagged, tag="output_text"):
    text: str | None = ""


class OutputAudio(Tagged, tag="output_audio"):
    """The model's voice; `transcript` is gone after a truncation."""

    audio: bytes | UnsetType | None = UNSET
    transcript: str | UnsetType | None = UNSET


class TextPart(Tagged, tag="text"):
    """`output_text` as `response.content_part.*` spells it."""

    text: str | None = ""


class AudioPart(Tagged, tag="audio"):
    """`output_audio` as `response.content_part.*` spells it."""

    audio: bytes | UnsetType | None = UNSET
    transcript: str | UnsetType | None = UNSET


ContentPart = InputText | InputAudio | InputImage | OutputText | OutputAudio | TextPart | AudioPart


def words(part: ContentPart) -> str:
    """The text or transcript of a part, "" where it has none (yet)."""
    match part:
        case InputText(text=text) | OutputText(text=text) | TextPart(text=text):
            return text or ""
        case InputImage():
            return ""
        case _:
            return part.transcript or ""


class Message(Tagged, tag="message"):
    """Something said or typed by one side, or by the system."""

    role: Role
    content: list[ContentPart]
    id: str | UnsetType | None = UNSET
    object: ObjectName | UnsetType | None = UNSET
    status: Status | UnsetType | None = UNSET

    def words(self) -> str:
        """All text and transcripts of the message."""
        return "".join(words(part) for part in self.content)


class FunctionCall(Tagged, tag="function_call"):
    """The model wants a function called; `arguments` is a JSON object as text."""

    name: str
    arguments: str
    call_id: str | UnsetType | None = UNSET
    id: str | UnsetType | None = UNSET
    object: ObjectName | UnsetType | None = UNSET
    status: Status | UnsetType | None = UNSET


class FunctionCallOutput(Tagged, tag="function_call_output"):
    """What the function of `call_id` returned."""

    call_id: str
    output: str
    id: str | UnsetType | None = UNSET
    object: ObjectName | UnsetType | None = UNSET
    status: Status | UnsetType | None = UNSET


class McpListTools(Tagged, tag="mcp_list_tools"):
    """Tools that a remote MCP server offers. We use no MCP; such items are only not refused."""

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
    """In the `input` of a response: an item of the conversation, by its id."""

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
    """One token of a transcript and how sure the recogniser was of it."""

    token: str
    logprob: float
    bytes: list[int] | None = None


class Language(Wire):
    """A language heard in a recording, such as `en`."""

    code: str
