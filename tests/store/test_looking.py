"""The index keeps up: what was said since is found, whoever wrote it, and only as it is now."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.store.folders import found, said, two_talks
from tests.store.talks import opened, talk, write
from tui_voice.conversation import events as e
from tui_voice.store import codec, folder_scan, index, rows
from tui_voice.store.journal import Journal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return two_talks(tmp_path / "sessions")


def test_what_was_said_since_is_found_and_what_changed_only_as_it_is(folder: Path) -> None:
    assert found(folder, "willow") == []
    grown = folder / "old.jsonl"
    with grown.open("ab") as file:
        file.write(codec.encode(said(9, "the willow")))
    assert found(folder, "willow") == [("old", "i9")]
    with grown.open("ab") as file:
        file.write(codec.encode(e.TranscriptDone(at=10, item_id="i9", text="the maple")))
    assert found(folder, "willow") == []
    assert found(folder, "maple") == [("old", "i9")]
    grown.unlink()
    assert found(folder, "maple") == []
    assert found(folder, "role:tool") == []


def long_ago(folder: Path) -> None:
    """The folder looks as if nothing had come or gone for an hour."""
    hour_ago = time.time() - 3600
    os.utime(folder, (hour_ago, hour_ago))


class Watched:
    """`os` as `looking` has it; tells what it was asked about."""

    def __init__(self) -> None:
        self.listed: list[object] = []
        self.looked_at: list[object] = []

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def listdir(self, folder: int) -> list[str]:
        self.listed.append(folder)
        return os.listdir(folder)

    def stat(self, path: Path, **more: int) -> os.stat_result:
        self.looked_at.append(path)
        return os.stat(path, **more)


def test_while_somebody_types_only_what_can_have_changed_is_looked_at(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(20):
        write(folder / f"t{n}.jsonl", talk(1, f"t{n}"))
    live = Journal.open(folder / "new.jsonl")
    long_ago(folder)
    assert found(folder, "wil", typing=True) == []
    watched = Watched()
    monkeypatch.setattr(folder_scan, "os", watched)
    live.append(said(9, "the willow"))
    live.sync().result(30)
    assert found(folder, "wil", typing=True) == [("new", "i9")]
    assert (watched.listed, watched.looked_at) == ([], [folder, folder / "new.jsonl"])
    live.append(said(10, "another willow"))
    live.close()
    assert set(found(folder, "wil", typing=True)) == {("new", "i9"), ("new", "i10")}
    assert len(watched.listed) == 1  # it was closed meanwhile


def test_a_turn_that_another_process_wrote_is_found_by_the_next_search(folder: Path) -> None:
    assert found(folder, "wil", typing=True) == []
    other = subprocess.Popen(
        [sys.executable, "-c", ELSEWHERE, str(folder / "old.jsonl")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with other:
        assert other.stdin
        assert other.stdout
        for n in range(3):
            assert other.stdout.readline() == f"said {n}\n"
            long_ago(folder)  # each time as quick a look as can be
            assert found(folder, f"willow{n}", typing=True) == [("old", f"w{n}")]
            assert found(folder, f"willow{n}") == [("old", f"w{n}")]
            other.stdin.write("\n")
            other.stdin.flush()
    # What it wrote while it closed, after its last word to us.
    assert found(folder, "good night", typing=True) == [("old", "bye")]


ELSEWHERE = """
import sys
from pathlib import Path
from tui_voice.conversation import events as e
from tui_voice.store.journal import Journal
journal = Journal.open(Path(sys.argv[1]))
for n in range(3):
    journal.append(e.TextSubmitted(at=50 + n, item_id=f"w{n}", text=f"the willow{n}"))
    assert journal.sync().result(30)
    print(f"said {n}", flush=True)
    sys.stdin.readline()
