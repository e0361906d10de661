"""Writes minutes, a ticket or a memory of a saved session, with the writers of its summaries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from tui_voice.config import Settings
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.conversation.turns import Turn
from tui_voice.errors import BackendError, TuiVoiceError
from tui_voice.protocol.close_reason import CloseReason
from tui_voice.protocol.messages import Incoming, OutOfBandRequest, OutOfBandResponse
from tui_voice.protocol.session_config import Pricing, ServerSessionConfig
from tui_voice.runtime import ticket as tickets
from tui_voice.runtime.backends import backend_of, keys_to_hide, with_chosen_backend
from tui_voice.runtime.connection import Connection
from tui_voice.runtime.factories import summariser_of
from tui_voice.runtime.out_of_band import OutOfBandRequests
from tui_voice.runtime.privacy import settings_for
from tui_voice.runtime.summariser import Summariser
from tui_voice.runtime.summary_styles import MINUTES_STYLE
from tui_voice.runtime.timeouts import ConnectionTimeouts
from tui_voice.runtime.writers import AskOutOfBand
from tui_voice.store.secrets import Redactor

T = TypeVar("T")
OnBilled = Callable[[e.WritingBilled], object]
"""Called with what the attempts cost, also where none of them could be used; not where nothing."""


def minutes(
    ledger: Ledger, settings: Settings, on_billed: OnBilled = lambda _billed: None
) -> tuple[str, str]:
    """Returns the minutes (decisions, open questions, to-dos), and the model that wrote them.

    Blocks until they are written, and may start the embedded server for that. Raises
    `TuiVoiceError` where no writer can write them, or where a private session would leave this
    machine for it.
    """
    request = _request("minutes", ledger.turns)
    settings = _for_writing(settings, ledger)
    summary = replace(settings.summary, style=MINUTES_STYLE, prompt=None, probe=False)
    return _summary(request, replace(settings, summary=summary), on_billed)


def memory(
    ledger: Ledger, settings: Settings, on_billed: OnBilled = lambda _billed: None
) -> tuple[str, str]:
    """Returns the memory of the whole session in the style of its summaries, and who wrote it.

    Like `minutes`, it blocks, and raises `TuiVoiceError`.
    """
    request = _request("a memory", ledger.unpruned(), ledger.memory)
    return _summary(request, _for_writing(settings, ledger), on_billed)


def ticket(
    ledger: Ledger, settings: Settings, on_billed: OnBilled = lambda _billed: None
) -> tuple[str, str]:
    """Returns the ticket as JSON, and the model that wrote it; "": it quotes the user.

    It quotes where no model writes one that follows `TICKET_SCHEMA`. Blocks like `minutes`. Raises
    `TuiVoiceError` where nothing was said, or where a private session would leave this machine.
    """
    request = _request("a ticket", ledger.turns)
    settings = _for_writing(settings, ledger)

    async def write(
        summariser: Summariser, ask: AskOutOfBand
    ) -> tuple[str, str, list[e.WritingBilled]]:
        return await summariser.ticket(request, ask)

    (text, source, billed), _hint = asyncio.run(_with_writers(settings, write))
    for one in billed:
        on_billed(one)
    whole = tickets.finished(text, source) if text else tickets.without_model(request.turns)
    return Redactor(keys_to_hide(settings)).text(whole), source


def _request(wanted: str, turns: Iterable[Turn], memory: str = "") -> x.RequestSummary:
    """Returns the request for a text about these turns, which is called `wanted` in a sentence.

    Raises `TuiVoiceError` where nothing was said.
    """
    said = tuple(
        x.SourceTurn(item_id=turn.id, role=turn.role, text=turn.heard_text)
        for turn in turns
        if turn.role in ("user", "assistant") and turn.heard_text
    )
    if not said:
        raise TuiVoiceError(f"There is nothing in this session that {wanted} could be written of.")
    name = wanted.removeprefix("a ")
    return x.RequestSummary(compaction_id=name, turns=said, memory=memory)


def _for_writing(settings: Settings, ledger: Ledger) -> Settings:
    return with_chosen_backend(settings_for(settings, ledger)[0])


def _summary(request: x.RequestSummary, settings: Settings, on_billed: OnBilled) -> tuple[str, str]:
    """Raises `BackendError` where no writer can write it."""

    async def write(summariser: Summariser, ask: AskOutOfBand) -> e.SummaryReady | e.SummaryFailed:
        return await summariser.summarise(request, ask)

    answer, hint = asyncio.run(_with_writers(settings, write))
    name = request.compaction_id
    usage = answer.usage if isinstance(answer, e.SummaryReady) else None
    if answer.usd or answer.unpriced:
        on_billed(e.WritingBilled(purpose=name, usd=answer.usd, usage=usage))
    if isinstance(answer, e.SummaryFailed):
        raise BackendError(f"No {name} was written: {answer.reason}.", hint)
    return Redactor(keys_to_hide(settings)).text(answer.text), answer.source


async def _with_writers(
    settings: Settings, write: Callable[[Summariser, AskOutOfBand], Awaitable[T]]
) -> tuple[T, str]:
    """Returns the answer, and what the user can do about a failed connection."""
    session = _OutOfBandSession(settings)
    try:
        answer = await write(summariser_of(settings), session.ask)
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
