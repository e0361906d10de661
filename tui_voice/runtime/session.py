"""A talk that runs: the one door every fact passes, on a loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation, Received, Snapshot
from tui_voice.conversation.limits import Limits
from tui_voice.errors import StoreError
from tui_voice.runtime.session_handle import Meters
from tui_voice.runtime.write_barrier import WriteBarrier

CLOSE_TIMEOUT_S = 8.0
SHORTEST_ALARM_S = 0.05

T = TypeVar("T")


class Record(Protocol):
    """Where facts are kept: a journal, or nothing for a talk that is only replayed."""

    @property
    def path(self) -> Path: ...

    def append(self, event: e.Event) -> object: ...

    def sync(self) -> Future[bool]:
        """Done when all that was appended is on disk (True), or cannot be for now (False)."""
        ...

    def finish(self) -> object:
        """Raises `StoreError`, which tells where it is, if not all of it could be saved."""
        ...

    @property
    def unsaved(self) -> int: ...


class Backend(Protocol):
    """Supplies facts and carries out intentions. All methods are called on the session's loop."""

    def start(self, post: Callable[[e.Event], None]) -> Coroutine[Any, Any, None]:
        """Runs until cancelled. Facts go to `post`, on the loop."""
        ...

    def perform(self, effect: x.Effect) -> None: ...

    def seen(self, now: Snapshot) -> None:
        """The talk after each batch of facts, for whoever waits for a silence."""
        ...

    def meters(self) -> Meters:
        """From any thread."""
        ...

    async def retrieve(self, item_id: str) -> str | None:
        """The words of an item as the server has it; None where it has none."""
        ...

    async def stop(self) -> None: ...


ROUNDS_TO_CLOSE = 3
"""A connection that was cut off gives back its socket some rounds of the loop later."""


