"""The index keeps up with the folder: every change is found by the next search that refreshes it.

It does not matter which process wrote the change. Of a turn that changed, only the last text is
found.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.folders_harness import found, found_while_typing, two_sessions, typed
from tests.store.random_events_harness import any_event
from tests.store.sessions_harness import append, opened, session, write
from tui_voice.conversation import events as e
from tui_voice.store import catalog, checkpoint, codec, index, rows
from tui_voice.store.journal import Journal
from tui_voice.store.reading import load


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return two_sessions(tmp_path / "sessions")


def indexed(db: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    """Role and text of each turn in the index; no turn may be there twice."""
    turns = db.execute("SELECT turn, role, text FROM turns").fetchall()
    assert len({turn for turn, *_ in turns}) == len(turns)
    return {turn: (role, text) for turn, role, text in turns}


# ── journals that change ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("search_now", [found, found_while_typing])
def test_new_and_changed_turns_are_found_as_they_are_now(
    folder: Path, search_now: Callable[[Path, str], list[tuple[str, str]]]
) -> None:
    assert search_now(folder, "willow") == []
    old = folder / "old.jsonl"
    append(old, typed(9, "the willow"))
    assert search_now(folder, "willow") == [("old", "i9")]
    append(old, e.TranscriptDone(at=10, item_id="i9", text="the maple"))
    assert search_now(folder, "willow") == []
    assert search_now(folder, "maple") == [("old", "i9")]
    old.unlink()
    assert search_now(folder, "maple") == []
    assert search_now(folder, "role:tool") == []


@given(st.lists(any_event, max_size=25), st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_journal_that_grows_in_any_pieces_is_indexed_as_if_read_once(
    tmp_path: Path, cache: Path, events: list[e.Event], data: st.DataObject
) -> None:
    """Pieces may end within a line."""
    folder = tmp_path / f"s{len(list(tmp_path.iterdir()))}"
    path = write(folder / "t1.jsonl", session(2))
    rest = b"".join(map(codec.encode, events))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rest)), max_size=4)))
    for start, end in pairwise([0, *cuts, len(rest)]):
        with path.open("ab") as file:
            file.write(rest[start:end])
        now = index.ask(folder, indexed, cache)
        assert now == {x.id: (x.role, x.text) for x in load(path).ledger.turns if x.text}


def test_a_long_session_that_grows_is_found_at_each_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a checkpoint, as a session of some hundred turns has one."""
    monkeypatch.setattr(checkpoint, "WORTH_LINES", 100)
    path = write(tmp_path / "t1.jsonl", session(100))
    for n in range(20):
        append(path, e.TextSubmitted(at=9999, item_id=f"n{n}", text=f"news{n}"))
        assert found_while_typing(tmp_path, f"news{n}") == [("t1", f"n{n}")]
    assert len(found(tmp_path, "news*")) == 20
    assert index.ask(tmp_path, indexed) == {
        turn.id: (turn.role, turn.text) for turn in load(path).ledger.turns
    }


def test_unchanged_turns_are_not_written_again(folder: Path) -> None:
    def places(db: sqlite3.Connection) -> dict[str, int]:
        return dict(db.execute("SELECT turn, place FROM turns").fetchall())

    path = write(folder / "long.jsonl", session(20, "long"))
    before = index.ask(folder, places)
    append(path, typed(999, "one more"))
    after = index.ask(folder, places)
    assert {turn: after[turn] for turn in before} == before
    assert set(after) - set(before) == {"i999"}


def test_a_journal_that_became_unreadable_has_no_hits(folder: Path) -> None:
    assert found(folder, "allergic")
    (folder / "old.jsonl").write_text("overwritten by something else")
    assert found(folder, "allergic") == []
    assert catalog.unreadable(folder) == [f"{folder / 'old.jsonl'} is not a saved session"]


def test_journals_that_come_and_go_are_found_while_the_user_types(folder: Path) -> None:
    assert found_while_typing(folder, "wil") == []
    third = write(folder / "third.jsonl", [opened("third"), typed(1, "a willow")])
    assert found_while_typing(folder, "wil") == [("third", "i1")]
    os.truncate(third, 0)
    assert found_while_typing(folder, "wil") == []
    write(third, [opened("third"), typed(1, "another willow")])
    assert found_while_typing(folder, "wil") == [("third", "i1")]
    third.unlink()
    assert found_while_typing(folder, "wil") == []
    folder.rename(folder.with_name("gone"))
    assert found_while_typing(folder, "shellfish") == []


# ── another process that writes ──────────────────────────────────────────────────────────────

OTHER_PROCESS = """
import sys
from pathlib import Path
from tui_voice.conversation import events as e
from tui_voice.store.journal import Journal
journal = Journal.open(Path(sys.argv[1]))
for n in range(3):
    journal.append(e.TextSubmitted(at=50 + n, item_id=f"w{n}", text=f"the willow{n}"))
    assert journal.sync().result(30)
    print(f"saved {n}", flush=True)
    sys.stdin.readline()
journal.append(e.TextSubmitted(at=60, item_id="bye", text="good night"))
journal.close()
"""


