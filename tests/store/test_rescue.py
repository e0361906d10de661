"""A disk that is full when the talk is left: what it did not take is kept elsewhere, and told."""

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

from tests.store.faults import FULL, FaultyDisk
from tests.store.talks import opened
from tui_voice.config import state_dir
from tui_voice.conversation import events as e
from tui_voice.errors import StoreError
from tui_voice.store import catalog, codec, journal, rescue
from tui_voice.store.journal import Journal
from tui_voice.store.reading import read

SAID = [e.TextSubmitted(at=n, item_id=f"i{n}", text=f"{n} " + "word " * 100) for n in range(90)]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of one's own to put things aside in."""
    for name in ("HOME", "USERPROFILE", "XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return tmp_path / "home"


def left(path: Path) -> StoreError:
    """What a talk of many words ends with."""
    journal = Journal.create(path, opened())
    for event in SAID:
        journal.append(event)
    with pytest.raises(StoreError) as told:
        journal.finish()
    return told.value


def waiting() -> Path:
    """What was put aside."""
    (place,) = state_dir().glob("tui-voice-unsaved-t1-*.jsonl")
    return place


def test_a_full_disk_at_the_end_loses_nothing(small: Path) -> None:
    ballast = small / "ballast"
    ballast.write_bytes(b"x" * 40_000)
    told = left(small / "s")
    place, path = waiting(), small / "s" / "t1.jsonl"
    count = len(place.read_bytes().splitlines())
    assert 0 < count < len(SAID)
    assert str(told) == (
        f"the last {count} facts of this talk could not be saved (the disk is full) "
        f"and are kept in {place}"
    )
    assert told.hint == "Make room, then `tui-voice resume t1` has them."
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700

    still_full = Journal.open(path)  # gone on with too early: nothing is lost, or there twice
    assert still_full.put_back == 0
    with pytest.raises(StoreError, match="kept in"):
        still_full.finish()

    ballast.unlink()
    again = Journal.open(path)
    assert again.put_back == count
    assert not place.exists()
    again.finish()
    assert read(path) == ([opened(), *SAID], ())
    third = Journal.open(path)
    assert third.put_back == 0
    third.close()


def test_room_that_is_made_while_the_talk_goes_on(small: Path) -> None:
    ballast = small / "ballast"
    ballast.write_bytes(b"x" * 40_000)
    left(small / "s")
    path = small / "s" / "t1.jsonl"
    again = Journal.open(path, retry_seconds=0.001)
    ballast.unlink()
    while not again.sync().result(30):
        pass
    assert waiting().exists()  # a kill now would find it
    again.append(e.SessionClosed(at=999))
    again.finish()
    assert not list(state_dir().iterdir())
    assert read(path).events == [opened(), *SAID, e.SessionClosed(at=999)]


@pytest.mark.parametrize("done", [0, 1, 7, None])
def test_who_was_killed_while_it_was_put_back_does_it_again(small: Path, done: int | None) -> None:
    ballast = small / "ballast"
    ballast.write_bytes(b"x" * 40_000)
    left(small / "s")
    ballast.unlink()
    path = small / "s" / "t1.jsonl"
    with path.open("ab") as file:
        file.writelines(waiting().read_bytes().splitlines(keepends=True)[:done])
    Journal.open(path).finish()
    assert read(path) == ([opened(), *SAID], ())


def test_a_talk_of_which_nothing_is_on_disk(tmp_path: Path) -> None:
    """The remedy is a command; it is run here as it stands."""
    folder = tmp_path / "the talks"
    folder.mkdir()
    disk = FaultyDisk(lambda call, _n: FULL if call == "create" else None)
    journal = Journal.create(folder, opened(), disk=disk)
    journal.append(SAID[0])
    with pytest.raises(StoreError) as told:
        journal.finish()
    assert "the last 2 facts" in str(told.value)
    _, _, command = told.value.hint.partition("then: ")
    subprocess.run(shlex.split(command), check=True)
    assert read(journal.path) == ([opened(), SAID[0]], ())
    assert catalog.find(folder, "t1").turns == 1


def test_the_next_place_is_tried(
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


def test_a_full_place_keeps_no_half(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(small / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(small / "home"))
    lines = b"x" * 80_000 + b"\n"
    told = rescue.put_aside(small / "t1.jsonl", 1, lines, "the disk is full")
    assert str(small) not in str(told)
    assert not [path for path in (small / "home").rglob("*") if path.is_file()]


def test_nowhere_at_all_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rescue, "_places", lambda _journal: iter([tmp_path]))  # is a folder
    told = rescue.put_aside(tmp_path / "t1.jsonl", 3, b"", "the disk is full")
    assert str(told).startswith("the last 3 facts of the talk t1 could not be saved anywhere")


@pytest.mark.skipif(os.name != "posix", reason="files have no such owners there")
def test_what_others_can_have_left_there_is_not_taken_in(tmp_path: Path) -> None:
    path = write(tmp_path)
    rescue.put_aside(path, 1, b"line\n", "why")
    place = waiting()
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
def test_what_others_can_read_is_not_written_to(tmp_path: Path, cache: Path) -> None:
    path = write(tmp_path)
    rescue.put_aside(path, 1, b"line\n", "why")
    trap = waiting()
    trap.write_bytes(b"")
    trap.chmod(0o644)
    assert f"kept in {cache}" in str(rescue.put_aside(path, 1, b"line\n", "why"))
    assert trap.read_bytes() == b""


def test_what_waits_there_already_stays_whole(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path)
    rescue.put_aside(path, 1, b"first\n", "why")
    first, real = waiting(), os.fsync

    def failing(fd: int) -> None:
        if os.path.samestat(os.fstat(fd), first.stat()):
            raise OSError(28, "no space left")
        real(fd)

    monkeypatch.setattr("tui_voice.store.rescue.os.fsync", failing)
    assert f"kept in {cache}" in str(rescue.put_aside(path, 1, b"second\n", "why"))
    assert first.read_bytes() == b"first\n"
    assert rescue.found(path).lines == (b"first\n", b"second\n")


def test_a_sync_that_fails_to_the_last_leaves_nothing_twice(tmp_path: Path) -> None:
    """What it may have lost is cut away, and kept elsewhere."""
    disk = FaultyDisk(lambda call, n: FULL if call == "sync" and n > 1 else None)
    talk = Journal.create(tmp_path, opened(), disk=disk)
    for event in SAID[:5]:
        talk.append(event)
    with pytest.raises(StoreError, match="the last 5 facts"):
        talk.finish()
    assert read(talk.path).events == [opened()]
    Journal.open(talk.path).finish()
    assert read(talk.path).events == [opened(), *SAID[:5]]


def test_a_disk_that_hangs_keeps_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(FaultyDisk):
        def sync(self, fd: int) -> None:
            if not free.is_set():
                hangs.set()
                free.wait(30)
            super().sync(fd)

    free, hangs = threading.Event(), threading.Event()
    free.set()
    talk = Journal.create(tmp_path, opened(), disk=Hanging())
    free.clear()
    talk.append(SAID[0])
    assert hangs.wait(30)
    talk.append(SAID[1])
    monkeypatch.setattr(journal, "FINISH_SECONDS", 0.01)
    with pytest.raises(StoreError, match=r"the last 2 facts .*the disk does not answer"):
        talk.finish()
    free.set()
    assert talk.close() == 0
    again = Journal.open(talk.path)
    again.close()
    assert again.put_back == 0  # it came after all, and is not there twice
    assert read(talk.path).events == [opened(), *SAID[:2]]


def test_the_command_tells_it_and_ends_with_1(small: Path) -> None:
    """The real program, a real full disk, until a real end."""
    (small / "ballast").write_bytes(b"x" * 40_000)
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENAI", "AZURE"))
    }
    done = subprocess.run(
        [sys.executable, "-c", TALK, str(small / "s")],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr.count("\n") == 1, done.stderr
    assert "could not be saved (the disk is full) and are kept in" in done.stderr
    assert "Make room, then `tui-voice resume" in done.stderr
    (place,) = state_dir().glob("tui-voice-unsaved-*.jsonl")
    assert str(place) in done.stderr
    assert done.returncode == 1
    (path,) = (small / "s").glob("*.jsonl")
    (small / "ballast").unlink()
    Journal.open(path).finish()
    texts = [x.text for x in read(path).events if isinstance(x, e.TextSubmitted)]
    assert texts == [f"{n} " + "word " * 100 for n in range(90)]


TALK = """
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
