"""The interface of one client session over one wire protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tui_voice.conversation import events as e
from tui_voice.protocol.messages import Incoming, Outgoing, Resend


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSessionInfo:
    """What the server says about the session that it has opened and configured."""

    server_session_id: str = ""
    model: str = ""
    expires_at: float | None = None
    """Unix seconds at which the server ends the session; None where it sets no limit."""
    essential_only: bool = False
    """The server refused the full configuration, so only the essential settings apply."""


class ProtocolClient(Protocol):
    """One server session, from opening the transport to closing it. It is used once.

    The caller opens, configures, then receives in one task and writes in another until one of
    them raises `CloseReason`. `encode` and `encode_audio` send nothing: they return frames, which
    the caller puts in a queue and hands to `write` one by one. They return at once, so that what
    they decide takes effect at once: after `encode(CancelResponse())` no more audio of that
    response is received, even where the queue is long. All methods belong to one event loop.
    """

    async def open(self, timeout_s: float, ping_s: float) -> None:
        """Opens the transport. `ping_s`: seconds between two pings, and how long an answer may
        take before the connection counts as broken. Raises `CloseReason`.
        """
        ...

    async def configure(self, timeout_s: float) -> ServerSessionInfo:
        """Asks the server for the session that was wanted and waits until it has acknowledged it.

        A server that refuses the settings which only some models know is asked again for the
        essential ones. Raises `CloseReason`.
        """
        ...

    async def receive(self) -> Sequence[Incoming | Resend]:
        """Waits for the next message of the server and returns what it means; [] for nothing.

        Raises `CloseReason` when the connection has ended.
        """
        ...

    def encode(self, outgoing: Outgoing) -> Sequence[bytes]:
        """Returns the frames that carry this out; [] for effects that the server has no part in."""
        ...

    def encode_audio(self, pcm: bytes) -> tuple[bytes, e.Event | None]:
        """Returns the frame for this audio of the microphone (16-bit PCM, mono, 24 kHz), and about
        once a second of speech an event with the length of the turn so far.
        """
        ...

    async def write(self, frame: bytes) -> None:
        """Sends one frame; waits while the connection is congested. Raises `CloseReason`."""
        ...

    async def check_alive(self, timeout_s: float) -> None:
        """Raises `CloseReason` where the server does not answer a ping in time."""
        ...

    def unfinished_replies(self) -> tuple[str, ...]:
        """Returns the ids of reply items of which some audio, but not the last, has come."""
        ...

    async def close(self) -> None:
        """Closes the transport; takes at most about a second."""
        ...
