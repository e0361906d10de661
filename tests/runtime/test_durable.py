"""What was said is on disk before the next reply is asked for, or anything deleted."""

import asyncio
from concurrent.futures import Future

from tui_voice.conversation import effects as x
from tui_voice.runtime import write_barrier
from tui_voice.runtime.write_barrier import WriteBarrier


class _Disk:
    """A disk that syncs when the test says so."""

    def __init__(self) -> None:
        self.asked: list[Future[bool]] = []

    def sync(self) -> Future[bool]:
        self.asked.append(Future())
        return self.asked[-1]


async def _turn() -> None:
    """What was put on the loop from outside has run."""
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(done.set)
    await done.wait()


async def test_a_reply_waits_for_the_disk_and_order_is_kept() -> None:
    disk, done = _Disk(), list[x.Effect]()
    perform = WriteBarrier(disk.sync, done.append, asyncio.get_running_loop())
    item = x.CreateItem(item_id="a", role="user", text="hello")
    after = x.TruncateItem(item_id="b", audio_ms=10)
    for effect in (item, x.CreateResponse(), after, x.InterruptPlayback()):
        perform(effect)
    assert done == [item, x.InterruptPlayback()]  # silence never waits
    disk.asked[0].set_result(True)
    await _turn()
    assert done[2:] == [x.CreateResponse(), after]
    assert len(disk.asked) == 1


async def test_a_disk_that_does_not_take_it_stops_nobody() -> None:
    disk, done = _Disk(), list[x.Effect]()
    perform = WriteBarrier(disk.sync, done.append, asyncio.get_running_loop())
    perform(x.DeleteItem(item_id="a"))
    disk.asked[0].set_result(False)
    await _turn()
    assert done == [x.DeleteItem(item_id="a")]


async def test_a_disk_that_hangs_is_not_waited_for_for_ever(monkeypatch) -> None:  # type: ignore[no-untyped-def]  # pytest's
    monkeypatch.setattr(write_barrier, "PATIENCE_S", 0.01)
    disk, went = _Disk(), asyncio.Event()
    perform = WriteBarrier(disk.sync, lambda _effect: went.set(), asyncio.get_running_loop())
    perform(x.CreateResponse())
    await went.wait()
    disk.asked[0].set_result(True)  # too late: nothing is done twice
    await _turn()


async def test_what_was_meant_for_a_lost_line_is_forgotten() -> None:
    disk, done = _Disk(), list[x.Effect]()
    perform = WriteBarrier(disk.sync, done.append, asyncio.get_running_loop())
    perform(x.CreateResponse())
    perform.forget()
    disk.asked[0].set_result(True)
    await _turn()
    assert done == []


async def test_the_next_line_does_not_wait_for_what_the_lost_one_waited_for() -> None:
    """It is told the talk at once: what is said goes out without waiting, and behind that."""
    disk, done = _Disk(), list[x.Effect]()
    perform = WriteBarrier(disk.sync, done.append, asyncio.get_running_loop())
    perform(x.CreateResponse())
    perform.forget()
    item = x.CreateItem(item_id="a", role="user", text="hello")
    perform(item)
    assert done == [item]
    perform(x.CreateResponse())
    disk.asked[0].set_result(True)  # of the lost line: it says nothing of what came since
    await _turn()
    assert done == [item]
    disk.asked[1].set_result(True)
    await _turn()
    assert done == [item, x.CreateResponse()]