@pytest.fixture
def other(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that appends three turns to `old`, one for each line that it is sent."""
    with subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, str(folder / "old.jsonl")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def test_turns_and_lists_are_up_to_date_while_another_process_writes(
    folder: Path, other: subprocess.Popen[str]
) -> None:
    assert other.stdin
    assert other.stdout
    for n in range(3):
        assert other.stdout.readline() == f"saved {n}\n"
        assert found_while_typing(folder, f"willow{n}") == [("old", f"w{n}")]
        assert found(folder, f"willow{n}") == [("old", f"w{n}")]
        listed = {each.id: each.turns for each in catalog.list_sessions(folder)}
        assert listed == {"old": 5 + n, "new": 3}
        other.stdin.write("\n")
        other.stdin.flush()
    other.communicate(timeout=30)
    assert found_while_typing(folder, "good night") == [("old", "bye")]
    assert catalog.find(folder, "old").turns == 8


def test_turns_of_this_process_are_found_as_soon_as_they_are_synced(folder: Path) -> None:
    journal = Journal.open(folder / "new.jsonl")
    journal.append(typed(9, "the willow"))
    journal.sync().result(30)
    assert found_while_typing(folder, "wil") == [("new", "i9")]
    journal.append(typed(10, "another willow"))
    journal.close()
    assert set(found_while_typing(folder, "wil")) == {("new", "i9"), ("new", "i10")}


# ── searching without a refresh, as while the user types ────────────────────────────────────


def quickly(folder: Path, text: str) -> list[tuple[str, str]]:
    """Session id and turn id of each hit of a search that answers from the index as it is."""
    return found(folder, text, typing=True, refresh=False)


def test_a_search_without_a_refresh_finds_what_the_last_update_found(folder: Path) -> None:
    assert quickly(folder, "shellf") == []
    index.update(folder)
    assert len(quickly(folder, "shellf")) == 3
    write(folder / "third.jsonl", [opened("third"), typed(1, "more shellfish")])
    assert len(quickly(folder, "shellf")) == 3
    catalog.list_sessions(folder)  # a list refreshes the index, too
    assert len(quickly(folder, "shellf")) == 4


def test_a_search_without_a_refresh_waits_for_no_other_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.update(folder)
    write(folder / "third.jsonl", [opened("third"), typed(1, "more shellfish")])
    writer = sqlite3.connect(index.database(folder), isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert len(quickly(folder, "shellf")) == 3
    with monkeypatch.context() as patch:
        patch.setattr(index, "BUSY_SECONDS", 0.01)
        assert index.update(folder) is False
    writer.execute("ROLLBACK")
    writer.close()
    assert len(found_while_typing(folder, "shellf")) == 4


def test_a_search_without_a_refresh_waits_for_no_other_thread(folder: Path) -> None:
    """While another thread updates the index, it answers from what is in the index."""
    index.update(folder)
    write(folder / "third.jsonl", [opened("third"), typed(1, "more shellfish")])
    reached, searched = threading.Event(), threading.Event()

    def stop() -> bool:
        reached.set()
        return not searched.wait(30)

    thread = threading.Thread(target=index.update, args=(folder,), kwargs={"stop": stop})
    thread.start()
    assert reached.wait(30)
    assert len(quickly(folder, "shellf")) == 3
    searched.set()
    thread.join()
    assert len(quickly(folder, "shellf")) == 4


def test_an_update_that_is_stopped_keeps_what_it_has_read(folder: Path) -> None:
    answers = iter([False, True])
    assert index.update(folder, stop=lambda: next(answers)) is True
    assert len({session_id for session_id, _ in quickly(folder, "shellf")}) == 1
    assert index.update(folder) is True
    assert len(quickly(folder, "shellf")) == 3
    assert index.update(folder) is False


def test_a_damaged_index_is_made_again_by_the_update_after_the_search(folder: Path) -> None:
    assert found_while_typing(folder, "shellf")
    db = sqlite3.connect(index.database(folder))
    db.execute("DROP TABLE turns")
    db.commit()
    db.close()
    assert quickly(folder, "shellf") == []
    assert len(found_while_typing(folder, "shellf")) == 3


def test_without_a_writable_cache_a_search_always_refreshes(folder: Path, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("x")
    cache = in_the_way / "cache"
    assert len(found(folder, "shellf", typing=True, refresh=False, cache=cache)) == 3


# ── limits and failures ──────────────────────────────────────────────────────────────────────


def test_more_turns_at_one_time_than_a_millisecond_has_places_for(folder: Path) -> None:
    many = [e.TextSubmitted(item_id=f"m{n}", text=f"word{n} same") for n in range(rows.SLOTS + 5)]
    lost = [opened("many", started=""), *many, e.TextSubmitted(at=1e300, item_id="x", text="far")]
    write(folder / "many.jsonl", lost)
    assert found(folder, "word0") == [("many", "m0")]
    assert found(folder, f"word{rows.SLOTS + 4}") == [("many", f"m{rows.SLOTS + 4}")]
    assert found(folder, "far") == [("many", "x")]


def test_an_error_in_the_middle_of_a_session_leaves_none_of_it_in_the_index(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_text: str, _language: str) -> str:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(rows, "Stemmed", fail)
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

    monkeypatch.setattr(checkpoint, "WORTH_LINES", 1)
    for module in ("index_sync", "checkpoint", "index"):
        monkeypatch.setattr(f"tui_voice.store.{module}.os.{call}", failing)
    first = found(folder, "allergic")
    monkeypatch.undo()
    assert first in ([("old", "i1")], [])  # []: the folder itself could not be listed
    assert found(folder, "allergic") == [("old", "i1")]


def test_a_file_that_is_deleted_while_the_folder_is_listed_is_left_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listdir = os.listdir

    def delete_one(folder: Path) -> list[str]:
        names = listdir(folder)
        (folder / "old.jsonl").unlink()
        return names

    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", delete_one)
        assert found(folder, "shellfish") == [("new", "i1")]
