"""A running session: an event loop, in a thread of its own, through which every event passes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from msgspec import structs

from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation, Snapshot
from tui_voice.conversation.limits import Limits
from tui_voice.conversation.turns import Turns
from tui_voice.errors import StoreError
from tui_voice.runtime.approvals import Approvals
from tui_voice.runtime.attachments import attach
from tui_voice.runtime.saved_turns import SavedEvents, SavedTurns
from tui_voice.runtime.session_handle import Decision, Meters
from tui_voice.runtime.write_barrier import WriteBarrier

CLOSE_TIMEOUT_S = 8.0
MIN_TIMER_S = 0.05
LOOP_TURNS_TO_CLOSE = 3
"""Number of turns of the event loop after which the sockets of cancelled tasks are closed."""

T = TypeVar("T")


class EventLog(Protocol):
    """Where events are stored: a journal, or nothing when a session is replayed."""

    @property
    def path(self) -> Path: ...

    def append(self, event: e.Event) -> object: ...

    def sync(self) -> Future[bool]:
        """Returns a future: True once all appended events are on disk, False if they cannot be
        written for now.
        """
        ...

    def finish(self) -> object:
        """Writes the rest. Raises `StoreError`, which names the rescue file, where that fails."""
        ...

    @property
    def unsaved(self) -> int:
        """Number of events that are not on disk because it does not take them."""
        ...


class SessionBackend(Protocol):
    """Supplies events and performs effects. All methods but `meters` run on the session's loop."""

    def start(self, post: Callable[[e.Event], None]) -> Coroutine[Any, Any, None]:
        """Runs until cancelled, and hands each event to `post`."""
        ...

    def perform(self, effect: x.Effect) -> None: ...

    def snapshot_changed(self, snapshot: Snapshot) -> None:
        """Called with the snapshot after each batch of events."""
        ...

    def meters(self) -> Meters:
        """May be called from any thread."""
        ...

    async def retrieve(self, item_id: str) -> str | None:
        """Returns the text of an item as the server has it, None where the server has none."""
        ...

    async def stop(self) -> None: ...


