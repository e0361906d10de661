"""What is done with saved talks, while every n-th call that touches the disk fails.

`python starved.py WHAT FOLDER`, with `failing.c` between Python and the C library. Each of the
functions below does one thing under a failing disk, and then looks, on one that is well, at what is
there. Prints how many calls failed; any way out but a `StoreError` ends it with a traceback.
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

from tests.store.talks import opened, talk, write
from tui_voice.config import state_dir
from tui_voice.errors import StoreError
from tui_voice.store import catalog, checkpoint, index, rescue, search
from tui_voice.store.export import FORMATS, export, render
from tui_voice.store.journal import Journal
from tui_voice.store.reading import load, read

CALLS = ("open", "write", "fsync", "rename", "truncate")
NTHS = (1, 2, 3, 4, 5, 7, 11)
ERRORS = (errno.ENOSPC, errno.EIO)

library = ctypes.CDLL(os.environ["LD_PRELOAD"])
total = 0


class Disk:
    """`with disk:` every n-th call below `folder` fails."""

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


EVENTS = list(talk(3))


def journal(disk: Disk) -> None:
    """A talk, and going on with it: every fact is in the journal, or waits to be put back."""
    talks = disk.folder / "talks"
    with disk.failing(talks):
        begun = Journal.create(talks, opened(), retry_seconds=0.001)
        for event in EVENTS[1:20]:
            begun.append(event)
        begun.sync().result(30)
        with suppress(StoreError):
            begun.finish()
        with suppress(StoreError):
            again = Journal.open(begun.path, retry_seconds=0.001)
            again.finish()
    if not begun.path.exists():  # what the user is told to do
        (waiting,) = rescue.found(begun.path).places
        shutil.move(waiting, begun.path)
    well = Journal.open(begun.path)
    for event in EVENTS[20:]:
        well.append(event)
    well.finish()
    assert read(begun.path) == (EVENTS, ()), read(begun.path)
    assert not list(state_dir().glob("*unsaved*")), "nothing waits any more"


def tables(disk: Disk) -> None:
    """Lists, searches and long journals read with a cache that fails: as without one."""
    talks, cache = disk.folder / "talks", disk.folder / "cache"
    checkpoint.WORTH_LINES = 1
    for n in range(3):
        write(talks / f"t{n}.jsonl", talk(4, f"t{n}"))
    with disk.failing(cache):
        index.ask(talks, lambda _db: None, cache)
    with (talks / "t1.jsonl").open("ab") as file:
        file.write(b'{"event":"text_submitted","at":99,"item_id":"x","text":"a willow"}\n')
    with disk.failing(cache):
        found = [hit.turn for hit in search.search(talks, "willow", cache=cache)]
        listed = [(each.id, each.turns) for each in catalog.list_sessions(talks, cache)]
        ledger = load(talks / "t1.jsonl", cache).ledger
        search.search(talks, "wil", typing=True, cache=cache)
        index.catch_up(talks, cache)
    assert found == ["x"]
    assert sorted(listed) == [("t0", 8), ("t1", 9), ("t2", 8)]
    assert len(ledger.turns) == 9
    assert [hit.turn for hit in search.search(talks, "willow", cache=cache)] == ["x"]
    assert load(talks / "t1.jsonl", cache).ledger == ledger
    assert len(catalog.list_sessions(talks, cache)) == 3


def exports(disk: Disk) -> None:
    """A file is whole or not there; what was there before stays."""
    ledger = load(write(disk.folder / "t1.jsonl", EVENTS)).ledger
    out = disk.folder / "out"
    out.mkdir()
    for form in FORMATS:
        mine = out / f"mine.{form}"
        mine.write_text("my own")
        with disk.failing(out), suppress(StoreError):
            export(ledger, form, mine)
        assert mine.read_text() == "my own"
        for made in set(out.glob(f"*.{form}")) - {mine}:
            assert made.read_text() == render(ledger, form)


def fork(disk: Disk) -> None:
    """A whole talk that names its parent, or none."""
    talks = disk.folder / "talks"
    parent = write(talks / "t1.jsonl", EVENTS)
    before = parent.read_bytes()
    made = None
    with disk.failing(talks), suppress(StoreError):
        made = catalog.fork(parent, "item_a1", "forked")
    assert parent.read_bytes() == before
    assert sorted(talks.glob("*.jsonl")) == sorted(filter(None, (parent, made)))
    if made:
        ledger, notes = load(made)
        assert notes == ()
        assert ledger.opened
        assert ledger.opened.parent == "t1"
        assert [turn.id for turn in ledger.turns][-1] == "item_a1"


def rename(disk: Disk) -> None:
    """The old title or the new one, and not a word of the talk is touched."""
    talks = disk.folder / "talks"
    path = write(talks / "t1.jsonl", EVENTS)
    before, done = path.read_bytes(), False
    with disk.failing(talks), suppress(StoreError):
        catalog.rename(path, "Another")
        done = True
    assert path.read_bytes().startswith(before)
    ledger, notes = load(path)
    assert notes == ()
    assert ledger.title == ("Another" if done else "")
    assert len(ledger.turns) == 6


def delete(disk: Disk) -> None:
    """It is where it was or in the trash: never nowhere."""
    everywhere = disk.folder.parent  # the trash is there, too
    path = write(disk.folder / "talks" / f"{disk.folder.name}.jsonl", EVENTS)
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
    index._keep_open(None)
    main(globals()[sys.argv[1]], Path(sys.argv[2]).resolve())
