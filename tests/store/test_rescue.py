"""A disk that is full when a session is closed: unsaved events are kept elsewhere and come back."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from tests.store.faulty_disk_harness import FULL, FaultyDisk
from tests.store.sessions_harness import opened
from tui_voice.config import state_dir
from tui_voice.config.program_form import working_form
from tui_voice.conversation import events as e
from tui_voice.errors import StoreError
from tui_voice.store import catalog, codec, rescue
from tui_voice.store.journal import Journal
from tui_voice.store.reading import read

TYPED = [e.TextSubmitted(at=n, item_id=f"i{n}", text=f"{n} " + "word " * 100) for n in range(90)]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of the user in which unsaved events are kept."""
    for name in ("HOME", "USERPROFILE", "XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return tmp_path / "home"


def closed_on_full_disk(folder: Path) -> StoreError:
    """Writes a session with much text to a full disk; returns the error that closing raises."""
    journal = Journal.create(folder, opened())
    for event in TYPED:
        journal.append(event)
    with pytest.raises(StoreError) as raised:
        journal.finish()
    return raised.value


def kept_elsewhere() -> Path:
    """The file with the unsaved events."""
    (place,) = state_dir().glob("tui-voice-unsaved-t1-*.jsonl")
    return place


def test_a_full_disk_at_the_end_loses_nothing(small: Path) -> None:
    ballast = small / "ballast"
    ballast.write_bytes(b"x" * 40_000)
    error = closed_on_full_disk(small / "s")
    place, path = kept_elsewhere(), small / "s" / "t1.jsonl"
    count = len(place.read_bytes().splitlines())
    assert 0 < count < len(TYPED)
    assert str(error) == (
        f"the last {count} events of this session could not be saved (the disk is full) "
        f"and are kept in {place}"
    )
    assert error.hint == "Make room, then `tui-voice resume t1` has them."
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700

    still_full = Journal.open(path)  # resumed too early: nothing is lost or doubled
    assert still_full.recovered == 0
    with pytest.raises(StoreError, match="kept in"):
        still_full.finish()

    ballast.unlink()
    again = Journal.open(path)
    assert again.recovered == count
    assert not place.exists()
    again.finish()
    assert read(path) == ([opened(), *TYPED], ())
    third = Journal.open(path)
    assert third.recovered == 0
    third.close()


def test_room_that_is_made_while_the_session_goes_on(small: Path) -> None:
    ballast = small / "ballast"
    ballast.write_bytes(b"x" * 40_000)
    closed_on_full_disk(small / "s")
    path = small / "s" / "t1.jsonl"
    again = Journal.open(path, retry_seconds=0.001)
    ballast.unlink()
    while not again.sync().result(30):
        pass
    assert kept_elsewhere().exists()  # if the program is killed now, the file is still needed
    again.append(e.SessionClosed(at=999))
    again.finish()
    assert not list(state_dir().iterdir())
    assert read(path).events == [opened(), *TYPED, e.SessionClosed(at=999)]


@pytest.mark.parametrize("done", [0, 1, 7, None])
def test_a_program_killed_while_it_recovered_events_does_it_again(
    small: Path, done: int | None
) -> None:
    ballast = small / "ballast"
    ballast.write_bytes(b"x" * 40_000)
    closed_on_full_disk(small / "s")
    ballast.unlink()
    path = small / "s" / "t1.jsonl"
    with path.open("ab") as file:
        file.writelines(kept_elsewhere().read_bytes().splitlines(keepends=True)[:done])
    Journal.open(path).finish()
    assert read(path) == ([opened(), *TYPED], ())


def test_a_session_of_which_nothing_is_on_disk(tmp_path: Path) -> None:
    """The remedy in the message is a command; it is run as it is."""
    folder = tmp_path / "my sessions"
    folder.mkdir()
    disk = FaultyDisk(lambda call, _n: FULL if call == "create" else None)
    journal = Journal.create(folder, opened(), disk=disk)
    journal.append(TYPED[0])
    with pytest.raises(StoreError) as raised:
        journal.finish()
    assert "the last 2 events" in str(raised.value)
    _, _, command = raised.value.hint.partition("then: ")
    subprocess.run(shlex.split(command), check=True)
    assert read(journal.path) == ([opened(), TYPED[0]], ())
    assert catalog.find(folder, "t1").turns == 1


def test_a_place_that_refuses_is_followed_by_the_next(
    tmp_path: Path, home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put() -> StoreError:
        return rescue.put_aside(tmp_path / "t1.jsonl", 1, b"line\n", "why")

    home.write_text("in the way")
    assert f"kept in {cache}" in str(put())
    assert rescue.found(write(tmp_path)).lines == (b"line\n",)
    monkeypatch.setenv("TUI_VOICE_CACHE_DIR", str(home / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    assert f"kept in {tmp_path / 'tmp'}" in str(put())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    assert f"kept in {tmp_path / 'run'}" in str(put())


def write(folder: Path) -> Path:
    path = folder / "t1.jsonl"
    path.write_bytes(codec.encode(opened()))
    return path


def test_a_full_place_keeps_no_part_of_the_lines(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(small / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(small / "home"))
    lines = b"x" * 80_000 + b"\n"
    error = rescue.put_aside(small / "t1.jsonl", 1, lines, "the disk is full")
    assert str(small) not in str(error)
    assert not [path for path in (small / "home").rglob("*") if path.is_file()]


def test_no_place_at_all_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rescue, "places", lambda _journal: iter([tmp_path]))  # is a folder
    error = rescue.put_aside(tmp_path / "t1.jsonl", 3, b"", "the disk is full")
    assert str(error).startswith("the last 3 events of the session t1 could not be saved anywhere")


@pytest.mark.skipif(os.name != "posix", reason="files have no such owners there")
def test_a_file_that_another_user_may_have_made_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path)
    rescue.put_aside(path, 1, b"line\n", "why")
    place = kept_elsewhere()
    assert rescue.found(path).lines == (b"line\n",)
    place.chmod(0o666)
    assert rescue.found(path).lines == ()
    place.chmod(0o600)
    real = place.rename(place.with_name("real"))
    place.symlink_to(real)
    assert rescue.found(path).lines == ()
    place.unlink()
    place.mkdir()
    assert rescue.found(path).lines == ()
    place.rmdir()
    os.mkfifo(place)
    assert rescue.found(path).lines == ()


@pytest.mark.skipif(os.name != "posix", reason="files have no such owners there")
def test_a_file_that_another_user_can_read_is_not_written(tmp_path: Path, cache: Path) -> None:
    path = write(tmp_path)
    rescue.put_aside(path, 1, b"line\n", "why")
    trap = kept_elsewhere()
    trap.write_bytes(b"")
    trap.chmod(0o644)
    assert f"kept in {cache}" in str(rescue.put_aside(path, 1, b"line\n", "why"))
    assert trap.read_bytes() == b""


def test_lines_that_are_kept_already_stay_whole(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path)
    rescue.put_aside(path, 1, b"first\n", "why")
    first, real = kept_elsewhere(), os.fsync

    def failing(fd: int) -> None:
        if os.path.samestat(os.fstat(fd), first.stat()):
            raise OSError(28, "no space left")
        real(fd)

    monkeypatch.setattr("tui_voice.store.rescue.os.fsync", failing)
    assert f"kept in {cache}" in str(rescue.put_aside(path, 1, b"second\n", "why"))
    assert first.read_bytes() == b"first\n"
    assert rescue.found(path).lines == (b"first\n", b"second\n")


def test_a_sync_that_keeps_failing_leaves_no_event_twice(tmp_path: Path) -> None:
    """Lines that the failed sync may have lost are cut off and kept elsewhere."""
    disk = FaultyDisk(lambda call, n: FULL if call == "sync" and n > 1 else None)
    journal = Journal.create(tmp_path, opened(), disk=disk)
    for event in TYPED[:5]:
        journal.append(event)
    with pytest.raises(StoreError, match="the last 5 events"):
        journal.finish()
    assert read(journal.path).events == [opened()]
    Journal.open(journal.path).finish()
    assert read(journal.path).events == [opened(), *TYPED[:5]]


def test_a_disk_that_does_not_answer_does_not_keep_the_program_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging(FaultyDisk):
        def sync(self, fd: int) -> None:
            if not free.is_set():
                hangs.set()
                free.wait(30)
            super().sync(fd)

    free, hangs = threading.Event(), threading.Event()
    free.set()
    journal = Journal.create(tmp_path, opened(), disk=Hanging())
    free.clear()
    journal.append(TYPED[0])
    assert hangs.wait(30)
    journal.append(TYPED[1])
    monkeypatch.setattr("tui_voice.store.journal.FINISH_SECONDS", 0.01)
    with pytest.raises(StoreError, match=r"the last 2 events .*the disk does not answer"):
        journal.finish()
    free.set()
    assert journal.close() == 0
    again = Journal.open(journal.path)
    again.close()
    assert again.recovered == 0  # the writes came through in the end, and are not doubled
    assert read(journal.path).events == [opened(), *TYPED[:2]]


def test_the_command_reports_it_and_exits_with_1(small: Path) -> None:
    """With the real program and a disk that is really full."""
    (small / "ballast").write_bytes(b"x" * 40_000)
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENAI", "AZURE"))
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(small / "s")],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr.count("\n") == 1, done.stderr
    assert "could not be saved (the disk is full) and are kept in" in done.stderr
    assert f"Make room, then `{working_form()} resume" in done.stderr
    (place,) = state_dir().glob("tui-voice-unsaved-*.jsonl")
    assert str(place) in done.stderr
    assert done.returncode == 1
    (path,) = (small / "s").glob("*.jsonl")
    (small / "ballast").unlink()
    Journal.open(path).finish()
    texts = [x.text for x in read(path).events if isinstance(x, e.TextSubmitted)]
    assert texts == [f"{n} " + "word " * 100 for n in range(90)]


SCRIPT = """
import sys, threading
from pathlib import Path
from tui_voice import __main__ as program
from tui_voice.cli import config
from tui_voice.conversation import events as e
from tui_voice.conversation.conversation import Conversation
from tui_voice.runtime.replay import ReplayBackend
from tui_voice.runtime.session import Session
from tui_voice.store.journal import Journal

def run(_args):
    opened = e.SessionOpened(id="t1", started="2026-04-01T12:00:00Z", backend="b", model="m")
    journal = Journal.create(Path(sys.argv[1]), opened)
    session = Session("t1", Conversation(), journal, ReplayBackend([])).start()
    for n in range(90):
        session.post(e.TextSubmitted(item_id=f"i{n}", text=f"{n} " + "word " * 100))
    session.close()
    return 0

config.run = run
sys.exit(program.main(["config"]))
"""
