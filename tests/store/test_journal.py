"""The journal: in order, at once, alone; and a disk that refuses stops nothing."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.store.faults import CALLS, FULL, FaultyDisk, Troubles
from tests.store.talks import opened, talk
from tui_voice.conversation import events as e
from tui_voice.errors import StoreError
from tui_voice.store import codec, locking, writer
from tui_voice.store.journal import Journal, completes_turn
from tui_voice.store.reading import read

EVENTS = list(talk(3))
KEY = "sk-" + "proj-abcDEF1234567890abcDEF1234567890"  # invented, and parted so that no scan trips


def fill(journal: Journal, events: list[e.Event] = EVENTS) -> None:
    for event in events[1:]:
        journal.append(event)


def test_a_talk_is_a_file_of_lines_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "sessions"
    journal = Journal.create(folder, opened())
    fill(journal)
    assert journal.sync().result(30)
    assert journal.path == folder / "t1.jsonl"
    assert journal.id == "t1"
    assert journal.unsaved == 0
    assert journal.path.read_bytes() == b"".join(map(codec.encode, EVENTS))
    if os.name == "posix":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert journal.close() == 0
    assert journal.held() == b""
    assert sorted(folder.iterdir()) == [journal.path]


async def test_a_coroutine_can_wait_for_the_disk(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, opened())
    journal.append(e.TextSubmitted(at=1, item_id="i", text="hello"))
    assert await asyncio.wrap_future(journal.sync())
    assert read(journal.path).events[-1] == e.TextSubmitted(at=1, item_id="i", text="hello")
    journal.close()


def test_each_record_is_one_write_and_each_whole_turn_a_sync(tmp_path: Path) -> None:
    disk = FaultyDisk()
    journal = Journal.create(tmp_path, opened(), disk=disk)
    assert disk.calls["sync"] == 1  # the header is safe before anything else happens
    fill(journal)
    journal.close()
    assert disk.calls["write"] == len(EVENTS)
    whole = sum(map(completes_turn, EVENTS))
    assert 2 <= disk.calls["sync"] <= whole + 1


def test_a_whole_turn_is_synced_without_being_asked(tmp_path: Path) -> None:
    class Watched(FaultyDisk):
        def sync(self, fd: int) -> None:
            super().sync(fd)
            synced.append(journal_path.read_bytes())

    synced: list[bytes] = []
    journal_path = tmp_path / "t1.jsonl"
    journal = Journal.create(tmp_path, opened(), disk=Watched())
    event = e.TextSubmitted(at=1, item_id="i", text="hello")
    journal.append(event)
    journal.close()
    assert codec.encode(event) in synced[1]


def test_going_on_adds_to_what_is_there_and_tells_its_version(tmp_path: Path) -> None:
    Journal.create(tmp_path, opened()).close()
    before = (tmp_path / "t1.jsonl").read_bytes()
    journal = Journal.open(tmp_path / "t1.jsonl")
    resumed = e.TalkResumed(at=5, backend="local", model="m")
    journal.append(resumed)
    journal.append(e.TalkClosed(at=6))
    journal.close()
    assert journal.mended == ""
    data = journal.path.read_bytes()
    assert data.startswith(before)
    assert codec.version_of(data[len(before) :].splitlines()[0]) == codec.VERSION
    assert codec.version_of(data.splitlines()[-1]) is None
    assert read(journal.path).events == [opened(), resumed, e.TalkClosed(at=6)]


def test_there_is_no_second_talk_of_an_id_and_none_where_none_is(tmp_path: Path) -> None:
    Journal.create(tmp_path, opened()).close()
    with pytest.raises(StoreError, match="there is a talk t1 already"):
        Journal.create(tmp_path, opened())
    with pytest.raises(StoreError, match="no talk at") as caught:
        Journal.open(tmp_path / "t2.jsonl")
    assert "sessions list" in caught.value.hint


def test_what_comes_after_the_end_is_refused_loudly(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, opened())
    journal.close()
    with pytest.raises(StoreError, match="closed"):
        journal.append(e.TalkClosed(at=1))
    assert journal.sync().result(0) is True


# ── one process at a time ────────────────────────────────────────────────────────────────────


def test_another_process_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, opened())
    script = (
        "import sys; from pathlib import Path\n"
        "from tui_voice.errors import StoreError\n"
        "from tui_voice.store.journal import Journal\n"
        "try: Journal.open(Path(sys.argv[1])); print('opened')\n"
        "except StoreError as error: print(error, '|', error.hint)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(journal.path)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"the talk t1 is open in process {os.getpid()} |" in told
    assert "fork" in told
    with pytest.raises(StoreError, match="is open in"):
        locking.refuse_if_held(journal.path)
    journal.close()
    locking.refuse_if_held(journal.path)
    Journal.open(journal.path).close()


def test_a_lock_whose_holder_left_no_number_is_a_lock_all_the_same(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, opened())
    locking.pid_file(journal.path).write_text("nobody")
    with pytest.raises(StoreError, match="open in another process"):
        Journal.open(journal.path)
    journal.close()


def test_a_file_system_without_locks_or_room_for_a_number_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(_fd: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(locking, "_try", no_locks)
    journal = Journal.create(tmp_path, opened())
    journal.append(e.TalkClosed(at=1))
    assert journal.close() == 0
    monkeypatch.undo()
    locking.pid_file(journal.path).mkdir()  # nothing can be written, nor unlinked, there
    again = Journal.open(journal.path)
    assert again.close() == 0


# ── secrets ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("before", ["", "\n", "\t", '"', "it is ", "("])
def test_no_key_gets_into_a_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "plain-words-as-key")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "short")
    journal = Journal.create(tmp_path, opened(), secrets=["keyring-secret"])
    text = f"{before}{KEY} plain-words-as-key keyring-secret short"
    journal.append(e.TextSubmitted(at=1, item_id="i", text=text))
    journal.close()
    (submitted,) = read(journal.path).events[1:]
    assert isinstance(submitted, e.TextSubmitted)
    assert submitted.text == f"{before}[key] [key] [key] short"


def test_ordinary_words_stay(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, opened())
    journal.append(e.TextSubmitted(at=1, item_id="i", text="task-force, sk-short, ask-me"))
    journal.close()
    assert b"task-force, sk-short, ask-me" in journal.path.read_bytes()


# ── a disk that refuses ──────────────────────────────────────────────────────────────────────


def test_a_full_disk_is_told_and_what_was_held_is_written_in_order(tmp_path: Path) -> None:
    full = False
    disk = FaultyDisk(lambda call, _n: FULL if full and call == "write" else None, gulp=7)
    troubles = Troubles()
    journal = Journal.create(
        tmp_path, opened(), disk=disk, on_trouble=troubles, retry_seconds=0.001
    )
    assert troubles.told == []
    full = True
    fill(journal)
    assert journal.sync().result(30) is False
    assert journal.unsaved == len(EVENTS) - 1
    assert journal.trouble == "the disk is full"
    assert troubles.told == ["the disk is full"]
    full = False
    troubles.wait_for(None)  # by itself, after some seconds
    assert journal.unsaved == 0
    assert journal.trouble is None
    assert journal.close() == 0
    assert read(journal.path).events == EVENTS


def test_each_later_fact_tries_again(tmp_path: Path) -> None:
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
def test_a_talk_begins_though_its_file_cannot(tmp_path: Path, number: int, words: str) -> None:
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


def test_what_no_disk_took_is_handed_back(tmp_path: Path) -> None:
    disk = FaultyDisk(lambda call, _n: errno.EROFS if call == "make_folder" else None)
    journal = Journal.create(tmp_path / "s", opened(), disk=disk)
    fill(journal)
    assert journal.close() == len(EVENTS)
    assert journal.held() == b"".join(map(codec.encode, EVENTS))
    assert journal.sync().result(0) is False


def test_a_talk_that_somebody_took_meanwhile_is_waited_for(tmp_path: Path) -> None:
    Journal.create(tmp_path, opened()).close()
    path = tmp_path / "t1.jsonl"
    readonly = True
    disk = FaultyDisk(lambda call, _n: errno.EROFS if readonly and call == "open" else None)
    troubles = Troubles()
    journal = Journal.open(path, disk=disk, on_trouble=troubles, retry_seconds=0.001)
    troubles.wait_for("the disk is read-only")
    other = Journal.open(path)
    readonly = False
    troubles.wait_for(f"the talk t1 is open in process {os.getpid()}")
    journal.append(e.TalkClosed(at=1))
    other.append(e.TalkRenamed(at=1, title="theirs"))
    other.close()
    troubles.wait_for(None)
    journal.close()
    assert [event.name for event in read(path).events][1:] == ["talk_renamed", "talk_closed"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("nth", range(1, 13))
def test_every_nth_call_fails_and_nothing_is_lost(
    tmp_path: Path, call: str, number: int, nth: int
) -> None:
    """Once in two runs: one that begins the talk, and one that goes on after a torn line."""

    def fails(name: str, n: int) -> int | None:
        return number if name == call and n % nth == 0 and (nth > 1 or n == 1) else None

    journal = Journal.create(tmp_path, opened(), disk=FaultyDisk(fails, 40), retry_seconds=0.001)
    for event in EVENTS[1:20]:
        journal.append(event)
        if completes_turn(event):
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
    assert again.mended == "the last line was torn (17 bytes) and is gone"
    assert again.close() == 0
    assert read(journal.path) == (EVENTS, ())


def test_after_a_failed_sync_everything_since_the_last_good_one_is_written_anew(
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


def test_memory_is_bounded_but_whole_turns_are_held(
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
    assert [x for x in got if completes_turn(x)] == [x for x in EVENTS if completes_turn(x)]


def test_much_that_nobody_asked_to_sync_is_synced_some_time(
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


def test_a_line_that_lacks_but_its_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "t1.jsonl"
    path.write_bytes(codec.encode(opened()) + codec.encode(e.TalkClosed(at=1))[:-1])
    journal = Journal.open(path)
    journal.append(e.TalkResumed(at=2, backend="b", model="m"))
    journal.close()
    assert journal.mended == ""
    assert [event.name for event in read(path).events] == [
        "talk_opened",
        "talk_closed",
        "talk_resumed",
    ]


def test_a_torn_header_is_left_to_be_seen(tmp_path: Path) -> None:
    path = tmp_path / "t1.jsonl"
    path.write_bytes(codec.encode(opened())[:40])
    journal = Journal.open(path)
    journal.append(e.TalkResumed(at=2, backend="b", model="m"))
    journal.close()
    assert path.read_bytes().startswith(codec.encode(opened())[:40] + b"\n")
    assert read(path).events[1].name == "talk_resumed"


def test_a_real_full_disk(tmp_path: Path) -> None:
    """A file system of 64 KiB, filled to the brim, then freed."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small file system can be mounted by root only")
    try:
        ballast = small / "ballast"
        ballast.write_bytes(b"x" * 40_000)
        troubles = Troubles()
        journal = Journal.create(small / "s", opened(), on_trouble=troubles, retry_seconds=0.001)
        said = [
            e.TextSubmitted(at=n, item_id=f"i{n}", text=f"{n} " + "word " * 100) for n in range(100)
        ]
        for event in said:
            journal.append(event)
        troubles.wait_for("the disk is full")
        ballast.unlink()
        troubles.wait_for(None)
        assert journal.close() == 0
        assert read(journal.path).events == [opened(), *said]
    finally:
        subprocess.run(["umount", str(small)], check=True)
