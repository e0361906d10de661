"""What passes between a session and a protocol client, in both directions.

Conversation events and effects are the larger part; the rest are values that are no events since
they are not journaled: audio, and requests to the server outside the conversation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e

# ── from the server ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """The next audio of a reply item: 16-bit PCM, mono, 24 kHz."""

    item_id: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class AudioEnd:
    """The audio of this reply item is complete."""

    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfBandResponse:
    """The answer to the `OutOfBandRequest` or `RetrieveItem` with the same `key`."""

    key: str
    text: str
    status: str
    """`completed`, or why it is not: `failed`, `cancelled`, `incomplete`."""
    usage: e.Usage | None = None
    reason: str = ""
    """Why it is not completed, in the server's words; "" where it did not say."""


Incoming = e.Event | AudioChunk | AudioEnd | OutOfBandResponse


@dataclass(frozen=True, slots=True)
class Resend:
    """The server refused an effect that can be carried out in this other form, or at this later
    time: send that."""

    effect: x.Effect


# ── to the server ───────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfBandRequest:
    """Asks the model of the server session for a text outside the conversation.

    The model reads `turns` and then `prompt`.
    """

    key: str
    """Chosen by the caller; the `OutOfBandResponse` has the same one."""
    turns: Sequence[tuple[str, str]]
    """Role and text of each turn."""
    prompt: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What the text is for, as `realtime.wire.contract.ResponseMetadata` writes it. A server that
    understands it, such as the embedded one, need not guess that from the prompt; a wire protocol
    without metadata leaves it out.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolAnswer:
    """The output of a function call; it becomes the item `item_id`."""

    item_id: str
    call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class RetrieveItem:
    """Asks for the text of an item as the server has it."""

    item_id: str

    @property
    def key(self) -> str:
        """The key of the `OutOfBandResponse` that answers it."""
        return f"retrieve:{self.item_id}"


Outgoing = x.Effect | OutOfBandRequest | ToolAnswer | RetrieveItem
