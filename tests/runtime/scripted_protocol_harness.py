"""A second implementation of `ProtocolClient`: a model in this process, with no wire at all.

It repeats each turn of the user. A frame is the number of the message that it carries, so that
the queue of the connection is used as with a real protocol.

    server = ScriptedServer()
    async with running_session("", tmp_path, new_client=server.new_client) as harness:
        await harness.say("hello")
        server.clients[-1].lose(CloseReason("the cable was cut"))
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from tui_voice.audio.pcm_format import BYTES_PER_MS
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.protocol.client import ProtocolClient, ServerSessionInfo
from tui_voice.protocol.close_reason import CloseReason
from tui_voice.protocol.messages import (
    AudioChunk,
    AudioEnd,
    Incoming,
    Outgoing,
    OutOfBandRequest,
    OutOfBandResponse,
    Resend,
    RetrieveItem,
    ToolAnswer,
)
from tui_voice.protocol.session_config import Pricing, ServerSessionConfig

REPLY_MS = 100
"""Milliseconds of audio of each reply."""
SUMMARY = "The user said hello."
USAGE = e.Usage(input_text=10, output_text=2)


@dataclass
class ScriptedServer:
    """Makes the clients of a session. Each of them is one connection.

    `refusals`: raised by the first attempts to open, in order. `expires_at`: unix seconds at
    which the first server session ends.
    """

    refusals: list[CloseReason] = field(default_factory=list)
    expires_at: float | None = None
    essential_only: bool = False
    clients: list[ScriptedClient] = field(default_factory=list)
    """Those that were opened, in order."""

    def new_client(
        self, _address: object, config: ServerSessionConfig, pricing: Pricing
    ) -> ScriptedClient:
        return ScriptedClient(self, config, pricing)


class ScriptedEndpoint:
    """An endpoint whose server is in this process."""

    loading = engines = ""

    def __init__(self) -> None:
        self.server = ScriptedServer()

    async def new_client(self, config: ServerSessionConfig, pricing: Pricing) -> ProtocolClient:
        return ScriptedClient(self.server, config, pricing)

    async def stop(self) -> None:
        """Does nothing: there is no process to stop."""


class ScriptedClient:
    """Implements `ProtocolClient`. `items`: texts of the conversation on this connection."""

    def __init__(
        self, server: ScriptedServer, config: ServerSessionConfig, pricing: Pricing
    ) -> None:
        self.server = server
        self.config = config
        self.pricing = pricing
        self.items: dict[str, str] = {}
        self.written: list[Outgoing] = []
        self.audio = bytearray()
        """What was written of the microphone's audio."""
        self.checks = 0
        """Number of calls of `check_alive`."""
        self.alive = True
        self.closed = False
        self._outgoing: list[Outgoing | bytes] = []
        self._incoming: asyncio.Queue[Sequence[Incoming | Resend] | CloseReason] = asyncio.Queue()
        self._replies = 0

    def lose(self, reason: CloseReason) -> None:
        """Ends the connection; call it on the session's loop."""
        self._incoming.put_nowait(reason)

    # ── ProtocolClient ──────────────────────────────────────────────────────────────────────

    async def open(self, timeout_s: float, ping_s: float) -> None:
        assert timeout_s > 0
        assert ping_s > 0
        if self.server.refusals:
            raise self.server.refusals.pop(0)

    async def configure(self, timeout_s: float) -> ServerSessionInfo:
        assert timeout_s > 0
        self.server.clients.append(self)
        number = len(self.server.clients)
        return ServerSessionInfo(
            server_session_id=f"scripted_{number}",
            model=self.config.model,
            expires_at=self.server.expires_at if number == 1 else None,
            essential_only=self.server.essential_only,
        )

    async def receive(self) -> Sequence[Incoming | Resend]:
        incoming = await self._incoming.get()
        if isinstance(incoming, CloseReason):
            raise incoming
        return incoming

    def encode(self, outgoing: Outgoing) -> Sequence[bytes]:
        self._outgoing.append(outgoing)
        return [str(len(self._outgoing) - 1).encode()]

    def encode_audio(self, pcm: bytes) -> tuple[bytes, e.Event | None]:
        self._outgoing.append(pcm)
        return str(len(self._outgoing) - 1).encode(), None

    async def write(self, frame: bytes) -> None:
        outgoing = self._outgoing[int(frame)]
        if isinstance(outgoing, bytes):
            self.audio += outgoing
            return
        self.written.append(outgoing)
        self._incoming.put_nowait(self._answer(outgoing))

    async def check_alive(self, timeout_s: float) -> None:
        assert timeout_s > 0
        self.checks += 1
        if not self.alive:
            raise CloseReason("the scripted server sleeps")

    def unfinished_replies(self) -> tuple[str, ...]:
        return ()

    async def close(self) -> None:
        self.closed = True

    # ── the model ───────────────────────────────────────────────────────────────────────────

    def _answer(self, outgoing: Outgoing) -> Sequence[Incoming | Resend]:
        match outgoing:
            case x.CreateItem(item_id=item_id, text=text):
                self.items[item_id] = text
                return [e.ItemPlaced(item_id=item_id)]
            case x.DeleteItem(item_id=item_id):
                self.items.pop(item_id, None)
                return [e.ItemDeleted(item_id=item_id)]
            case x.CommitInput():
                return self._commit()
            case x.CreateResponse():
                return self._reply()
            case OutOfBandRequest(key=key):
                return [OutOfBandResponse(key=key, text=SUMMARY, status="completed", usage=USAGE)]
            case RetrieveItem(item_id=item_id):
                text = self.items.get(item_id)
                status = "failed" if text is None else "completed"
                return [OutOfBandResponse(key=outgoing.key, text=text or "", status=status)]
            case ToolAnswer(item_id=item_id, output=output):
                self.items[item_id] = output
                return [e.ItemPlaced(item_id=item_id)]
            case _:
                return []

    def _commit(self) -> Sequence[Incoming]:
        """The user's words are the length of the audio, for example `40 ms`."""
        item_id = f"spoken_{len(self.items)}"
        text = self.items[item_id] = f"{len(self.audio) // BYTES_PER_MS} ms"
        self.audio.clear()
        return [
            e.SpeechCommitted(item_id=item_id),
            e.TurnAdded(item_id=item_id, role="user"),
            e.TranscriptDone(item_id=item_id, text=text),
        ]

    def _reply(self) -> Sequence[Incoming]:
        """The reply repeats the newest item."""
        self._replies += 1
        response_id = f"response_{len(self.server.clients)}_{self._replies}"
        item_id = f"reply_{len(self.server.clients)}_{self._replies}"
        text = self.items[item_id] = list(self.items.values())[-1]
        return [
            e.ResponseStarted(response_id=response_id),
            e.TurnAdded(item_id=item_id, role="assistant"),
            e.TranscriptGrew(item_id=item_id, text=text),
            AudioChunk(item_id, bytes(REPLY_MS * BYTES_PER_MS)),
            e.AudioReceived(item_id=item_id, response_id=response_id, audio_ms=REPLY_MS),
            e.TranscriptDone(item_id=item_id, text=text),
            AudioEnd(item_id),
            e.ResponseDone(
                response_id=response_id, usage=USAGE, usd=self.pricing.reply(USAGE), audio=True
            ),
        ]