class Session:
    """A `SessionHandle` of a live or replayed session.

    `process` takes each event through the same steps: stamp, filter, journal, conversation,
    effects, subscribers. Subscribers see a turn as complete once it is on disk.
    """

    def __init__(
        self,
        session_id: str,
        conversation: Conversation,
        log: EventLog,
        backend: SessionBackend,
        base: float = 0.0,
        manual: bool = False,
        keep_stamps: bool = False,
        clean: Callable[[e.Event], Iterable[e.Event]] = lambda event: (event,),
        first: Sequence[e.Event] = (),
        on_unused: Callable[[], None] | None = None,
    ) -> None:
        """`base`: seconds since the session was first opened, 0 for a new one. `manual`: the talk
        key ends a turn, not turn detection. `keep_stamps`: the events are recorded ones, with their
        time. `clean`: the event without API keys. `first`: events before those of the backend.
        `on_unused`: called at the end of a session in which nothing was said.
        """
        self.id = session_id
        self.path = log.path
        self._conversation = conversation
        self._log = log
        self._backend = backend
        self._base = base
        self._began = time.monotonic()
        self._manual = manual
        self._keep_stamps = keep_stamps
        self._clean = clean
        self._first = first
        self._on_unused = on_unused
        self._queue: deque[e.Event] = deque()
        self._processing = False
        self.approvals: Approvals | None = None
        """The function calls that wait for the user; set it before the session is started."""
        self._subscribers: list[Callable[[Snapshot], None]] = []
        self._listeners: list[Callable[[e.Event], None]] = []
        self._saved_events = SavedEvents()
        self._saved_turns = SavedTurns(conversation.ledger.turns)
        self._syncing = False
        """A sync is under way after which more can be published."""
        self._on_end: list[Callable[[], None]] = []
        self._latest = conversation.snapshot
        self._loop = asyncio.new_event_loop()
        self._barrier = WriteBarrier(log.sync, backend.perform, self._loop)
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._unsaved: StoreError | None = None
        self._backend_task: asyncio.Task[None] | None = None
        self._closing = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due: float | None = None
        self._thread = threading.Thread(target=self._run, name="session", daemon=True)

    # ── called from any thread ──────────────────────────────────────────────────────────────

    @property
    def limits(self) -> Limits:
        return self._conversation.limits

    def start(self) -> Self:
        """Starts the session's thread; returns once its loop takes events."""
        self._thread.start()
        self._ready.wait()
        return self

    def post(self, event: e.Event) -> None:
        """Hands in an event. After the end of the session it is dropped."""
        self._call_on_loop(self._process_posted, event)

    def subscribe(self, on_snapshot: Callable[[Snapshot], None]) -> Snapshot:
        self._subscribers.append(on_snapshot)
        return self._latest

    def listen(self, on_event: Callable[[e.Event], None]) -> None:
        """Hands every event journaled from now on to `on_event`, on the session's thread."""
        self._listeners.append(on_event)

    def listen_saved(self, on_event: Callable[[e.Event], None]) -> None:
        """Hands every event to `on_event` like `listen`, but what completes a turn, and what
        follows it, only once that is on disk.
        """
        self._saved_events.listen(on_event)

    def on_end(self, callback: Callable[[], None]) -> None:
        """Calls `callback`, on the session's thread, once the session has ended for any reason.

        Register it before `start`, so that no end is missed.
        """
        self._on_end.append(callback)

    @property
    def ended(self) -> bool:
        """Whether the session has ended: no event is taken and no snapshot follows any more."""
        return self._loop.is_closed()

    @property
    def is_saved(self) -> bool:
        """Whether no complete turn waits for the disk before subscribers see it as complete."""
        return self._latest.ledger.turns is self._conversation.ledger.turns

    @property
    def failure(self) -> BaseException | None:
        """The error that ended the session; None while it runs, and after `close`."""
        return self._failure

    def call(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Runs a coroutine on the session's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def seconds(self) -> float:
        """Returns the seconds since the session was first opened: the time of an event now."""
        return self._now()

    def meters(self) -> Meters:
        waiting = self.approvals.oldest if self.approvals is not None else None
        return replace(self._backend.meters(), unsaved=self._log.unsaved, approval=waiting)

    def attach(self, file: Path | None) -> str:
        attached = attach(self.path, file)
        self.post(attached)
        return attached.item_id

    def decide(self, number: int, decision: Decision) -> None:
        """Answers the request `Meters.approval`."""
        if self.approvals is not None:
            self._call_on_loop(self.approvals.answer, number, decision)

    def held(self) -> frozenset[str]:
        """Returns the ids of the turns that the model has in its window now."""
        return frozenset(turn.id for turn in self._latest.ledger.held())

    def retrieve(self, item_id: str) -> Future[str | None]:
        """Returns the text of an item as the server has it, None where the server has none."""
        return self.call(self._backend.retrieve(item_id))

    def set_limits(self, limits: Limits) -> None:
        self._call_on_loop(self._apply_limits, limits)

    def close(self) -> None:
        """Ends the session; on return everything is on disk. A second call does nothing.

        Raises `StoreError` where the disk did not take everything, or else the error that had
        ended the session before.
        """
        self._call_on_loop(self._close_on_loop)
        if self._thread.is_alive():
            self._thread.join(CLOSE_TIMEOUT_S)
        unsaved, self._unsaved = self._unsaved, None
        failure, self._failure = self._failure, None
        if unsaved is not None:
            raise unsaved from failure
        if failure is not None:
            raise failure

    def _call_on_loop(self, function: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: the session is over
            self._loop.call_soon_threadsafe(function, *arguments)

    # ── on the session's loop ───────────────────────────────────────────────────────────────

    def process(self, event: e.Event) -> None:
        """Takes an event, and the events that its effects post, through all steps.

        An event that is posted while an effect is performed waits in the queue, which keeps the
        order. After `SessionClosed` nothing is processed.
        """
        if self._closing:
            return
        self._queue.append(event)
        if self._processing:
            return
        self._processing = True
        try:
            while self._queue:
                for clean in self._clean(self._stamped(self._queue.popleft())):
                    self._process_one(clean)
        finally:
            self._processing = False
        self._backend.snapshot_changed(self._conversation.snapshot)
        self._publish()
        self._set_timer()

    def _publish(self) -> None:
        """Hands subscribers the newest snapshot, in which turns that are not on disk are open."""
        now = self._conversation.snapshot
        turns = now.ledger.turns
        shown = turns if self._keep_stamps else self._saved_turns.published(turns)
        if shown is not turns:
            now = replace(now, ledger=structs.replace(now.ledger, turns=shown))
        self._latest = now
        for on_snapshot in self._subscribers:
            on_snapshot(now)
        if shown is not turns or self._saved_events:
            self._sync_to_publish()

    def _publish_if_held_back(self) -> None:
        """Publishes again if the last snapshot showed turns as open that were not on disk."""
        if self._latest.ledger.turns is not self._conversation.ledger.turns:
            self._publish()
        elif self._saved_events:
            self._sync_to_publish()

    def _sync_to_publish(self) -> None:
        """Publishes again once everything that is now in the journal's queue is on disk."""
        if self._syncing or self._closing:
            return
        self._syncing = True
        turns, count = self._conversation.ledger.turns, len(self._saved_events)
        self._log.sync().add_done_callback(
            lambda saved: self._call_on_loop(self._publish_saved, turns, count, saved.result())
        )

    def _publish_saved(self, turns: Turns, count: int, saved: bool) -> None:
        """Takes note that these turns, and the first `count` saved events, are on disk.

        `saved` False: the disk refuses. Everything is published then; the notice that says so is
        among the events, and comes before the turns.
        """
        self._syncing = False
        if not saved:
            turns, count = self._conversation.ledger.turns, len(self._saved_events)
        self._saved_turns.saved = turns
        try:
            self._saved_events.release(count)
            self._publish_if_held_back()
        except Exception as error:  # noqa: BLE001  (`close` raises it)
            self._end_after(error)

    def _process_one(self, event: e.Event) -> None:
        """Journals and applies one event, journals its decisions, and performs the effects.

        The event is journaled first, so that it is not lost if applying it fails.
        """
        self._record(event)
        if self._keep_stamps:
            self._conversation.replay(event)
            return
        received = self._conversation.receive(event)
        for decision in received.events[1:]:
            self._record(decision)
        for effect in received.effects:
            self._barrier.perform(effect)

    def _record(self, event: e.Event) -> None:
        """Journals an event and hands it to the listeners."""
        self._log.append(event)
        self._saved_events.add(event)
        if isinstance(event, e.ConnectionLost | e.ConnectionOpened):
            self._barrier.drop_waiting()
        for on_event in self._listeners:
            on_event(event)

    def _process_posted(self, event: e.Event) -> None:
        """Processes an event from another thread; an error ends the session like one of a task."""
        try:
            self.process(event)
        except Exception as error:  # noqa: BLE001  (`close` raises it)
            self._end_after(error)

    def _end_after(self, error: Exception) -> None:
        """Ends the session because of an error, which `close` raises."""
        self._failure = self._failure or error
        self._report_failure(error)
        if self._backend_task is not None:
            self._backend_task.cancel()

    def _apply_limits(self, limits: Limits) -> None:
        self._conversation.limits = limits
        self._set_timer()

    def _set_timer(self) -> None:
        """Sets the timer for the moment at which the conversation wants a `TimePassed`."""
        if self._keep_stamps or self._closing:
            return
        due = self._conversation.wakes_at
        if due == self._timer_due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_due = None, due
        if due is not None:
            wait = max(MIN_TIMER_S, due - self._now())
            self._timer = self._loop.call_later(wait, self._on_timer)

    def _on_timer(self) -> None:
        self._timer_due = None
        self._process_posted(e.TimePassed())

    def _now(self) -> float:
        """Returns seconds since the session was first opened."""
        return self._base + time.monotonic() - self._began

    def _stamped(self, event: e.Event) -> e.Event:
        """Returns the event with its time. `TalkPressed` also gets the `manual` setting."""
        if self._keep_stamps:
            return event
        if isinstance(event, e.TalkPressed):
            mode = self._conversation.situation.microphone.mode
            event = replace(event, manual=mode != "hands-free" if mode else self._manual)
        return replace(event, at=round(self._now(), 3))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._run_backend())
        except BaseException as error:  # noqa: BLE001  (`close` raises it)
            self._failure = self._failure or error
        finally:
            self._ready.set()
            self._loop.run_until_complete(self._cancel_remaining_tasks())
            self._loop.close()
            for callback in self._on_end:
                callback()

    async def _run_backend(self) -> None:
        try:
            for event in self._first:
                self.process(event)
            self._backend_task = asyncio.create_task(
                self._backend.start(self.process), name="backend"
            )
            self._loop.call_soon(self._ready.set)
            await asyncio.wait({self._backend_task})
            if self._backend_task.cancelled():
                return
            if (failure := self._backend_task.exception()) is not None:
                self._report_failure(failure)
                raise failure
        finally:
            if self._timer is not None:
                self._timer.cancel()
            try:
                await self._backend.stop()
            finally:
                self._closing = True
                try:
                    self._log.finish()
                    self._forget_if_unused()
                except StoreError as error:
                    self._unsaved = error
                self._publish_rest()

    def _forget_if_unused(self) -> None:
        """Keeps no session in which nothing was said."""
        ledger = self._conversation.ledger
        given = {event.text for event in self._first if isinstance(event, e.MemoryEdited)}
        used = len(ledger.turns) or (ledger.memory and ledger.memory not in given)
        if self._on_unused is not None and not used:
            self._on_unused()

    def _publish_rest(self) -> None:
        """Publishes what waited for the disk when the session ended: it is on disk now, or the
        error that `close` raises says where it is.
        """
        self._saved_turns.saved = self._conversation.ledger.turns
        self._saved_events.release(len(self._saved_events))
        self._publish_if_held_back()

    def _report_failure(self, failure: BaseException) -> None:
        """Adds a last notice, so that the user sees why the session ended."""
        error = f"{type(failure).__name__}: {failure}"
        text = f"The session ended because of an error in this program: {error}"
        with suppress(Exception):  # `process` itself may be what fails
            self.process(e.Noticed(text=text, severity="error"))

    async def _cancel_remaining_tasks(self) -> None:
        """Cancels all other tasks on the loop, and lets their sockets close."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(LOOP_TURNS_TO_CLOSE):
            await asyncio.sleep(0)
        await self._loop.shutdown_asyncgens()

    def _close_on_loop(self) -> None:
        if not self._closing:
            self.process(e.SessionClosed())
            self._closing = True
        if self._backend_task is not None:
            self._backend_task.cancel()
