"""A disk that refuses stops no session, and no event is lost."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from pathlib import Path

import pytest

from tests.store.faulty_disk_harness import CALLS, FULL, FaultyDisk, Troubles
from tests.store.sessions_harness import opened, session
from tui_voice.conversation import events as e
from tui_voice.store import codec, writer
from tui_voice.store.journal import Journal, is_synced
from tui_voice.store.reading import read

EVENTS = list(session(3))


def fill(journal: Journal, events: list[e.Event] = EVENTS) -> None:
    for event in events[1:]:
        journal.append(event)


def test_a_full_disk_is_reported_and_held_events_are_written_in_order(tmp_path: Path) -> None:
    full = False
    disk = FaultyDisk(lambda call, _n: FULL if full and call == "write" else None, most_bytes=7)
    troubles = Troubles()
    journal = Journal.create(
        tmp_path, opened(), disk=disk, on_trouble=troubles, retry_seconds=0.001
    )
    assert troubles.reported == []
    full = True
    fill(journal)
    assert journal.sync().result(30) is False
    assert journal.unsaved == len(EVENTS) - 1
    assert journal.trouble == "the disk is full"
    assert troubles.reported == ["the disk is full"]
    full = False
    troubles.wait_for(None)  # tried again without a new event
    assert journal.unsaved == 0
    assert journal.trouble is None
    assert journal.close() == 0
    assert read(journal.path).events == EVENTS


def test_each_later_event_tries_again(tmp_path: Path) -> None:
    full = True
    disk = FaultyDisk(lambda call, n: FULL if full and call == "write" and n > 1 else None)
    troubles = Troubles()
    journal = Journal.create(tmp_path, opened(), disk=disk, on_trouble=troubles, retry_seconds=1e6)
    journal.append(EVENTS[1])
    troubles.wait_for("the disk is full")
    full = False
    journal.append(EVENTS[2])
    troubles.wait_for(None)
    journal.close()
    assert read(journal.path).events == EVENTS[:3]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EROFS, "the disk is read-only"),
        (errno.EACCES, "writing is not allowed there"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EIO, os.strerror(errno.EIO).lower()),
    ],
)
def test_a_session_begins_although_its_file_cannot_be_created(
    tmp_path: Path, number: int, words: str
) -> None:
    refused = True
    disk = FaultyDisk(lambda call, _n: number if refused and call == "create" else None)
    troubles = Troubles()
    journal = Journal.create(
        tmp_path, opened(), disk=disk, on_trouble=troubles, retry_seconds=0.001
    )
    fill(journal)
    troubles.wait_for(words)
    assert journal.unsaved > 0
    assert journal.sync().result(30) is False
    refused = False
    troubles.wait_for(None)
    journal.close()
    assert read(journal.path).events == EVENTS


def test_events_that_no_disk_took_are_handed_back(tmp_path: Path) -> None:
    disk = FaultyDisk(lambda call, _n: errno.EROFS if call == "make_folder" else None)
    journal = Journal.create(tmp_path / "s", opened(), disk=disk)
    fill(journal)
    assert journal.close() == len(EVENTS)
    assert journal.held() == b"".join(map(codec.encode, EVENTS))
    assert journal.sync().result(0) is False


def test_a_session_that_another_process_took_meanwhile_is_waited_for(tmp_path: Path) -> None:
    Journal.create(tmp_path, opened()).close()
    path = tmp_path / "t1.jsonl"
    readonly = True
    disk = FaultyDisk(lambda call, _n: errno.EROFS if readonly and call == "open" else None)
    troubles = Troubles()
    journal = Journal.open(path, disk=disk, on_trouble=troubles, retry_seconds=0.001)
    troubles.wait_for("the disk is read-only")
    other = Journal.open(path)
    readonly = False
    troubles.wait_for(f"the session t1 is open in process {os.getpid()}")
    journal.append(e.SessionClosed(at=1))
    other.append(e.SessionRenamed(at=1, title="theirs"))
    other.close()
    troubles.wait_for(None)
    journal.close()
    assert [event.name for event in read(path).events][1:] == ["session_renamed", "session_closed"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("nth", range(1, 13))
def test_every_nth_call_fails_and_nothing_is_lost(
    tmp_path: Path, call: str, number: int, nth: int
) -> None:
    """In two runs: one that begins the session, and one that resumes it after a torn line."""

    def fails(name: str, n: int) -> int | None:
        return number if name == call and n % nth == 0 and (nth > 1 or n == 1) else None

    journal = Journal.create(tmp_path, opened(), disk=FaultyDisk(fails, 40), retry_seconds=0.001)
    for event in EVENTS[1:20]:
        journal.append(event)
        if is_synced(event):
            journal.sync().result(30)
    while not journal.sync().result(30):
        pass
    journal.close()
    with journal.path.open("ab") as file:
        file.write(b'{"event":"talk_cl')
    again = Journal.open(journal.path, disk=FaultyDisk(fails, 40), retry_seconds=0.001)
    for event in EVENTS[20:]:
        again.append(event)
    while not again.sync().result(30):
        pass
    assert again.close() == 0
    assert read(journal.path) == (EVENTS, ())


def test_after_a_failed_sync_everything_since_the_last_good_one_is_written_again(
    tmp_path: Path,
) -> None:
    class Forgetful(FaultyDisk):
        """Loses what it could not sync, as Linux may after an I/O error."""

        durable = 0

        def sync(self, fd: int) -> None:
            try:
                super().sync(fd)
            except OSError:
                os.pwrite(path_fd, b"\0" * 500, self.durable)
                raise
            self.durable = os.fstat(fd).st_size

    failing = False
    disk = Forgetful(lambda call, _n: errno.EIO if call == "sync" and failing else None)
    journal = Journal.create(tmp_path, opened(), disk=disk, retry_seconds=0.001)
    path_fd = os.open(journal.path, os.O_WRONLY)
    failing = True
    fill(journal)
    assert journal.sync().result(30) is False
    assert journal.unsaved
    failing = False
    while not journal.sync().result(30):
        pass
    journal.close()
    os.close(path_fd)
    assert read(journal.path) == (EVENTS, ())


def test_memory_is_bounded_but_complete_turns_are_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "HELD_BYTES", 2_000)
    full = True
    disk = FaultyDisk(lambda call, n: FULL if full and call == "write" and n > 1 else None)
    journal = Journal.create(tmp_path, opened(), disk=disk)
    fill(journal)
    journal.sync().result(30)
    full = False
    assert journal.close() == 0
    got = read(journal.path).events
    assert len(got) < len(EVENTS)
    assert [x for x in got if is_synced(x)] == [x for x in EVENTS if is_synced(x)]


def test_many_bytes_are_synced_although_no_event_asked_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Watched(FaultyDisk):
        def sync(self, fd: int) -> None:
            super().sync(fd)
            synced.release()

    monkeypatch.setattr(writer, "UNSYNCED_BYTES", 100)
    synced = threading.Semaphore(0)
    journal = Journal.create(tmp_path, opened(), disk=Watched())
    assert synced.acquire(timeout=30)
    for n in range(5):
        journal.append(e.TranscriptGrew(at=n, item_id="i", text="word"))
    assert synced.acquire(timeout=30)
    journal.close()


def test_a_last_line_without_its_line_break_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "t1.jsonl"
    path.write_bytes(codec.encode(opened()) + codec.encode(e.SessionClosed(at=1))[:-1])
    journal = Journal.open(path)
    journal.append(e.SessionResumed(at=2, backend="b", model="m"))
    journal.close()
    assert [event.name for event in read(path).events] == [
        "session_opened",
        "session_closed",
        "session_resumed",
    ]


def test_a_torn_first_line_stays_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t1.jsonl"
    path.write_bytes(codec.encode(opened())[:40])
    journal = Journal.open(path)
    journal.append(e.SessionResumed(at=2, backend="b", model="m"))
    journal.close()
    assert path.read_bytes().startswith(codec.encode(opened())[:40] + b"\n")
    assert read(path).events[1].name == "session_resumed"


def test_a_real_full_disk(small: Path) -> None:
    """It is filled until a write fails, then freed."""
    ballast = small / "ballast"
    ballast.write_bytes(b"x" * 40_000)
    troubles = Troubles()
    journal = Journal.create(small / "s", opened(), on_trouble=troubles, retry_seconds=0.001)
    typed = [
        e.TextSubmitted(at=n, item_id=f"i{n}", text=f"{n} " + "word " * 100) for n in range(100)
    ]
    for event in typed:
        journal.append(event)
    troubles.wait_for("the disk is full")
    ballast.unlink()
    troubles.wait_for(None)
    assert journal.close() == 0
    assert read(journal.path).events == [opened(), *typed]


def test_no_part_of_a_held_line_stays_in_the_file(small: Path) -> None:
    journal = Journal.create(small / "s", opened())
    typed = [e.TextSubmitted(at=n, item_id=f"i{n}", text="word " * 100) for n in range(200)]
    for event in typed:
        journal.append(event)
    left = journal.close()
    assert 0 < left < 200
    assert journal.path.read_bytes().endswith(b"\n")
    assert journal.path.read_bytes() + journal.held() == b"".join(
        map(codec.encode, [opened(), *typed])
    )


def test_events_written_before_the_disk_was_full_are_synced(tmp_path: Path) -> None:
    disk = FaultyDisk(lambda call, n: FULL if call == "write" and n > 5 else None)
    journal = Journal.create(tmp_path, opened(), disk=disk)
    syncs = disk.calls["sync"]
    for event in EVENTS[1:20]:
        journal.append(event)
    assert journal.sync().result(30) is False
    assert disk.calls["sync"] > syncs
    journal.close()


async def test_a_listener_whose_event_loop_is_closed_does_not_stop_the_journal(
    tmp_path: Path,
) -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    called = threading.Event()

    def listen(trouble: str | None) -> None:
        called.set()
        loop.call_soon_threadsafe(print, trouble)

    full = True
    disk = FaultyDisk(lambda call, n: FULL if full and call == "write" and n > 1 else None)
    journal = Journal.create(tmp_path, opened(), disk=disk, on_trouble=listen, retry_seconds=0.001)
    fill(journal)
    assert journal.sync().result(30) is False
    assert called.is_set()
    full = False
    while not journal.sync().result(30):
        pass
    assert journal.close() == 0
    assert read(journal.path).events == EVENTS


async def test_a_coroutine_that_stops_waiting_for_a_sync_does_not_stop_the_journal(
    tmp_path: Path,
) -> None:
    class Slow(FaultyDisk):
        def sync(self, fd: int) -> None:
            syncing.set()
            assert go_on.wait(30)
            super().sync(fd)

    syncing, go_on = threading.Event(), threading.Event()
    go_on.set()
    journal = Journal.create(tmp_path, opened(), disk=Slow())
    go_on.clear()
    syncing.clear()
    journal.append(EVENTS[1])
    journal.append(e.TextSubmitted(at=1, item_id="i", text="hi"))
    waiting = asyncio.ensure_future(asyncio.wrap_future(journal.sync()))
    await asyncio.to_thread(syncing.wait, 30)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    go_on.set()
    journal.append(e.SessionClosed(at=2))
    assert await asyncio.wrap_future(journal.sync())
    assert journal.close() == 0
    assert read(journal.path).events[-1] == e.SessionClosed(at=2)
