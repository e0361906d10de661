"""What the user said is on disk before a reply is requested or an item is deleted."""

import asyncio
from concurrent.futures import Future

from tui_voice.conversation import effects as x
from tui_voice.runtime import write_barrier
from tui_voice.runtime.write_barrier import WriteBarrier


class _Disk:
    """A disk whose syncs end when the test ends them."""

    def __init__(self) -> None:
        self.syncs: list[Future[bool]] = []

    def sync(self) -> Future[bool]:
        self.syncs.append(Future())
        return self.syncs[-1]


async def _run_loop() -> None:
    """Let the loop run what was handed to it from another thread."""
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(done.set)
    await done.wait()


async def test_a_reply_waits_for_the_disk_and_the_order_is_kept() -> None:
    disk, performed = _Disk(), list[x.Effect]()
    barrier = WriteBarrier(disk.sync, performed.append, asyncio.get_running_loop())
    item = x.CreateItem(item_id="a", role="user", text="hello")
    after = x.TruncateItem(item_id="b", audio_ms=10)
    for effect in (item, x.CreateResponse(), after, x.InterruptPlayback()):
        barrier.perform(effect)
    assert performed == [item, x.InterruptPlayback()]  # an interruption never waits
    disk.syncs[0].set_result(True)
    await _run_loop()
    assert performed[2:] == [x.CreateResponse(), after]
    assert len(disk.syncs) == 1


async def test_a_disk_that_takes_no_data_does_not_stop_the_session() -> None:
    disk, performed = _Disk(), list[x.Effect]()
    barrier = WriteBarrier(disk.sync, performed.append, asyncio.get_running_loop())
    barrier.perform(x.DeleteItem(item_id="a"))
    disk.syncs[0].set_result(False)
    await _run_loop()
    assert performed == [x.DeleteItem(item_id="a")]


async def test_a_disk_that_hangs_is_waited_for_only_so_long(monkeypatch) -> None:  # type: ignore[no-untyped-def]  # pytest's
    monkeypatch.setattr(write_barrier, "DISK_TIMEOUT_S", 0.01)
    disk, performed = _Disk(), asyncio.Event()
    barrier = WriteBarrier(disk.sync, lambda _effect: performed.set(), asyncio.get_running_loop())
    barrier.perform(x.CreateResponse())
    await performed.wait()
    disk.syncs[0].set_result(True)  # too late: nothing is performed twice
    await _run_loop()


async def test_effects_of_a_lost_connection_are_dropped() -> None:
    disk, performed = _Disk(), list[x.Effect]()
    barrier = WriteBarrier(disk.sync, performed.append, asyncio.get_running_loop())
    barrier.perform(x.CreateResponse())
    barrier.drop_waiting()
    disk.syncs[0].set_result(True)
    await _run_loop()
    assert performed == []


async def test_the_next_connection_does_not_wait_for_the_sync_of_the_lost_one() -> None:
    """Its server session is seeded at once; audio that is recorded meanwhile comes after that."""
    disk, performed = _Disk(), list[x.Effect]()
    barrier = WriteBarrier(disk.sync, performed.append, asyncio.get_running_loop())
    barrier.perform(x.CreateResponse())
    barrier.drop_waiting()
    item = x.CreateItem(item_id="a", role="user", text="hello")
    barrier.perform(item)
    assert performed == [item]
    barrier.perform(x.CreateResponse())
    disk.syncs[0].set_result(True)  # of the lost connection: later events are not on disk yet
    await _run_loop()
    assert performed == [item]
    disk.syncs[1].set_result(True)
    await _run_loop()
    assert performed == [item, x.CreateResponse()]
