"""The journal writes events in order and at once, and only one process writes it."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.store.faulty_disk_harness import FaultyDisk
from tests.store.sessions_harness import opened, session
from tui_voice.conversation import events as e
from tui_voice.errors import StoreError
from tui_voice.store import codec
from tui_voice.store.journal import Journal, is_synced
from tui_voice.store.locking import SessionLock, pid_file
from tui_voice.store.reading import read

EVENTS = list(session(3))


def fill(journal: Journal, events: list[e.Event] = EVENTS) -> None:
    for event in events[1:]:
        journal.append(event)


def test_a_session_is_a_file_of_lines_that_only_its_owner_can_read(tmp_path: Path) -> None:
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


async def test_a_coroutine_can_wait_for_a_sync(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, opened())
    journal.append(e.TextSubmitted(at=1, item_id="i", text="hello"))
    assert await asyncio.wrap_future(journal.sync())
    assert read(journal.path).events[-1] == e.TextSubmitted(at=1, item_id="i", text="hello")
    journal.close()


def test_each_event_is_one_write_and_each_complete_turn_one_sync(tmp_path: Path) -> None:
    disk = FaultyDisk()
    journal = Journal.create(tmp_path, opened(), disk=disk)
    assert disk.calls["sync"] == 1  # the first line is synced before anything else happens
    fill(journal)
    journal.close()
    assert disk.calls["write"] == len(EVENTS)
    complete = sum(map(is_synced, EVENTS))
    assert 2 <= disk.calls["sync"] <= complete + 1


def test_a_complete_turn_is_synced_without_a_call_of_sync(tmp_path: Path) -> None:
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


def test_resuming_appends_and_states_the_version_once(tmp_path: Path) -> None:
    Journal.create(tmp_path, opened()).close()
    before = (tmp_path / "t1.jsonl").read_bytes()
    journal = Journal.open(tmp_path / "t1.jsonl")
    resumed = e.SessionResumed(at=5, backend="local", model="m")
    journal.append(resumed)
    journal.append(e.SessionClosed(at=6))
    journal.close()
    data = journal.path.read_bytes()
    assert data.startswith(before)
    assert codec.version_of(data[len(before) :].splitlines()[0]) == codec.VERSION
    assert codec.version_of(data.splitlines()[-1]) is None
    assert read(journal.path).events == [opened(), resumed, e.SessionClosed(at=6)]


def test_an_id_is_used_once_and_a_missing_session_is_reported(tmp_path: Path) -> None:
    Journal.create(tmp_path, opened()).close()
    with pytest.raises(StoreError, match="there is a session t1 already"):
        Journal.create(tmp_path, opened())
    with pytest.raises(StoreError, match="no session at") as caught:
        Journal.open(tmp_path / "t2.jsonl")
    assert "sessions list" in caught.value.hint


def test_an_event_after_close_is_an_error(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, opened())
    journal.close()
    with pytest.raises(StoreError, match="closed"):
        journal.append(e.SessionClosed(at=1))
    assert journal.sync().result(0) is True


# ── one process at a time ────────────────────────────────────────────────────────────────────


def test_another_process_is_refused_and_the_holder_is_named(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, opened())
    script = (
        "import sys; from pathlib import Path\n"
        "from tui_voice.errors import StoreError\n"
        "from tui_voice.store.journal import Journal\n"
        "try: Journal.open(Path(sys.argv[1])); print('opened')\n"
        "except StoreError as error: print(error, '|', error.hint)\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script, str(journal.path)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"the session t1 is open in process {os.getpid()} |" in printed
    assert "fork" in printed
    with pytest.raises(StoreError, match="is open in"), SessionLock(journal.path):
        pass
    journal.close()
    with SessionLock(journal.path):
        pass
    Journal.open(journal.path).close()


def test_a_symbolic_link_to_a_journal_has_the_same_lock(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, opened())
    link = tmp_path / "link.jsonl"
    link.symlink_to(journal.path)
    with pytest.raises(StoreError, match=f"is open in process {os.getpid()}"):
        Journal.open(link)
    journal.close()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "t1.jsonl"
    Journal.create(tmp_path, opened()).close()
    script = (
        "import sys, time; from pathlib import Path\n"
        "from tui_voice.store.journal import Journal\n"
        "journal = Journal.open(Path(sys.argv[1])); print('open', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match=f"is open in process {other.pid}"):
            Journal.open(path)
        other.kill()
    assert pid_file(path).exists()  # a killed process removes nothing
    Journal.open(path).close()
    assert not pid_file(path).exists()


def test_a_lock_holds_although_the_process_number_cannot_be_read(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, opened())
    pid_file(journal.path).write_text("nobody")
    with pytest.raises(StoreError, match="open in another process"):
        Journal.open(journal.path)
    journal.close()


def test_a_file_system_without_locks_is_written_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    with monkeypatch.context() as patch:
        patch.setattr(FileLock, "acquire", no_locks)
        journal = Journal.create(tmp_path, opened())
        journal.append(e.SessionClosed(at=1))
        assert journal.close() == 0
    pid_file(journal.path).mkdir()  # no lock file can be made there
    again = Journal.open(journal.path)
    assert again.close() == 0


def test_the_lock_is_kept_until_the_file_is_closed(tmp_path: Path) -> None:
    """No other process may open the session while a line is still to be written."""
    there: list[bool] = []

    class Watched(FaultyDisk):
        def sync(self, fd: int) -> None:
            super().sync(fd)
            there.append(pid_file(tmp_path / "t1.jsonl").exists())

        def close(self, fd: int) -> None:
            there.append(pid_file(tmp_path / "t1.jsonl").exists())
            super().close(fd)

    journal = Journal.create(tmp_path, opened(), disk=Watched())
    journal.append(e.TextSubmitted(at=1, item_id="i", text="good night"))
    journal.close()
    *syncs, closed = there
    assert len(syncs) >= 2
    assert all(syncs)
    assert closed
    assert not pid_file(journal.path).exists()
