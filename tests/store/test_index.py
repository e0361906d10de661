"""The search index may be deleted or damaged at any time; lists and searches still answer."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from tests.store.folders_harness import three_sessions
from tests.store.sessions_harness import opened, write
from tui_voice.errors import StoreError
from tui_voice.store import catalog, index, rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return three_sessions(tmp_path / "sessions")


def test_an_index_that_is_deleted_damaged_or_of_another_layout_is_made_again(folder: Path) -> None:
    expected = catalog.list_sessions(folder)
    place = index.database(folder)
    for damage in (
        place.unlink,
        lambda: place.write_bytes(b"rubbish" * 1000),
        lambda: place.write_bytes(place.read_bytes()[:5000]),
        lambda: _execute(place, "PRAGMA user_version = 99"),
        lambda: _execute(place, "DROP TABLE sessions"),
    ):
        index.release()  # like a process that has not asked yet
        for tail in ("-wal", "-shm"):
            place.with_name(place.name + tail).unlink(missing_ok=True)
        damage()
        assert catalog.list_sessions(folder) == expected
    if os.name == "posix":
        assert place.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.name == "nt", reason="what is open cannot be deleted there")
@pytest.mark.parametrize("doomed", ["", "-wal", "-shm", "all"])
def test_the_index_can_be_deleted_while_it_is_used(folder: Path, doomed: str) -> None:
    expected = catalog.list_sessions(folder)
    write(folder / "new.jsonl", [opened("new", started="2025-01-01T00:00:00Z")])
    assert len(catalog.list_sessions(folder)) == len(expected) + 1  # something is in the -wal
    place = index.database(folder)
    for tail in ("", "-wal", "-shm") if doomed == "all" else (doomed,):
        place.with_name(place.name + tail).unlink()
    (folder / "new.jsonl").unlink()
    for _ in range(3):
        assert catalog.list_sessions(folder) == expected


def _execute(place: Path, statement: str) -> None:
    db = sqlite3.connect(place)
    db.execute(statement)
    db.commit()
    db.close()


def test_a_cache_that_cannot_be_written_is_not_needed(folder: Path, tmp_path: Path) -> None:
    expected = catalog.list_sessions(folder)
    in_the_way = tmp_path / "file"
    in_the_way.write_text("x")
    assert catalog.list_sessions(folder, in_the_way / "cache") == expected


def test_another_process_that_locks_the_index_does_not_stop_a_list(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = catalog.list_sessions(folder)
    monkeypatch.setattr(index, "BUSY_SECONDS", 0.01)
    other = sqlite3.connect(index.database(folder), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    write(folder / "new.jsonl", [opened("new", started="2025-01-01T00:00:00Z")])
    assert [each.id for each in catalog.list_sessions(folder)] == [t.id for t in expected] + ["new"]
    other.execute("ROLLBACK")
    other.close()
    assert len(catalog.list_sessions(folder)) == len(expected) + 1


def test_a_question_that_cannot_be_answered_raises_store_error(folder: Path) -> None:
    with pytest.raises(StoreError, match="cannot be searched: no such table"):
        index.ask(folder, lambda db: db.execute("SELECT * FROM no_such"))


def test_two_processes_that_make_the_index_at_once_make_one(folder: Path) -> None:
    """The second sees, once it may write, that the first has made the tables."""
    place = index.database(folder)
    place.parent.mkdir(exist_ok=True)
    layouts = iter([0, 0])
    real = rows.schema

    def late(db: sqlite3.Connection) -> int:
        return next(layouts, None) or real(db)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "schema", late)
        assert len(catalog.list_sessions(folder)) == 3
    assert len(catalog.list_sessions(folder)) == 3
