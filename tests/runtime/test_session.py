"""Order, time stamps and journaling of events, and how a session ends when an error occurs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.session_harness import running_session, toy_server
from tui_voice.conversation import effects as x
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation, Snapshot
from tui_voice.conversation.limits import default_limits
from tui_voice.runtime.session import Session
from tui_voice.runtime.session_handle import Meters


@dataclass
class MemoryLog:
    """An event log in memory."""

    path: Path = Path("nowhere.jsonl")
    events: list[e.Event] = field(default_factory=list)
    closed: int = 0
    unsaved: int = 7

    def append(self, event: e.Event) -> None:
        assert not self.closed, "an event after the log was closed"
        self.events.append(event)

    def sync(self) -> Future[bool]:
        done: Future[bool] = Future()
        done.set_result(True)
        return done

    def finish(self) -> None:
        self.closed += 1


class ScriptedBackend:
    """A backend that does what a test says. `first`: events that it posts at the start."""

    def __init__(self, *first: e.Event) -> None:
        self.first = first
        self.performed: list[x.Effect] = []
        self.post: Callable[[e.Event], None]
        self.on_effect: Callable[[x.Effect], None] = lambda _: None
        self.fails: BaseException | None = None
        self.stopped = threading.Event()

    async def start(self, post: Callable[[e.Event], None]) -> None:
        self.post = post
        for event in self.first:
            post(event)
        if self.fails is not None:
            raise self.fails
        await asyncio.Event().wait()

    def perform(self, effect: x.Effect) -> None:
        self.performed.append(effect)
        self.on_effect(effect)

    def snapshot_changed(self, now: Snapshot) -> None: ...

    def meters(self) -> Meters:
        return Meters(microphone=0.5)

    async def stop(self) -> None:
        self.stopped.set()


def make_session(backend: ScriptedBackend, log: MemoryLog, **more: Any) -> Session:
    return Session("id", Conversation(), log, backend, **more)


def names(log: MemoryLog) -> list[str]:
    return [event.name for event in log.events]


def test_events_that_an_effect_leads_to_come_after_the_event_in_progress() -> None:
    backend, log = ScriptedBackend(e.ConnectionOpened()), MemoryLog()

    def answer(effect: x.Effect) -> None:
        if isinstance(effect, x.CreateItem):  # while the event that led to it is still processed
            backend.post(e.ItemPlaced(item_id=effect.item_id))
            backend.post(e.Noticed(text="second"))

    backend.on_effect = answer
    session = make_session(backend, log).start()
    snapshots: list[Snapshot] = []
    listened: list[e.Event] = []
    session.subscribe(snapshots.append)
    session.listen(listened.append)
    session.post(e.TextSubmitted(item_id="t", text="hi"))
    session.close()
    assert names(log) == [
        "connection_opened",
        "text_submitted",
        "item_placed",
        "noticed",
        "session_closed",
    ]
    assert [type(effect) for effect in backend.performed] == [x.CreateItem, x.CreateResponse]
    # Subscribers got one snapshot for all of it, one once it was on disk, and one at the end.
    assert [len(now.ledger.notices) for now in snapshots] == [1, 1, 1]
    assert listened == log.events[1:]


def test_a_turn_is_complete_for_subscribers_only_once_it_is_on_disk() -> None:
    syncs: list[Future[bool]] = []

    class SlowLog(MemoryLog):
        def sync(self) -> Future[bool]:
            syncs.append(Future())
            return syncs[-1]

    backend, log = ScriptedBackend(e.ConnectionOpened()), SlowLog()
    session = make_session(backend, log).start()
    shown: list[list[str]] = []
    saved: list[e.Event] = []

    def wait_for_loop() -> None:
        session.call(asyncio.sleep(0)).result(10)

    def on_snapshot(now: Snapshot) -> None:
        shown.append([turn.words for turn in now.ledger.turns])

    wait_for_loop()
    session.subscribe(on_snapshot)
    session.listen_saved(saved.append)
    session.post(e.TalkPressed())
    wait_for_loop()
    assert [event.name for event in saved] == ["talk_pressed"]  # completes nothing: no wait
    session.post(e.TextSubmitted(item_id="a", text="hi"))
    session.post(e.TranscriptGrew(item_id="r", text="he"))
    session.post(e.TurnAdded(item_id="r", role="assistant"))
    session.post(e.TranscriptDone(item_id="r", text="hello"))
    wait_for_loop()
    assert shown[-1] == ["open", "open"]
    assert len(saved) == 1
    for sync in syncs:  # the first ones may have been asked for before the reply was complete
        sync.set_result(True)
        wait_for_loop()
    assert shown[-1] == ["done", "done"]
    assert [event.name for event in saved][1:] == [
        *("text_submitted", "transcript_grew", "turn_added", "transcript_done")
    ]
    session.post(e.TextSubmitted(item_id="b", text="a last word"))
    session.close()
    assert shown[-1] == ["done", "done", "done"]  # the log is closed, so it is on disk
    assert saved == log.events[1:]


def test_where_the_disk_refuses_the_notice_of_it_comes_before_the_turn_is_complete() -> None:
    class FullLog(MemoryLog):
        def sync(self) -> Future[bool]:
            session.post(e.Noticed(text="the disk is full", severity="error"))
            refused: Future[bool] = Future()
            refused.set_result(False)
            return refused

    backend, log = ScriptedBackend(e.ConnectionOpened()), FullLog()
    session = make_session(backend, log)
    seen: list[str] = []
    complete = threading.Event()

    def on_snapshot(now: Snapshot) -> None:
        seen.extend(turn.words for turn in now.ledger.turns)
        if "done" in seen:
            complete.set()

    session.listen_saved(lambda event: seen.append(event.name))
    session.subscribe(on_snapshot)
    session.start()
    session.post(e.TextSubmitted(item_id="a", text="hi"))
    assert complete.wait(30)
    session.close()
    assert seen.index("noticed") < seen.index("done")


def test_events_are_stamped_once_by_the_session_and_in_order() -> None:
    backend, log = ScriptedBackend(e.ConnectionOpened(at=99.0)), MemoryLog()
    session = make_session(backend, log, base=1000.0).start()
    for number in range(20):
        session.post(e.TextSubmitted(item_id=f"t{number}", text="hi"))
    session.close()
    stamps = [event.at for event in log.events]
    assert stamps == sorted(stamps)
    assert 1000.0 <= stamps[0] < stamps[-1] + 0.001 < 1060.0


@pytest.mark.parametrize("manual", [True, False])
def test_a_press_of_the_talk_key_is_journaled_with_how_turns_end(manual: bool) -> None:
    backend, log = ScriptedBackend(e.ConnectionOpened()), MemoryLog()
    session = make_session(backend, log, manual=manual).start()
    session.post(e.TalkPressed())
    session.close()
    [pressed] = [event for event in log.events if isinstance(event, e.TalkPressed)]
    assert pressed.manual is manual


def test_the_first_events_come_before_those_of_the_backend() -> None:
    backend, log = ScriptedBackend(e.ConnectionOpened()), MemoryLog()
    first = (e.SessionResumed(backend="b", model="m"), e.Noticed(text="torn"))
    make_session(backend, log, first=first).start().close()
    assert names(log) == ["session_resumed", "noticed", "connection_opened", "session_closed"]


def test_closing_stops_the_backend_and_closes_the_log_once() -> None:
    backend, log = ScriptedBackend(e.ConnectionOpened()), MemoryLog()
    session = make_session(backend, log).start()
    session.close()
    session.close()
    session.post(e.Noticed(text="too late"))
    session.set_limits(session.limits)
    assert backend.stopped.is_set()
    assert log.closed == 1
    assert names(log) == ["connection_opened", "session_closed"]
    assert not any(thread.name == "session" for thread in threading.enumerate())


def test_events_after_the_close_are_dropped() -> None:
    backend, log = ScriptedBackend(e.ConnectionOpened()), MemoryLog()

    async def stop() -> None:
        backend.post(e.ConnectionLost(reason="we left"))

    backend.stop = stop  # type: ignore[method-assign]  # it posts while it stops
    make_session(backend, log).start().close()
    assert names(log) == ["connection_opened", "session_closed"]


def test_tasks_on_the_loop_are_cancelled_at_the_end() -> None:
    backend, log = ScriptedBackend(e.ConnectionOpened()), MemoryLog()
    session = make_session(backend, log).start()
    future = session.call(asyncio.sleep(3600))
    session.close()
    assert future.cancelled()


def test_meters_have_the_number_of_events_that_are_not_on_disk() -> None:
    backend, log = ScriptedBackend(e.ConnectionOpened()), MemoryLog()
    session = make_session(backend, log).start()
    assert (session.meters().microphone, session.meters().unsaved) == (0.5, 7)
    session.close()


class BrokenError(Exception): ...


def test_an_error_of_the_backend_ends_the_session_with_a_notice() -> None:
    backend, log = ScriptedBackend(e.ConnectionOpened()), MemoryLog()
    backend.fails = BrokenError("oh")
    session = make_session(backend, log).start()
    assert backend.stopped.wait(10)
    with pytest.raises(BrokenError):
        session.close()
    session.close()  # raised once
    [notice] = [event for event in log.events if isinstance(event, e.Noticed)]
    assert (notice.severity, "BrokenError: oh" in notice.text) == ("error", True)
    assert (backend.stopped.is_set(), log.closed) == (True, 1)


def test_an_error_while_a_posted_event_is_processed_ends_the_session() -> None:
    backend, log = ScriptedBackend(e.ConnectionOpened()), MemoryLog()

    def fail(_effect: x.Effect) -> None:
        raise BrokenError("oh")

    backend.on_effect = fail
    session = make_session(backend, log).start()
    session.post(e.TextSubmitted(item_id="t", text="hi"))
    with pytest.raises(BrokenError):
        session.close()
    assert names(log)[:2] == ["connection_opened", "text_submitted"]
    assert log.closed == 1


def test_an_event_is_journaled_although_applying_it_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend, log = ScriptedBackend(e.ConnectionOpened()), MemoryLog()
    session = make_session(backend, log).start()
    receive = Conversation.receive

    def fail(self: Conversation, event: e.Event) -> Any:
        if isinstance(event, e.TextSubmitted):
            raise BrokenError("oh")
        return receive(self, event)

    monkeypatch.setattr(Conversation, "receive", fail)
    session.post(e.TextSubmitted(item_id="t", text="hi"))
    with pytest.raises(BrokenError):
        session.close()
    assert "text_submitted" in names(log)


def test_an_error_before_the_backend_starts_is_raised_too() -> None:
    backend, log = ScriptedBackend(), MemoryLog()
    log.append = None  # type: ignore[assignment,method-assign]  # a broken log
    first = (e.SessionResumed(backend="b", model="m"),)
    session = make_session(backend, log, first=first).start()
    with pytest.raises(TypeError):
        session.close()
    assert backend.stopped.is_set()


async def test_time_passed_comes_when_the_policy_asked_for_it(tmp_path: Path) -> None:
    limits = default_limits("gpt-realtime-2.1")
    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, limits=limits) as harness,
    ):
        await harness.say("hello")
        last = harness.snapshot.ledger.recent_replies[-1].at
        harness.session.set_limits(replace(limits, cold_after=0.2))
        passed = await harness.event(e.TimePassed)
        assert passed.at >= last + 0.2 - 0.001
        assert harness.session.limits.cold_after == 0.2
        assert harness.session.held() == {turn.id for turn in harness.snapshot.ledger.turns}
