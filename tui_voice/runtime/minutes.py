"""Writes the minutes of a saved session with the writers that also write its summaries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from tui_voice.config import Settings
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.errors import BackendError, TuiVoiceError
from tui_voice.protocol.close_reason import CloseReason
from tui_voice.protocol.messages import Incoming, OutOfBandRequest, OutOfBandResponse
from tui_voice.protocol.session_config import Pricing, ServerSessionConfig
from tui_voice.runtime.backends import backend_of, keys_to_hide, with_chosen_backend
from tui_voice.runtime.connection import Connection
from tui_voice.runtime.factories import summariser_of
from tui_voice.runtime.out_of_band import OutOfBandRequests
from tui_voice.runtime.privacy import settings_for
from tui_voice.runtime.summary_styles import MINUTES_STYLE
from tui_voice.runtime.timeouts import ConnectionTimeouts
from tui_voice.store.secrets import Redactor


def minutes(
    ledger: Ledger, settings: Settings, on_cost: Callable[[float], None] = lambda _usd: None
) -> str:
    """Returns the minutes: decisions, open questions, to-dos.

    `on_cost`: called with USD of all attempts, also where none of them could be used.
    Blocks until they are written, and may start the embedded server for that. Raises
    `TuiVoiceError` where no writer can write them, or where a private session would leave this
    machine for it.
    """
    turns = tuple(
        x.SourceTurn(item_id=turn.id, role=turn.role, text=turn.heard_text)
        for turn in ledger.turns
        if turn.role in ("user", "assistant") and turn.heard_text
    )
    if not turns:
        raise TuiVoiceError("There is nothing in this session that minutes could be written of.")
    settings = with_chosen_backend(settings_for(settings, ledger)[0])
    summary = replace(settings.summary, style=MINUTES_STYLE, probe=False)
    answer, hint = asyncio.run(_write(turns, replace(settings, summary=summary)))
    if answer.usd:
        on_cost(answer.usd)
    if isinstance(answer, e.SummaryFailed):
        raise BackendError(f"No minutes were written: {answer.reason}.", hint)
    return Redactor(keys_to_hide(settings)).text(answer.text)


async def _write(
    turns: tuple[x.SourceTurn, ...], settings: Settings
) -> tuple[e.SummaryReady | e.SummaryFailed, str]:
    """Returns the answer, and what the user can do about a failed connection."""
    request = x.RequestSummary(compaction_id="minutes", turns=turns, memory="")
    session = _OutOfBandSession(settings)
    try:
        answer = await summariser_of(settings).summarise(request, session.ask)
    finally:
        await session.close()
    return answer, session.hint


class _OutOfBandSession:
    """A server session of its own, which is opened at the first request."""

    def __init__(self, settings: Settings) -> None:
        backend = backend_of(settings)
        self._config = ServerSessionConfig(
            model=backend.model(settings), audio=False, turn_detection="manual"
        )
        self._endpoint = backend.endpoint(settings)
        self._questions = OutOfBandRequests()
        self._running: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self.hint = ""
        """What the user can do about a failed connection."""

    async def ask(self, request: OutOfBandRequest) -> OutOfBandResponse:
        """Raises `TuiVoiceError` where there is no connection to the server."""
        try:
            connection = await self._connect()
        except CloseReason as reason:
            self.hint = reason.hint
            raise TuiVoiceError(reason.reason, reason.hint) from None
        return await self._questions.ask(request, connection)

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError, CloseReason):
                await self._running
        if self._connection is not None:
            await self._connection.close()
        await self._endpoint.stop()

    async def _connect(self) -> Connection:
        if self._connection is None:
            client = await self._endpoint.new_client(self._config, Pricing())
            self._connection = await Connection.open(client, ConnectionTimeouts())
            self._running = asyncio.create_task(self._connection.run(self._received))
        return self._connection

    def _received(self, incoming: Incoming) -> None:
        if isinstance(incoming, OutOfBandResponse):
            self._questions.answered(incoming)
