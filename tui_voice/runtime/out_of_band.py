"""Requests to the server outside its conversation, each with a future for its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tui_voice.protocol.messages import OutOfBandRequest, OutOfBandResponse, RetrieveItem
from tui_voice.runtime.connection import Connection


class OutOfBandRequests:
    """Keeps the requests that wait for an answer, by their keys."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[OutOfBandResponse]] = {}
        self.on_late: Callable[[OutOfBandResponse], None] = lambda _response: None
        """Takes a response that nobody waits for any more: it was paid for all the same."""

    async def ask(
        self, request: OutOfBandRequest | RetrieveItem, connection: Connection | None
    ) -> OutOfBandResponse:
        """Sends the request and returns its answer. Without a connection, or when it is lost, that
        is a response with the status `failed`.
        """
        if connection is None:
            return _failed(request.key, "there is no connection")
        answer: asyncio.Future[OutOfBandResponse] = asyncio.get_running_loop().create_future()
        self._waiting[request.key] = answer
        connection.send(request)
        try:
            return await answer
        finally:
            self._waiting.pop(request.key, None)

    def answered(self, response: OutOfBandResponse) -> None:
        """Passes the answer to the call of `ask` that waits for it, or to `on_late`."""
        waiting = self._waiting.pop(response.key, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(response)
        else:
            self.on_late(response)

    def fail_all(self, reason: str) -> None:
        """Answers all waiting requests with a failed response."""
        for key in tuple(self._waiting):
            self.answered(_failed(key, reason))


def _failed(key: str, reason: str) -> OutOfBandResponse:
    return OutOfBandResponse(key=key, text="", status="failed", reason=reason)
