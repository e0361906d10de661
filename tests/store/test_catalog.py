"""The catalog lists, finds, renames, deletes and forks saved sessions."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from msgspec import structs

from tests.store.folders_harness import three_sessions
from tests.store.sessions_harness import exchange, opened, session, write
from tui_voice.conversation import events as e
from tui_voice.conversation.reducers import fold
from tui_voice.conversation.title import MAX_LENGTH
from tui_voice.errors import StoreError
from tui_voice.store import catalog, index_sync, reading
from tui_voice.store.forking import events_until
from tui_voice.store.journal import Journal
from tui_voice.store.saved_session import (
    LONGEST_PAUSE,
    UNTITLED,
    saved_session_of,
    start_time,
    title_of,
)

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return three_sessions(tmp_path / "sessions")


def test_sessions_are_listed_the_newest_first(folder: Path) -> None:
    c, b, a = catalog.list_sessions(folder)
    assert (c.id, b.id, a.id) == ("2026-03-c", "2026-03-b", "2026-01-a")
    assert c.title == "Kyōto [31m in April"
    assert b.title == "What shall we see on day 0?"
    assert a.title == UNTITLED
    assert (b.turns, b.model, b.backend, b.seconds, b.usd) == (8, "smollm2", "local", 32.0, 0.0044)
    assert b.started == "2026-03-01T10:00:00+00:00"
    assert b.path == folder / "2026-03-b.jsonl"
    assert a.turns == 0
    assert catalog.unreadable(folder) == [f"{folder / 'odd.jsonl'} is not a saved session"]


def test_a_folder_that_does_not_exist_has_no_sessions(tmp_path: Path) -> None:
    assert catalog.list_sessions(tmp_path / "nowhere") == []
    with pytest.raises(StoreError, match="no saved sessions yet"):
        catalog.find(tmp_path / "nowhere", "last")


def test_only_journals_that_changed_are_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.list_sessions(folder)
    read: list[str] = []
    load = reading.load
    monkeypatch.setattr(index_sync, "load", lambda p, cache: read.append(p.name) or load(p, cache))
    catalog.list_sessions(folder)
    assert read == []
    with (folder / "2026-01-a.jsonl").open("ab") as file:
        file.write(b'{"event":"session_renamed","at":3,"title":"The first"}\n')
    (folder / "2026-03-b.jsonl").unlink()
    assert [each.title for each in catalog.list_sessions(folder)][1:] == ["The first"]
    assert read == ["2026-01-a.jsonl"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("2026-03-b", "2026-03-b"),
        ("2026-01", "2026-01-a"),
        ("kyoto", "2026-03-c"),
        ("KYŌTO [31M IN APRIL", "2026-03-c"),
        ("last", "2026-03-c"),
        ("", "2026-03-c"),
    ],
)
def test_a_session_is_found_by_each_of_its_names(folder: Path, wanted: str, found: str) -> None:
    assert catalog.find(folder, wanted).id == found


def test_a_session_is_found_by_its_path_in_any_folder(folder: Path, tmp_path: Path) -> None:
    path = folder / "2026-03-c.jsonl"
    assert catalog.find(tmp_path, str(path)).path == path
    with pytest.raises(StoreError, match="is not a saved session"):
        catalog.find(tmp_path, str(folder / "odd.jsonl"))


def test_a_name_of_no_or_several_sessions_is_refused(folder: Path) -> None:
    with pytest.raises(StoreError, match="“2026-03” fits several sessions: 2026-03-c"):
        catalog.find(folder, "2026-03")
    with pytest.raises(StoreError, match="there is no session “xyz”"):
        catalog.find(folder, "xyz")
    for n in range(5):
        write(folder / f"2027-{n}.jsonl", [opened(f"2027-{n}")])
    with pytest.raises(StoreError, match="and 1 more"):
        catalog.find(folder, "2027")


def test_a_copy_is_found_by_its_file_name_and_the_id_is_the_original(folder: Path) -> None:
    write(folder / "copy.jsonl", [opened("2026-01-a")])
    assert catalog.find(folder, "copy").path.stem == "copy"
    assert catalog.find(folder, "2026-01-a").path.stem == "2026-01-a"


# ── rename, delete ───────────────────────────────────────────────────────────────────────────


def test_a_new_title_is_one_more_event(folder: Path) -> None:
    path = folder / "2026-03-b.jsonl"
    before = path.read_bytes()
    catalog.rename(path, "  Day \n trips ")
    assert path.read_bytes().startswith(before)
    assert catalog.find(folder, "Day trips").path == path
    assert reading.read(path).events[-1] == e.SessionRenamed(at=32.0, title="Day trips")
    with pytest.raises(StoreError, match="title"):
        catalog.rename(path, " ")


def test_an_open_session_is_neither_renamed_nor_deleted(folder: Path) -> None:
    path = folder / "2026-03-b.jsonl"
    journal = Journal.open(path)
    for action in (lambda: catalog.rename(path, "x"), lambda: catalog.delete(path)):
        with pytest.raises(StoreError, match=f"open in process {os.getpid()}"):
            action()
    journal.close()


def test_a_title_that_cannot_be_written_is_reported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_fd: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "no space left")

    path = folder / "2026-03-b.jsonl"
    before = path.read_bytes()
    monkeypatch.setattr("tui_voice.store.disk.os.write", no_room)
    with pytest.raises(StoreError, match="could not be written: the disk is full"):
        catalog.rename(path, "x")
    monkeypatch.undo()
    assert path.read_bytes() == before


def test_a_session_moves_to_the_trash_with_its_sound(
    folder: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    gone: list[Path] = []
    monkeypatch.setattr("send2trash.send2trash", lambda path: (gone.append(path), path.unlink()))
    path = folder / "2026-03-b.jsonl"
    sound = path.with_suffix(".wav")
    sound.write_bytes(b"RIFF")
    catalog.delete(path, cache)
    assert gone == [path, sound]
    assert [each.id for each in catalog.list_sessions(folder)] == ["2026-03-c", "2026-01-a"]
    with pytest.raises(StoreError, match="no session at"):
        catalog.delete(path)

    def no_trash(_path: Path) -> None:
        raise OSError("there is no trash on this volume")

    monkeypatch.setattr("send2trash.send2trash", no_trash)
    with pytest.raises(StoreError, match="no trash on this volume"):
        catalog.delete(folder / "2026-03-c.jsonl")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is the user's own trash")
def test_the_real_trash_contains_a_deleted_session(folder: Path) -> None:
    share = folder.parent / "share"
    path = folder / "2026-03-b.jsonl"
    content = path.read_bytes()
    script = (
        "import sys; from pathlib import Path; from tui_voice.store import catalog\n"
        "catalog.delete(Path(sys.argv[1]))"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(path)],
        env=os.environ | {"XDG_DATA_HOME": str(share)},
        check=True,
    )
    assert not path.exists()
    assert (share / "Trash" / "files" / path.name).read_bytes() == content


# ── fork ─────────────────────────────────────────────────────────────────────────────────────


def test_a_fork_is_the_session_up_to_a_turn_and_names_its_parent(folder: Path) -> None:
    parent = folder / "2026-03-c.jsonl"
    path = catalog.fork(parent, "item_a0", "forked")
    ledger, notes = reading.load(path)
    assert notes == ()
    assert path.name == "forked.jsonl"
    assert ledger.opened is not None
    assert (ledger.opened.parent, ledger.opened.parent_turn) == ("2026-03-c", "item_a0")
    whole = reading.load(parent).ledger
    free = [structs.replace(turn, charged=False) for turn in whole.turns]
    assert list(ledger.turns) == free[:2]
    assert ledger.cost == 0
    assert not ledger.spent.unknown
    assert ledger.title == ""  # the parent was named after that turn
    assert catalog.find(folder, "forked").parent == "2026-03-c"


def test_a_fork_has_the_title_of_that_time(folder: Path) -> None:
    path = folder / "named.jsonl"
    write(path, [opened("named"), e.SessionRenamed(at=0.5, title="Trip"), *list(session(2))[1:]])
    assert reading.load(catalog.fork(path, "item_u1")).ledger.title == "Trip (fork)"


def test_a_fork_that_cannot_be_written_leaves_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(fd: int, data: bytes) -> int:
        if os.fstat(fd).st_size > 500:
            raise OSError(errno.ENOSPC, "no space left")
        return write(fd, data)

    before, write = sorted(folder.iterdir()), os.write
    monkeypatch.setattr("tui_voice.store.disk.os.write", no_room)
    with pytest.raises(StoreError, match="could not be written: the disk is full"):
        catalog.fork(folder / "2026-03-c.jsonl", "item_a0", "forked")
    monkeypatch.undo()
    assert sorted(folder.iterdir()) == before


def test_a_session_on_a_file_system_without_locks_can_be_deleted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    path = folder / "2026-03-c.jsonl"
    monkeypatch.setattr("filelock.FileLock.acquire", no_locks)
    monkeypatch.setattr("send2trash.send2trash", lambda path: path.unlink())
    catalog.delete(path)
    assert not path.exists()


def test_an_id_is_the_time_and_random_letters() -> None:
    now = datetime(2026, 4, 1, 12, 30)
    ids = {catalog.new_id(now) for _ in range(50)}
    assert len(ids) == 50
    assert all(one.startswith("2026-04-01-1230-") and len(one) <= 32 for one in ids)


def test_a_fork_at_a_question_contains_nothing_of_its_answer() -> None:
    """The transcript of the question came after the answer had begun."""
    events = [opened(), *exchange(0, 1.0)]
    cut = events_until(events, "item_u0")
    (turn,) = fold(cut).turns
    assert (turn.id, turn.words) == ("item_u0", "done")
    assert not any(isinstance(event, e.ResponseDone) for event in cut)


def test_a_fork_keeps_how_much_was_heard_and_drops_costs() -> None:
    events = [
        *session(1),
        e.PlaybackInterrupted(at=9, item_id="item_a0", played_ms=900),
        e.SummaryRequested(at=10, compaction_id="memory_0001", drop=("item_u0",), window=9),
        e.SummaryReady(at=11, compaction_id="memory_0001", text="s", usd=0.5),
        e.TextSubmitted(at=12, item_id="t", text="go on"),
        e.SessionClosed(at=13),
        e.TextSubmitted(at=14, item_id="u", text="later"),
    ]
    ledger = fold(events_until(events, "t"))
    assert [turn.id for turn in ledger.turns] == ["item_u0", "item_a0", "t"]
    assert ledger.turns.get("item_a0").heard_ms == 900  # type: ignore[union-attr]  # it is there
    assert ledger.compactions[0].summary == "s"
    assert ledger.cost == 0
    assert events_until(events, "u")[-1] == events[-1]
    with pytest.raises(StoreError, match="no turn nobody"):
        events_until(events, "nobody")


# ── titles and lengths ───────────────────────────────────────────────────────────────────────


def test_an_untitled_session_is_called_by_its_first_words() -> None:
    def named(text: str) -> str:
        return title_of(fold([opened(), e.TextSubmitted(item_id="i", text=text)]))

    assert named("  Hello \n there. ") == "Hello there"
    assert named("Why?") == "Why?"
    long = named("I would like to talk about the garden, and about what grows in it in the spring")
    assert long == "I would like to talk about the garden…"
    assert len(named("x" * 200)) == MAX_LENGTH


def test_an_absence_does_not_count_into_the_length(folder: Path) -> None:
    events = [
        opened("d"),
        e.TextSubmitted(at=10, item_id="a", text="before"),
        e.TextSubmitted(at=90_000, item_id="b", text="after"),
        e.SessionClosed(at=90_010),
    ]
    write(folder / "d.jsonl", events)
    listed = catalog.find(folder, "d")
    assert listed.seconds == 10 + LONGEST_PAUSE + 10
    assert catalog.list_sessions(folder)[0] == listed
    resumed = e.SessionResumed(at=100, backend="local", model="")
    away = [*events[:2], e.SessionClosed(at=12), resumed, e.SessionClosed(at=103)]
    assert saved_session_of(fold(away), folder).seconds == 12 + 3


@pytest.mark.parametrize("started", ["", "yesterday", "0001-01-01T00:00:00+23:59"])
def test_a_session_without_a_valid_date_is_listed(folder: Path, started: str) -> None:
    assert start_time(started) is None or start_time(started) == datetime.fromisoformat(started)
    write(folder / "d.jsonl", [opened("d", started=started), *list(session(1))[1:]])
    assert catalog.find(folder, "d").turns == 2


# ── recorded sessions of every version ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted((REPOSITORY / "sessions").glob("*.jsonl"))
        if path.name != "v1-cut-off.jsonl"  # damaged on purpose: see `test_old_journals`
    ],
    ids=lambda path: path.name,
)
def test_sessions_of_every_version_open_without_a_note(path: Path) -> None:
    events, notes = reading.read(path)
    ledger = reading.load(path).ledger
    assert notes == ()
    assert ledger == fold(events)
    assert len(ledger.turns) >= 6
    assert all(done.stage == "confirmed" for done in ledger.compactions)
    assert all(turn.words == "done" for turn in ledger.turns)


def test_the_kyoto_session_contains_every_kind_of_turn() -> None:
    ledger = reading.load(REPOSITORY / "sessions" / "v1-kyoto-in-april.jsonl").ledger
    assert ledger.title == "Kyoto in April"
    assert {done.kind for done in ledger.compactions} == {"summary", "textify"}
    assert any(turn.pinned and turn.role == "user" for turn in ledger.turns)
    assert any(turn.interrupted for turn in ledger.turns)
    assert any(not turn.spoken for turn in ledger.turns)
    assert not any("sk-" in turn.text for turn in ledger.turns)
