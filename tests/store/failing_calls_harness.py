"""Uses saved sessions while every n-th call that touches the disk fails.

`python failing_calls_harness.py WHAT FOLDER`, with `failing.c` loaded before the C library. Each
of the functions below does one thing on a failing disk, and then checks on a working one what is
there. Prints how many calls failed. Any error except `StoreError` ends it with a traceback.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.store.sessions_harness import opened, session, write
from tui_voice.config import state_dir
from tui_voice.errors import StoreError
from tui_voice.store import catalog, checkpoint, index, rescue, search
from tui_voice.store.export import export, render
from tui_voice.store.exporters import EXPORT_FORMATS
from tui_voice.store.journal import Journal
from tui_voice.store.reading import load, read

CALLS = ("open", "write", "fsync", "rename", "truncate")
NTHS = (1, 2, 3, 4, 5, 7, 11)
ERRORS = (errno.ENOSPC, errno.EIO)

library = ctypes.CDLL(os.environ["LD_PRELOAD"])
total = 0


class Disk:
    """While `with disk.failing():` runs, every n-th call below the folder fails."""

    def __init__(self, call: str, nth: int, error: int, folder: Path) -> None:
        self.call, self.nth, self.error, self.folder = call, nth, error, folder

    @contextmanager
    def failing(self, folder: Path | None = None) -> Iterator[None]:
        global total
        below = os.fsencode(folder or self.folder)
        library.failing_set(self.call.encode(), self.nth, self.error, below)
        try:
            yield
        finally:
            total += library.failing_count()
            library.failing_set(b"", 0, 0, b"")


EVENTS = list(session(3))


def journal(disk: Disk) -> None:
    """A session that is begun and resumed: every event is in the journal or kept elsewhere."""
    sessions = disk.folder / "sessions"
    with disk.failing(sessions):
        begun = Journal.create(sessions, opened(), retry_seconds=0.001)
        for event in EVENTS[1:20]:
            begun.append(event)
        begun.sync().result(30)
        with suppress(StoreError):
            begun.finish()
        with suppress(StoreError):
            again = Journal.open(begun.path, retry_seconds=0.001)
            again.finish()
    if not begun.path.exists():  # what the message tells the user to do
        (waiting,) = rescue.found(begun.path).places
        shutil.move(waiting, begun.path)
    working = Journal.open(begun.path)
    for event in EVENTS[20:]:
        working.append(event)
    working.finish()
    assert read(begun.path) == (EVENTS, ()), read(begun.path)
    assert not list(state_dir().glob("*unsaved*")), "nothing is kept elsewhere any more"


def tables(disk: Disk) -> None:
    """Lists, searches and long journals give the same with a failing cache as with none."""
    sessions, cache = disk.folder / "sessions", disk.folder / "cache"
    checkpoint.WORTH_LINES = 1
    for n in range(3):
        write(sessions / f"t{n}.jsonl", session(4, f"t{n}"))
    with disk.failing(cache):
        index.ask(sessions, lambda _db: None, cache)
    with (sessions / "t1.jsonl").open("ab") as file:
        file.write(b'{"event":"text_submitted","at":99,"item_id":"x","text":"a willow"}\n')
    with disk.failing(cache):
        found = [hit.turn for hit in search.search(sessions, "willow", cache=cache)]
        listed = [(each.id, each.turns) for each in catalog.list_sessions(sessions, cache)]
        ledger = load(sessions / "t1.jsonl", cache).ledger
        search.search(sessions, "wil", typing=True, refresh=False, cache=cache)
        index.update(sessions, cache)
    assert found == ["x"]
    assert sorted(listed) == [("t0", 8), ("t1", 9), ("t2", 8)]
    assert len(ledger.turns) == 9
    assert [hit.turn for hit in search.search(sessions, "willow", cache=cache)] == ["x"]
    assert load(sessions / "t1.jsonl", cache).ledger == ledger
    assert len(catalog.list_sessions(sessions, cache)) == 3


def exports(disk: Disk) -> None:
    """An exported file is whole or does not exist; files that existed before stay."""
    ledger = load(write(disk.folder / "t1.jsonl", EVENTS)).ledger
    out = disk.folder / "out"
    out.mkdir()
    for form in EXPORT_FORMATS:
        mine = out / f"mine.{form}"
        mine.write_text("my own")
        with disk.failing(out), suppress(StoreError):
            export(ledger, form, mine)
        assert mine.read_text() == "my own"
        for made in set(out.glob(f"*.{form}")) - {mine}:
            assert made.read_text() == render(ledger, form)


def fork(disk: Disk) -> None:
    """The fork is a whole session that names its parent, or does not exist."""
    sessions = disk.folder / "sessions"
    parent = write(sessions / "t1.jsonl", EVENTS)
    before = parent.read_bytes()
    made = None
    with disk.failing(sessions), suppress(StoreError):
        made = catalog.fork(parent, "item_a1", "forked")
    assert parent.read_bytes() == before
    assert sorted(sessions.glob("*.jsonl")) == sorted(filter(None, (parent, made)))
    if made:
        ledger, notes = load(made)
        assert notes == ()
        assert ledger.opened
        assert ledger.opened.parent == "t1"
        assert [turn.id for turn in ledger.turns][-1] == "item_a1"


def rename(disk: Disk) -> None:
    """The session has the old title or the new one, and nothing else of it has changed."""
    sessions = disk.folder / "sessions"
    path = write(sessions / "t1.jsonl", EVENTS)
    before, done = path.read_bytes(), False
    with disk.failing(sessions), suppress(StoreError):
        catalog.rename(path, "Another")
        done = True
    assert path.read_bytes().startswith(before)
    ledger, notes = load(path)
    assert notes == ()
    assert ledger.title == ("Another" if done else "")
    assert len(ledger.turns) == 6


def delete(disk: Disk) -> None:
    """The session is where it was or in the trash."""
    everywhere = disk.folder.parent  # the trash is there, too
    path = write(disk.folder / "sessions" / f"{disk.folder.name}.jsonl", EVENTS)
    before = path.read_bytes()
    with disk.failing(everywhere), suppress(StoreError):
        catalog.delete(path, disk.folder / "cache")
    found = [each for each in everywhere.rglob(f"{path.stem}*.jsonl") if each.is_file()]
    assert [each.read_bytes() for each in found] == [before], found


def main(what: Callable[[Disk], None], folder: Path) -> None:
    os.environ["XDG_DATA_HOME"] = str(folder / "data")
    for call in CALLS:
        for nth in NTHS:
            for error in ERRORS:
                place = folder / f"{call}-{nth}-{error}"
                place.mkdir()
                try:
                    what(Disk(call, nth, error, place))
                except BaseException:
                    print(f"every {nth}th {call} failed: {os.strerror(error)}", file=sys.stderr)
                    raise
    print(total)


if __name__ == "__main__":
    index.release()
    main(globals()[sys.argv[1]], Path(sys.argv[2]).resolve())
