"""The one door: order, stamps, what is kept, and how a talk ends when something of ours breaks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
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
class Kept:
    """A record in memory."""

    path: Path = Path("nowhere.jsonl")
    events: list[e.Event] = field(default_factory=list)
    closed: int = 0
    unsaved: int = 7

    def append(self, event: e.Event) -> None:
        assert not self.closed, "a fact after the record was closed"
        self.events.append(event)

    def sync(self) -> Future[bool]:
        done: Future[bool] = Future()
        done.set_result(True)
        return done

    def finish(self) -> None:
        self.closed += 1


class Quiet:
    """A backend that does nothing until a test wants it to. `first`: facts it begins with."""

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

    def seen(self, now: Snapshot) -> None: ...

    def meters(self) -> Meters:
        return Meters(microphone=0.5)

    async def stop(self) -> None:
        self.stopped.set()


def session(backend: Quiet, record: Kept, **more: Any) -> Session:
    return Session("id", Conversation(), record, backend, **more)


def names(record: Kept) -> list[str]:
    return [event.name for event in record.events]


def test_what_an_effect_leads_to_comes_after_what_is_already_known() -> None:
    backend, record = Quiet(e.ConnectionOpened()), Kept()

    def answer(effect: x.Effect) -> None:
        if isinstance(effect, x.CreateItem):  # while the fact that led to it is still told
            backend.post(e.ItemPlaced(item_id=effect.item_id))
            backend.post(e.Noticed(text="second"))

    backend.on_effect = answer
    door = session(backend, record).start()
    seen: list[Snapshot] = []
    heard: list[e.Event] = []
    door.subscribe(seen.append)
    door.listen(heard.append)
    door.post(e.TextSubmitted(item_id="t", text="hi"))
    door.close()
    assert names(record) == [
        "connection_opened",
        "text_submitted",
        "item_placed",
        "noticed",
        "session_closed",
    ]
    assert [type(effect) for effect in backend.performed] == [x.CreateItem, x.CreateResponse]
    # All of it was one step for whoever watches.
    assert [len(now.ledger.notices) for now in seen] == [1, 1]
    assert heard == record.events[1:]


def test_facts_are_stamped_once_at_the_door_and_never_go_back() -> None:
    backend, record = Quiet(e.ConnectionOpened(at=99.0)), Kept()
    door = session(backend, record, base=1000.0).start()
    for number in range(20):
        door.post(e.TextSubmitted(item_id=f"t{number}", text="hi"))
    door.close()
    stamps = [event.at for event in record.events]
    assert stamps == sorted(stamps)
    assert 1000.0 <= stamps[0] < stamps[-1] + 0.001 < 1060.0


@pytest.mark.parametrize("manual", [True, False])
def test_who_presses_the_talk_key_need_not_know_how_turns_are_taken(manual: bool) -> None:
    backend, record = Quiet(e.ConnectionOpened()), Kept()
    door = session(backend, record, manual=manual).start()
    door.post(e.TalkPressed())
    door.close()
    [pressed] = [event for event in record.events if isinstance(event, e.TalkPressed)]
    assert pressed.manual is manual


def test_facts_before_the_backend_come_first() -> None:
    backend, record = Quiet(e.ConnectionOpened()), Kept()
    door = session(backend, record)
    door.begin_with(e.SessionResumed(backend="b", model="m"), e.Noticed(text="torn"))
    door.start()
    door.close()
    assert names(record) == ["session_resumed", "noticed", "connection_opened", "session_closed"]


def test_closing_stops_the_backend_and_closes_the_record_once() -> None:
    backend, record = Quiet(e.ConnectionOpened()), Kept()
    door = session(backend, record).start()
    door.close()
    door.close()
    door.post(e.Noticed(text="too late"))
    door.set_limits(door.limits)
    assert backend.stopped.is_set()
    assert record.closed == 1
    assert names(record) == ["connection_opened", "session_closed"]
    assert not any(thread.name == "talk" for thread in threading.enumerate())


def test_what_comes_while_it_closes_is_no_part_of_the_talk() -> None:
    backend, record = Quiet(e.ConnectionOpened()), Kept()

    async def stop() -> None:
        backend.post(e.ConnectionLost(reason="we left"))

    backend.stop = stop  # type: ignore[method-assign]  # this one talks while it goes
    session(backend, record).start().close()
    assert names(record) == ["connection_opened", "session_closed"]


def test_tasks_that_others_run_on_the_loop_end_with_it() -> None:
    backend, record = Quiet(e.ConnectionOpened()), Kept()
    door = session(backend, record).start()
    future = door.call(asyncio.sleep(3600))
    door.close()
    assert future.cancelled()


def test_meters_tell_what_is_not_on_disk() -> None:
    backend, record = Quiet(e.ConnectionOpened()), Kept()
    door = session(backend, record).start()
    assert (door.meters().microphone, door.meters().unsaved) == (0.5, 7)
    door.close()


class BrokenError(Exception): ...


def test_an_error_of_the_backend_ends_the_talk_and_is_told() -> None:
    backend, record = Quiet(e.ConnectionOpened()), Kept()
    backend.fails = BrokenError("oh")
    door = session(backend, record).start()
    assert backend.stopped.wait(10)
    with pytest.raises(BrokenError):
        door.close()
    door.close()  # told once
    [notice] = [event for event in record.events if isinstance(event, e.Noticed)]
    assert (notice.severity, "BrokenError: oh" in notice.text) == ("error", True)
    assert (backend.stopped.is_set(), record.closed) == (True, 1)


def test_an_error_after_a_key_ends_the_talk_too() -> None:
    backend, record = Quiet(e.ConnectionOpened()), Kept()

    def fail(_effect: x.Effect) -> None:
        raise BrokenError("oh")

    backend.on_effect = fail
    door = session(backend, record).start()
    door.post(e.TextSubmitted(item_id="t", text="hi"))
    with pytest.raises(BrokenError):
        door.close()
    assert names(record)[:2] == ["connection_opened", "text_submitted"]
    assert record.closed == 1


def test_an_error_before_the_first_fact_is_told_as_well() -> None:
    backend, record = Quiet(), Kept()
    record.append = None  # type: ignore[assignment,method-assign]  # a disk of ours that is broken
    door = session(backend, record)
    door.begin_with(e.SessionResumed(backend="b", model="m"))
    door.start()
    with pytest.raises(TypeError):
        door.close()
    assert backend.stopped.is_set()


async def test_what_waits_for_its_time_is_told_when_it_has_come(tmp_path: Path) -> None:
    limits = default_limits("gpt-realtime-2.1")
    async with (
        toy_server() as server,
        running_session(server.url, tmp_path, limits=limits) as harness,
    ):
        await harness.say("hello")
        from dataclasses import replace

        last = harness.snapshot.ledger.recent_replies[-1].at
        harness.session.set_limits(replace(limits, cold_after=0.2))
        passed = await harness.event(e.TimePassed)
        assert passed.at >= last + 0.2 - 0.001
        assert harness.session.limits.cold_after == 0.2
        assert harness.session.held() == {turn.id for turn in harness.snapshot.ledger.turns}
