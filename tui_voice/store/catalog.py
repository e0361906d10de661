"""The saved talks: which there are, and what one does with a whole one."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from tui_voice.config import cache_dir
from tui_voice.conversation import events as e
from tui_voice.errors import StoreError
from tui_voice.store import checkpoint, index, locking
from tui_voice.store.forking import cut_behind
from tui_voice.store.journal import SUFFIX, Journal
from tui_voice.store.reading import load, read
from tui_voice.store.saved_session import SavedSession, saved_session_of
from tui_voice.store.secrets import Redactor
from tui_voice.store.text_normalization import plain

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike
_HINT = "`tui-voice sessions list` shows those there are"


def new_id(now: datetime) -> str:
    """A talk's id: when it began, and four letters so that two at once differ."""
    return now.strftime("%Y-%m-%d-%H%M-") + "".join(secrets.choice(_LETTERS) for _ in range(4))


def list_sessions(folder: Path, cache: Path | None = None) -> list[SavedSession]:
    """All that can be read, the one that was talked in last first."""

    def question(db: sqlite3.Connection) -> list[SavedSession]:
        rows = db.execute(
            """SELECT id, title, started, seconds, turns, model, backend, usd, name, last, parent
            FROM talks WHERE refused = '' ORDER BY last DESC, name DESC"""
        )
        talks = []
        for id_, title, started, seconds, turns, model, backend, usd, name, last, parent in rows:
            about = (id_, title, started, seconds, turns, model, backend, usd)
            talks.append(SavedSession(*about, folder / name, last, parent))
        return talks

    return index.ask(folder, question, cache)


def unreadable(folder: Path, cache: Path | None = None) -> list[str]:
    """What looks like a talk and is none: a sentence each."""

    def question(db: sqlite3.Connection) -> list[str]:
        rows = db.execute("SELECT refused FROM talks WHERE refused != '' ORDER BY name")
        return [str(reason) for (reason,) in rows]

    return index.ask(folder, question, cache)


def find(folder: Path, wanted: str, cache: Path | None = None) -> SavedSession:
    """The talk that `wanted` names: its id, the beginning of its id, its file, its title or a part
    of that; or `last`. Raises `StoreError` where none does, or several do.
    """
    path = Path(wanted)
    if path.suffix == SUFFIX and path.is_file():
        return saved_session_of(load(path, cache).ledger, path.absolute())
    talks = list_sessions(folder, cache)
    if wanted in ("", "last") and talks:
        return talks[0]
    named = plain(wanted)
    for found in (
        [talk for talk in talks if talk.path.stem == wanted],
        [talk for talk in talks if talk.id == wanted],
        [talk for talk in talks if talk.path.stem.startswith(wanted)] if wanted else [],
        [talk for talk in talks if plain(talk.title) == named],
        [talk for talk in talks if named and named in plain(talk.title)],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            some = ", ".join(talk.path.stem for talk in found[:4])
            more = f" and {len(found) - 4} more" if len(found) > 4 else ""
            raise StoreError(f"several talks are meant by “{wanted}”: {some}{more}", "name one")
    if not talks:
        raise StoreError("there are no saved talks yet", "`tui-voice` begins one")
    raise StoreError(f"there is no talk “{wanted}”", _HINT)


def rename(path: Path, title: str) -> None:
    """Gives a talk another title. Raises `StoreError` while a process talks in it."""
    title = Redactor().text(" ".join(title.split()))
    if not title:
        raise StoreError("a title needs at least one letter")
    at = load(path).ledger.at
    journal = Journal.open(path)
    journal.append(e.SessionRenamed(at=at, title=title))
    _finish(journal)


def delete(path: Path, cache: Path | None = None) -> None:
    """Puts a talk into the system's trash. Raises `StoreError` while a process talks in it, or
    where there is no trash.
    """
    import send2trash

    # The package has it by that name, but does not say so to type checkers.
    to_trash: Callable[[Path], None] = send2trash.send2trash  # type: ignore[attr-defined]  # it ships no types
    if not path.is_file():
        raise StoreError(f"there is no talk at {path}", _HINT)
    locking.refuse_if_held(path)
    for doomed in (path, *recordings(path)):
        try:
            to_trash(doomed)
        except OSError as error:  # its own TrashPermissionError is one, too
            raise StoreError(
                f"{doomed} could not be put into the trash: {error}", "delete the file by hand"
            ) from error
    checkpoint.forget(cache or cache_dir(), path)


def recordings(path: Path) -> list[Path]:
    """Sound that was kept of a talk, beside its journal."""
    return sorted(
        other
        for other in path.parent.glob(f"{path.stem}.*")
        if other.suffix in (".wav", ".flac", ".ogg", ".opus") and other.is_file()
    )


def fork(path: Path, turn_id: str, new: str = "") -> Path:
    """A talk of its own that begins as this one did, up to and with the turn `turn_id`; the
    parent is named in its first line. What was spent on those turns was spent there, and counts
    as nothing here. `new`: its id. Returns its file. Raises `StoreError`.
    """
    events = read(path).events
    opened, *rest = cut_behind(events, turn_id)
    assert isinstance(opened, e.SessionOpened)  # `read` gives one always
    now = datetime.now().astimezone()
    # `started` stays: the times of the turns are counted from it.
    header = replace(opened, id=new or new_id(now), parent=opened.id, parent_turn=turn_id)
    journal = Journal.create(path.parent, header)
    for event in rest:
        journal.append(event)
    at = max(event.at for event in (opened, *rest))
    title = next((x.title for x in reversed(rest) if isinstance(x, e.SessionRenamed)), "")
    if title:
        journal.append(e.SessionRenamed(at=at, title=f"{title} (fork)"))
    try:
        _finish(journal)
    except StoreError:
        with suppress(OSError):  # a part of a talk would look like one
            journal.path.unlink(missing_ok=True)
        raise
    return journal.path


def _finish(journal: Journal) -> None:
    trouble = journal.trouble
    if journal.close():
        raise StoreError(
            f"{journal.path} could not be written: {trouble or journal.trouble}",
            "make room, or name another folder with --sessions-dir",
        )
