"""Asks the user whether the model may call a function of a tool server."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from itertools import count
from pathlib import Path

from tui_voice.runtime.session_handle import ApprovalRequest, Decision

APPROVAL_TIMEOUT_S = 120.0
"""Seconds after which an unanswered request is refused."""


class Approvals:
    """The calls of one session that wait for a decision, oldest first.

    `remembered`: a JSON file with the functions that the user allowed for good. `can_ask`: False
    where no screen could ask, as in `say`; then every request is refused.
    """

    def __init__(self, remembered: Path, *, can_ask: bool) -> None:
        self._path = remembered
        self._can_ask = can_ask
        self._numbers = count(1)
        self._waiting: dict[int, tuple[ApprovalRequest, asyncio.Future[Decision]]] = {}

    @property
    def oldest(self) -> ApprovalRequest | None:
        """The request to show now. May be read from any thread."""
        return next((request for request, _ in tuple(self._waiting.values())), None)

    async def allowed(self, server: str, function: str, arguments: str) -> bool:
        """Returns whether the user allows this call now, or has allowed the function for good."""
        if [server, function] in self._remembered():
            return True
        if not self._can_ask:
            return False
        request = ApprovalRequest(next(self._numbers), server, function, arguments)
        answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._waiting[request.number] = request, answer
        try:
            async with asyncio.timeout(APPROVAL_TIMEOUT_S):
                decision = await answer
        except TimeoutError:
            return False
        finally:
            del self._waiting[request.number]
        if decision == "always":
            self._remember(server, function)
        return decision != "refuse"

    def answer(self, number: int, decision: Decision) -> None:
        """Answers a request; one that no longer waits is ignored. Call it on the session's loop."""
        if number in self._waiting and not (future := self._waiting[number][1]).done():
            future.set_result(decision)

    def _remembered(self) -> list[list[str]]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return found if isinstance(found, list) else []

    def _remember(self, server: str, function: str) -> None:
        text = json.dumps([*self._remembered(), [server, function]], indent=1)
        with suppress(OSError):  # the user is asked again next time
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._path.write_text(text, encoding="utf-8")
