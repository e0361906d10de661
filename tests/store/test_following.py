"""A talk that grows is known as if it had been read anew each time."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.given import any_event
from tests.store.talks import exchange, opened, talk, write
from tui_voice.conversation import events as e
from tui_voice.conversation.folding import fold
from tui_voice.errors import StoreError
from tui_voice.store import codec, following, index, search
from tui_voice.store.folder_scan import FileStamp
from tui_voice.store.following import Grown, follow
from tui_voice.store.reading import load


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    following._read.clear()
    yield
    following._read.clear()


def print_of(path: Path) -> FileStamp:
    about = path.stat()
    return about.st_size, about.st_mtime_ns


def grow(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


class Reader:
    """Asks as the index does: with the print of what it was told before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: FileStamp | None = None

    def look(self) -> Grown:
        print_ = print_of(self.path)
        grown = follow(self.path, print_, self.known, None)
        self.known = print_
        return grown


def test_only_what_is_new_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(write(tmp_path / "t1.jsonl", talk(100)))
    assert reader.look().touched is None
    monkeypatch.setattr(following, "load", None)  # from here on it is not read as a whole
    grow(reader.path, b"".join(map(codec.encode, exchange(100, 900.0))))
    grown = reader.look()
    assert list(grown.touched or ()) == ["item_u100", "item_a100"]
    assert grown.ledger == load(reader.path).ledger
    grow(reader.path, codec.encode(e.TranscriptDone(at=950, item_id="item_a3", text="no")))
    assert list(reader.look().touched or ()) == ["item_a3"]
    grow(reader.path, codec.encode(e.SpeechStarted(at=951, item_id="x")))
    grow(reader.path, codec.encode(e.SpeechDiscarded(at=952, item_id="x")))
    assert reader.look().ledger == load(reader.path).ledger


@given(st.lists(any_event, max_size=25), st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_in_whatever_pieces_it_grows(
    tmp_path: Path, cache: Path, events: list[e.Event], data: st.DataObject
) -> None:
    """Pieces may end within a line; the tables are as if they were made anew."""
    folder = tmp_path / f"s{len(list(tmp_path.iterdir()))}"
    path = write(folder / "t1.jsonl", talk(2))
    (folder / ".t1.pid").write_text("1")
    rest = b"".join(map(codec.encode, events))
    index.ask(folder, lambda _db: None, cache)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rest)), max_size=4)))
    for start, end in pairwise([0, *cuts, len(rest)]):
        grow(path, rest[start:end])
        now = index.ask(folder, said, cache)
        assert now == {x.id: (x.role, x.text) for x in load(path).ledger.turns if x.text}


def said(db: sqlite3.Connection) -> dict[str, tuple[str, str]]:
    found = db.execute("SELECT turn, role, text FROM turns").fetchall()
    assert len({turn for turn, *_ in found}) == len(found), "no turn is there twice"
    return {turn: (role, text) for turn, role, text in found}


def test_a_line_that_is_being_written_is_waited_for(tmp_path: Path) -> None:
    reader = Reader(write(tmp_path / "t1.jsonl", talk(1)))
    reader.look()
    line = codec.encode(e.TextSubmitted(at=99, item_id="x", text="whole"))
    grow(reader.path, line[:20])
    assert reader.look().touched == {}
    grow(reader.path, line[20:])
    assert list(reader.look().touched or ()) == ["x"]
    grow(reader.path, line[:-1].replace(b"x", b"y"))  # all but its end: `load` takes it
    assert reader.look() == Grown(load(reader.path).ledger, None)
    torn = Reader(write(tmp_path / "torn.jsonl", talk(1)))
    grow(torn.path, line[:20])
    torn.look()
    assert torn.path not in following._read  # where it ends is not known yet


def test_another_file_of_that_name_is_read_anew(tmp_path: Path) -> None:
    path = write(tmp_path / "t1.jsonl", talk(3))
    reader = Reader(path)
    reader.look()
    write(path, talk(1))  # shorter
    assert reader.look() == Grown(fold(talk(1)), None)
    write(path, [opened(), *exchange(7, 1.0), *exchange(8, 9.0), *exchange(9, 20.0)])
    assert reader.look().ledger == load(path).ledger
    path.unlink()
    with pytest.raises(StoreError, match="no talk at"):
        follow(path, (1, 1), None, None)


def test_who_knows_something_else_is_not_told_of_the_difference_alone(tmp_path: Path) -> None:
    reader = Reader(write(tmp_path / "t1.jsonl", talk(1)))
    reader.look()
    grow(reader.path, codec.encode(e.TextSubmitted(at=99, item_id="x", text="x")))
    assert follow(reader.path, print_of(reader.path), (1, 1), None).touched is None


def test_a_few_talks_are_remembered(tmp_path: Path) -> None:
    for n in range(following.MOST + 2):
        Reader(write(tmp_path / f"t{n}.jsonl", talk(1, f"t{n}"))).look()
    assert [path.stem for path in following._read] == ["t2", "t3", "t4", "t5"]


def test_a_file_that_goes_just_now_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "t1.jsonl", talk(1))

    def late(path: Path, cache: Path | None) -> object:
        loaded = load(path, cache)
        path.unlink()
        return loaded

    monkeypatch.setattr(following, "load", late)
    assert follow(path, print_of(path), None, None).ledger == fold(talk(1))
    assert not following._read


def test_a_run_of_a_newer_version_is_read_by_its_version(tmp_path: Path) -> None:
    path = write(tmp_path / "t1.jsonl", talk(1))
    resumed = e.SessionResumed(at=50, backend="b", model="m")
    grow(path, codec.encode(resumed, version=codec.VERSION + 1))
    reader = Reader(path)
    reader.look()
    assert following._read[path].version == codec.VERSION + 1
    grow(path, codec.encode(resumed, version=codec.VERSION))
    reader.look()
    assert following._read[path].version == codec.VERSION


def test_an_open_talk_that_grows_is_found_at_each_search(tmp_path: Path) -> None:
    path = write(tmp_path / "t1.jsonl", talk(300))
    (tmp_path / ".t1.pid").write_text(str(os.getpid()))
    for n in range(20):
        grow(path, codec.encode(e.TextSubmitted(at=9999, item_id=f"n{n}", text=f"news{n}")))
        assert [hit.turn for hit in search.search(tmp_path, f"news{n}")] == [f"n{n}"]
    assert len(search.search(tmp_path, "news*")) == 20
