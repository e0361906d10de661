"""Runs the further tasks of a session: an error in one of them ends the session."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


class BackgroundTasks:
    """Keeps references to running tasks, and the first error of any of them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed = asyncio.Event()
        self._failure: BaseException | None = None

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Runs `work` as a task until it ends or `cancel_all` is called."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def raise_failure(self) -> None:
        """Waits until a task fails, and raises its error. It never returns."""
        await self._failed.wait()
        assert self._failure is not None  # it was set before the event
        raise self._failure

    async def cancel_all(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failure = self._failure or failure
            self._failed.set()