class Session:
    """A `SessionHandle`. `base`: seconds since the session was first opened (0: new). `manual`: the
    talk key makes the turn, not VAD. `keep_stamps`: for facts that are replayed. `clean`: takes
    out of a fact what nobody may see.
    """

    def __init__(
        self,
        session_id: str,
        conversation: Conversation,
        record: Record,
        backend: Backend,
        base: float = 0.0,
        manual: bool = False,
        keep_stamps: bool = False,
        clean: Callable[[e.Event], e.Event] = lambda event: event,
    ) -> None:
        self.id = session_id
        self.path = record.path
        self._conversation = conversation
        self._record = record
        self._backend = backend
        self._base = base
        self._began = time.monotonic()
        self._manual = manual
        self._keep_stamps = keep_stamps
        self._clean = clean
        self._first: tuple[e.Event, ...] = ()
        self._queue: deque[e.Event] = deque()
        self._dispatching = False
        self._subscribers: list[Callable[[Snapshot], None]] = []
        self._listeners: list[Callable[[e.Event], None]] = []
        self._latest = conversation.snapshot
        self._loop = asyncio.new_event_loop()
        self._perform = WriteBarrier(record.sync, backend.perform, self._loop)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._unsaved: StoreError | None = None
        self._main: asyncio.Task[None] | None = None
        self._leaving = False
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="talk", daemon=True)

    # ── the door: from any thread ───────────────────────────────────────────────────────────

    @property
    def limits(self) -> Limits:
        return self._conversation.limits

    def begin_with(self, *events: e.Event) -> None:
        """Facts that come before anything the backend says; before `start`."""
        self._first = events

    def start(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def post(self, event: e.Event) -> None:
        """A fact from outside. After the end of the talk it is dropped."""
        self._soon(self._posted, event)

    def subscribe(self, on_snapshot: Callable[[Snapshot], None]) -> Snapshot:
        self._subscribers.append(on_snapshot)
        return self._latest

    def listen(self, on_fact: Callable[[e.Event], None]) -> None:
        """Every fact as it is journaled from now on, in the talk's own thread."""
        self._listeners.append(on_fact)

    def call(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Runs something on the talk's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def meters(self) -> Meters:
        return replace(self._backend.meters(), unsaved=self._record.unsaved)

    def held(self) -> frozenset[str]:
        """Ids of the turns that the model has now. From any thread."""
        return frozenset(turn.id for turn in self._latest.ledger.held())

    def retrieve(self, item_id: str) -> Future[str | None]:
        """What the server itself holds under this id, words alone; None where it holds nothing."""
        return self.call(self._backend.retrieve(item_id))

    def set_limits(self, limits: Limits) -> None:
        self._soon(self._limit, limits)

    def close(self) -> None:
        """Ends the talk; returns when everything is on disk. A second call does nothing. Raises
        `StoreError` where the disk did not take all of it, or what had ended the talk before, if
        something had.
        """
        self._soon(self._leave)
        if self._thread.is_alive():
            self._thread.join(CLOSE_TIMEOUT_S)
        unsaved, self._unsaved = self._unsaved, None
        failure, self._failure = self._failure, None
        if unsaved is not None:
            raise unsaved from failure
        if failure is not None:
            raise failure

    def _soon(self, call: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: the talk is over
            self._loop.call_soon_threadsafe(call, *arguments)

    # ── on the loop ─────────────────────────────────────────────────────────────────────────

    def dispatch(self, event: e.Event) -> None:
        """Stamps, journals and folds one fact, carries out what follows, publishes.

        What an effect posts while it is carried out waits its turn, so order is kept. Once the
        user has left nothing more happens.
        """
        if self._leaving:
            return
        self._queue.append(event)
        if self._dispatching:
            return
        self._dispatching = True
        try:
            while self._queue:
                self._take(self._clean(self._stamped(self._queue.popleft())))
        finally:
            self._dispatching = False
        self._latest = self._conversation.snapshot
        self._backend.seen(self._latest)
        for tell in self._subscribers:
            tell(self._latest)
        self._set_alarm()

    def _take(self, event: e.Event) -> None:
        """Applies one event. All of its events are journaled before any effect is performed."""
        if self._keep_stamps:
            self._conversation.replay(event)
            received = Received((event,), ())
        else:
            received = self._conversation.receive(event)
        for applied in received.events:
            self._record.append(applied)
            if isinstance(applied, e.ConnectionLost | e.ConnectionOpened):
                self._perform.forget()
            for hear in self._listeners:
                hear(applied)
        for effect in received.effects:
            self._perform(effect)

    def _posted(self, event: e.Event) -> None:
        """From outside there is no task that an error of ours could end."""
        try:
            self.dispatch(event)
        except Exception as error:  # noqa: BLE001  (told to whoever closes the talk)
            self._failure = self._failure or error
            self._tell_failure(error)
            if self._main is not None:
                self._main.cancel()

    def _limit(self, limits: Limits) -> None:
        self._conversation.limits = limits
        self._set_alarm()

    def _set_alarm(self) -> None:
        """What waits for its time is told when it has come."""
        if self._keep_stamps or self._leaving:
            return
        due = self._conversation.wakes_at
        if due == self._alarm_at:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._alarm_at = None, due
        if due is not None:
            wait = max(SHORTEST_ALARM_S, due - self._now())
            self._alarm = self._loop.call_later(wait, self._ring)

    def _ring(self) -> None:
        self._alarm_at = None
        self._posted(e.TimePassed())

    def _now(self) -> float:
        return self._base + time.monotonic() - self._began

    def _stamped(self, event: e.Event) -> e.Event:
        if self._keep_stamps:
            return event
        if isinstance(event, e.TalkPressed):  # who presses need not know how turns are taken
            event = replace(event, manual=self._manual)
        return replace(event, at=round(self._now(), 3))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._live())
        except BaseException as error:  # noqa: BLE001  (told to whoever closes the talk)
            self._failure = self._failure or error
        finally:
            self._ready.set()
            self._loop.run_until_complete(self._clear_away())
            self._loop.close()

    async def _live(self) -> None:
        try:
            for event in self._first:
                self.dispatch(event)
            self._main = asyncio.create_task(self._backend.start(self.dispatch), name="backend")
            self._loop.call_soon(self._ready.set)
            await asyncio.wait({self._main})
            if not self._main.cancelled() and (failure := self._main.exception()) is not None:
                self._tell_failure(failure)
                raise failure
        finally:
            if self._alarm is not None:
                self._alarm.cancel()
            try:
                await self._backend.stop()
            finally:
                self._leaving = True
                try:
                    self._record.finish()
                except StoreError as error:
                    self._unsaved = error

    def _tell_failure(self, failure: BaseException) -> None:
        """The last fact of a talk that an error of ours ends, so that the user sees why."""
        text = f"The talk ended by an error of this program: {type(failure).__name__}: {failure}"
        with suppress(Exception):  # the door itself may be what broke
            self.dispatch(e.Noticed(text=text, severity="error"))

    async def _clear_away(self) -> None:
        """What others still ran on the loop ends with it."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for _ in range(ROUNDS_TO_CLOSE):
            await asyncio.sleep(0)
        await self._loop.shutdown_asyncgens()

    def _leave(self) -> None:
        if not self._leaving:
            self.dispatch(e.SessionClosed())
            self._leaving = True
        if self._main is not None:
            self._main.cancel()
