"""Implements `protocol.client.ProtocolClient` for the Realtime API over a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from websockets import ConnectionClosed

from tui_voice.conversation import events as e
from tui_voice.conversation.effects import SetNames, SetTurnDetection, TuneTurnDetection
from tui_voice.protocol.client import ServerSessionInfo
from tui_voice.protocol.close_reason import CloseReason
from tui_voice.protocol.messages import Incoming, Outgoing, Resend
from tui_voice.protocol.session_config import Pricing, ServerSessionConfig
from tui_voice.realtime import close_reasons
from tui_voice.realtime.event_translator import EventTranslator
from tui_voice.realtime.session_update import (
    names_update,
    session_update,
    turn_detection_update,
)
from tui_voice.realtime.transport import ServerAddress, WebSocketTransport
from tui_voice.realtime.wire import decode_server, encode, server

INCLUDE = "include"
"""The field of a session that only some servers and transcription models know."""


class RealtimeClient:
    """One server session at `address`, configured as `config` says."""

    def __init__(
        self, address: ServerAddress, config: ServerSessionConfig, pricing: Pricing
    ) -> None:
        self._address = address
        self._config = config
        automatic = config.turn_detection
        self._automatic = automatic if automatic != "manual" else "server_vad"
        self._translator = EventTranslator(
            audio=config.audio,
            manual=config.manual,
            pricing=pricing,
            uncertain_below=config.uncertain_below,
        )
        self._opened: WebSocketTransport | None = None
        self._essential_only = False
        """The server refused what only some servers know, names for the transcription among it."""

    async def open(self, timeout_s: float, ping_s: float) -> None:
        self._opened = await WebSocketTransport.open(self._address, timeout_s, ping_s)

    async def configure(self, timeout_s: float) -> ServerSessionInfo:
        """Waits for `session.created`, sends our `session.update`, waits for `session.updated`."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._configure()
        except TimeoutError:
            error = self._translator.last_error
            raise CloseReason(
                (error.message if error else "")
                or f"{self._address.public_url} accepted the connection and then sent nothing"
            ) from None
        except ConnectionClosed as closed:
            raise self._close_reason(closed) from None

    async def _configure(self) -> ServerSessionInfo:
        session_id, expires_at, essential_only = "", None, False
        while True:
            event = decode_server(await self._transport.receive())
            match event:
                case (
                    server.SessionCreated(session=session) | server.SessionUpdated(session=session)
                ):
                    session_id = session.id if isinstance(session.id, str) else session_id
                    if isinstance(session.expires_at, int):
                        expires_at = float(session.expires_at)
                    if isinstance(event, server.SessionUpdated):
                        return ServerSessionInfo(
                            server_session_id=session_id,
                            model=self._config.model,
                            expires_at=expires_at,
                            essential_only=essential_only,
                        )
                    await self._transport.send(encode(session_update(self._config)))
                case server.Error(error=error):
                    self._translator.last_error = error
                    if not _is_about_session_update(error):
                        continue
                    if INCLUDE in (error.param or error.message) and self._config.uncertain_below:
                        self._config = replace(self._config, uncertain_below=0.0)
                        await self._transport.send(encode(session_update(self._config)))
                        continue
                    if essential_only:
                        raise CloseReason(
                            f"the server refused our settings: {error.message}",
                            fatal=True,
                            hint="Look at them with `tui-voice config show`.",
                        )
                    essential_only = self._essential_only = True
                    await self._transport.send(encode(session_update(self._config.essential())))

    async def receive(self) -> Sequence[Incoming | Resend]:
        try:
            frame = await self._transport.receive()
        except ConnectionClosed as closed:
            raise self._close_reason(closed) from None
        return self._translator.receive(decode_server(frame))

    def encode(self, outgoing: Outgoing) -> Sequence[bytes]:
        if isinstance(outgoing, SetTurnDetection):
            detection = "manual" if outgoing.manual else self._automatic
            self._config = replace(self._config, turn_detection=detection)
            self._translator.manual = outgoing.manual
            return [encode(turn_detection_update(self._config))]
        if isinstance(outgoing, TuneTurnDetection):
            self._automatic = outgoing.chosen.detection
            self._config = self._config.tuned(outgoing.chosen)
            return [encode(turn_detection_update(self._config))]
        if isinstance(outgoing, SetNames):
            self._config = replace(self._config, names=outgoing.names)
            return [] if self._essential_only else [encode(names_update(self._config))]
        return [encode(event) for event in self._translator.encode(outgoing)]

    def encode_audio(self, pcm: bytes) -> tuple[bytes, e.Event | None]:
        event, grew = self._translator.encode_audio(pcm)
        return encode(event), grew

    async def write(self, frame: bytes) -> None:
        try:
            await self._transport.send(frame)
        except ConnectionClosed as closed:
            raise self._close_reason(closed) from None

    async def check_alive(self, timeout_s: float) -> None:
        try:
            if await self._transport.answers_ping(timeout_s):
                return
        except ConnectionClosed as closed:
            raise self._close_reason(closed) from None
        raise CloseReason("the server did not answer after this machine woke up")

    def unfinished_replies(self) -> tuple[str, ...]:
        return self._translator.unfinished_replies()

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()

    @property
    def _transport(self) -> WebSocketTransport:
        assert self._opened is not None, "open() comes before everything else"
        return self._opened

    def _close_reason(self, closed: ConnectionClosed) -> CloseReason:
        last = self._translator.last_error
        code, message = (last.code or "", last.message) if last else ("", "")
        return close_reasons.closed(closed, self._address.key_hint, code, message)


def _is_about_session_update(error: server.ErrorDetail) -> bool:
    """Returns whether the error answers our `session.update`. Servers that do not send back the
    `event_id` name a field of the session in `param`.
    """
    return error.event_id == "update" or (
        error.event_id is None and (error.param or "").startswith("session")
    )