journal.append(e.TextSubmitted(at=60, item_id="bye", text="good night"))
journal.close()
"""


def test_what_another_program_changes_in_place_is_found_by_a_full_look(folder: Path) -> None:
    long_ago(folder)
    assert found(folder, "wil", typing=True) == []
    with (folder / "old.jsonl").open("ab") as file:
        file.write(codec.encode(said(9, "the willow")))
    assert found(folder, "wil", typing=True) == []
    assert index.catch_up(folder) is True
    assert found(folder, "wil", typing=True) == [("old", "i9")]
    assert index.catch_up(folder) is False
    with (folder / "old.jsonl").open("ab") as file:
        file.write(codec.encode(said(10, "two willows")))
    assert len(found(folder, "willow*")) == 2


def test_a_folder_that_changed_just_now_is_not_trusted_to_tell(folder: Path) -> None:
    """Its clock may show the same time for what comes in the next moment."""
    os.utime(folder)
    assert found(folder, "wil", typing=True) == []
    with (folder / "old.jsonl").open("ab") as file:
        file.write(codec.encode(said(9, "the willow")))
    assert found(folder, "wil", typing=True) == [("old", "i9")]


def test_talks_that_come_and_go_are_seen_at_a_glance(folder: Path) -> None:
    long_ago(folder)
    assert found(folder, "wil", typing=True) == []
    write(folder / "third.jsonl", [opened("third"), said(1, "a willow")])
    assert found(folder, "wil", typing=True) == [("third", "i1")]
    (folder / ".third.pid").write_text("1")  # whoever had it was killed
    long_ago(folder)
    assert found(folder, "wil", typing=True) == [("third", "i1")]
    (folder / "third.jsonl").unlink()
    assert found(folder, "wil", typing=True) == []
    for words in (b"", codec.encode(opened("third")) + codec.encode(said(1, "a willow"))):
        (folder / "third.jsonl").write_bytes(words)
        long_ago(folder)
        index.catch_up(folder)
        hits = [("third", "i1")] if words else []  # at first it is open, without a word in it
        assert found(folder, "wil", typing=True) == hits
    os.truncate(folder / "third.jsonl", 0)
    assert found(folder, "wil", typing=True) == []
    folder.rename(folder.with_name("gone"))
    assert found(folder, "shellfish", typing=True) == []


def test_a_file_that_goes_while_it_is_looked_at(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(Watched):
        def stat(self, path: Path, **more: int) -> os.stat_result:
            if str(path).endswith("old.jsonl"):
                raise FileNotFoundError
            return os.stat(path, **more)

    monkeypatch.setattr(folder_scan, "os", Late())
    assert found(folder, "shellfish") == [("new", "i1")]


def test_damaged_tables_are_made_anew_while_somebody_types(folder: Path) -> None:
    assert found(folder, "shellf", typing=True)
    db = sqlite3.connect(index.database(folder))
    db.execute("DROP TABLE looks")
    db.commit()
    db.close()
    assert len(found(folder, "shellf", typing=True)) == 3


def test_who_types_waits_for_nobody(folder: Path) -> None:
    """Neither for a thread that takes in what changed, nor for a process that writes."""
    long_ago(folder)
    assert len(found(folder, "shellf", typing=True)) == 3
    write(folder / "third.jsonl", [opened("third"), said(1, "more shellfish")])
    with index._busy[index.database(folder)]:
        assert len(found(folder, "shellf", typing=True)) == 3
    writer = sqlite3.connect(index.database(folder), isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert len(found(folder, "shellf", typing=True)) == 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "PATIENCE", 0.01)
        assert index.catch_up(folder) is False
    writer.execute("ROLLBACK")
    writer.close()
    assert len(found(folder, "shellf", typing=True)) == 4


def test_who_types_does_not_wait_for_much_that_is_new(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "QUICK_SECONDS", -1)  # over before the first talk
    assert found(folder, "shellf", typing=True) == []
    answers = iter([False, True])
    assert index.catch_up(folder, stop=lambda: next(answers)) is True
    assert len({talk for talk, _ in found(folder, "shellf", typing=True)}) == 1
    assert index.catch_up(folder) is True
    assert len(found(folder, "shellf", typing=True)) == 3
    assert index.catch_up(folder) is False


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is, a folder of a few talks is taken in."""
    monkeypatch.setattr(index, "QUICK_SECONDS", 1e6)


def test_a_journal_that_became_unreadable_has_no_hits(folder: Path) -> None:
    assert found(folder, "allergic")
    (folder / "old.jsonl").write_text("overwritten by something else")
    assert found(folder, "allergic") == []


def test_unchanged_turns_stay_as_they_are_indexed(folder: Path) -> None:
    def places(db: object) -> dict[str, int]:
        return dict(db.execute("SELECT turn, place FROM turns"))  # type: ignore[attr-defined]  # db

    path = write(folder / "long.jsonl", talk(20, "long"))
    before = index.ask(folder, places)
    with path.open("ab") as file:
        file.write(codec.encode(said(999, "one more")))
    after = index.ask(folder, places)
    assert {turn: after[turn] for turn in before} == before
    assert set(after) - set(before) == {"i999"}


def test_more_turns_than_a_moment_has_room_for(folder: Path) -> None:
    many = [e.TextSubmitted(item_id=f"m{n}", text=f"word{n} same") for n in range(rows.SLOTS + 5)]
    lost = [opened("many", started=""), *many, e.TextSubmitted(at=1e300, item_id="x", text="far")]
    write(folder / "many.jsonl", lost)
    assert found(folder, "word0") == [("many", "m0")]
    assert found(folder, f"word{rows.SLOTS + 4}") == [("many", f"m{rows.SLOTS + 4}")]
    assert found(folder, "far") == [("many", "x")]


def test_a_step_that_fails_half_way_leaves_nothing_of_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(rows, "_add", add)
        with pytest.raises(ZeroDivisionError):
            found(folder, "allergic")
    assert found(folder, "allergic") == [("old", "i1")]


@pytest.mark.parametrize("call", ["replace", "open", "listdir", "stat"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_failing_cache_or_folder_loses_nothing(
    folder: Path, call: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    real = getattr(os, call)

    def failing(*args: object, **more: object) -> object:
        nonlocal calls
        calls += 1
        if calls % nth == 0:
            raise OSError(errno.EIO, "input/output error")
        return real(*args, **more)

    monkeypatch.setattr("tui_voice.store.checkpoint.WORTH_LINES", 1)
    for module in ("folder_scan", "checkpoint", "index"):
        monkeypatch.setattr(f"tui_voice.store.{module}.os.{call}", failing)
    first = found(folder, "allergic")
    monkeypatch.undo()
    assert first in ([("old", "i1")], [])  # the folder itself could not be looked into
    assert found(folder, "allergic") == [("old", "i1")]
