"""The journal: in order, at once, alone; and a disk that refuses stops nothing."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.faults import FaultyDisk
from tests.store.talks import opened, talk
from tui_voice.conversation import events as e
from tui_voice.errors import StoreError
from tui_voice.store import codec, locking
from tui_voice.store.journal import Journal, completes_turn
from tui_voice.store.reading import read

EVENTS = list(talk(3))


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
    resumed = e.SessionResumed(at=5, backend="local", model="m")
    journal.append(resumed)
    journal.append(e.SessionClosed(at=6))
    journal.close()
    assert journal.mended == ""
    data = journal.path.read_bytes()
    assert data.startswith(before)
    assert codec.version_of(data[len(before) :].splitlines()[0]) == codec.VERSION
    assert codec.version_of(data.splitlines()[-1]) is None
    assert read(journal.path).events == [opened(), resumed, e.SessionClosed(at=6)]


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
        journal.append(e.SessionClosed(at=1))
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
    journal.append(e.SessionClosed(at=1))
    assert journal.close() == 0
    monkeypatch.undo()
    locking.pid_file(journal.path).mkdir()  # nothing can be written, nor unlinked, there
    again = Journal.open(journal.path)
    assert again.close() == 0


def test_the_number_of_the_writer_stands_there_until_the_last_line(tmp_path: Path) -> None:
    """The index looks at the talks that have one: a line that came later would not be found."""
    there: list[bool] = []

    class Watched(FaultyDisk):
        def sync(self, fd: int) -> None:
            super().sync(fd)
            there.append(locking.pid_file(tmp_path / "t1.jsonl").exists())

        def close(self, fd: int) -> None:
            there.append(locking.pid_file(tmp_path / "t1.jsonl").exists())
            super().close(fd)

    journal = Journal.create(tmp_path, opened(), disk=Watched())
    journal.append(e.TextSubmitted(at=1, item_id="i", text="good night"))
    journal.close()
    *syncs, closed = there
    assert len(syncs) >= 2
    assert all(syncs)
    assert not closed  # nor may it be there when another process can take the talk
