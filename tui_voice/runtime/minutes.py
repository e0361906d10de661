"""Minutes of a saved talk: decisions, open questions, to-dos, by whoever writes its summaries."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

from tui_voice.config import Settings
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.errors import BackendError, TuiVoiceError
from tui_voice.realtime.adapter import Adapter
from tui_voice.realtime.close_reasons import CloseReason
from tui_voice.realtime.profile import Profile
from tui_voice.realtime.replies import Heard, OutOfBandResponse
from tui_voice.runtime.backends import backend_of
from tui_voice.runtime.connection import Connection
from tui_voice.runtime.factories import summariser_of
from tui_voice.runtime.summary_styles import MINUTES_STYLE
from tui_voice.runtime.timeouts import ConnectionTimeouts
from tui_voice.runtime.writers import OutOfBandRequest


def minutes(ledger: Ledger, settings: Settings) -> str:
    """Blocks until they are written; may start the embedded server for it. Raises
    `TuiVoiceError` where nobody can write them.
    """
    turns = tuple(
        x.SourceTurn(item_id=turn.id, role=turn.role, text=turn.heard_text)
        for turn in ledger.turns
        if turn.role in ("user", "assistant") and turn.heard_text
    )
    if not turns:
        raise TuiVoiceError("There is nothing in this talk to take minutes of.")
    summary = replace(settings.summary, style=MINUTES_STYLE)
    return asyncio.run(_written(turns, replace(settings, summary=summary)))


async def _written(turns: tuple[x.SourceTurn, ...], settings: Settings) -> str:
    request = x.RequestSummary(
        compaction_id="minutes", turns=turns, memory="", focus="", window=0, cause="minutes"
    )
    errand = _Errand(settings)
    try:
        answer = await summariser_of(settings).summarise(request, errand.ask)
    finally:
        await errand.end()
    if isinstance(answer, e.SummaryFailed):
        raise BackendError(f"Nobody wrote the minutes: {answer.reason}.", errand.hint)
    return answer.text


class _Errand:
    """A server session for one question; connected only when a writer really asks it."""

    def __init__(self, settings: Settings) -> None:
        backend = backend_of(settings)
        self._model = backend.model(settings)
        self._endpoint = backend.endpoint(settings)
        self._running: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._answer: asyncio.Future[OutOfBandResponse] | None = None
        self.hint = ""

    async def ask(self, aside: OutOfBandRequest) -> OutOfBandResponse:
        self._answer = asyncio.get_running_loop().create_future()
        try:
            connection = await self._connected()
        except CloseReason as end:
            self.hint = end.hint
            raise TuiVoiceError(end.reason, end.hint) from None
        connection.send(connection.adapter.aside(aside.turns, aside.prompt, aside.metadata))
        return await self._answer

    async def end(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError, CloseReason):
                await self._running
        if self._connection is not None:
            await self._connection.close()
        await self._endpoint.stop()

    async def _connected(self) -> Connection:
        if self._connection is None:
            profile = Profile(model=self._model, audio=False, turn_detection="manual")
            target = await self._endpoint.target()
            self._connection = await Connection.connect(
                target, profile, Adapter(audio=False), ConnectionTimeouts()
            )
            self._running = asyncio.create_task(self._connection.run(self._hear))
        return self._connection

    def _hear(self, heard: Heard) -> None:
        if (
            isinstance(heard, OutOfBandResponse)
            and self._answer is not None
            and not self._answer.done()
        ):
            self._answer.set_result(heard)
