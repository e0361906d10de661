"""The saved sessions of a folder: lists, finds, renames, deletes and forks them."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tui_voice.config import cache_dir, user_path
from tui_voice.conversation import events as e
from tui_voice.conversation.ledger import Ledger
from tui_voice.errors import StoreError
from tui_voice.store import checkpoint, codec, images, index, rows, typed_inputs
from tui_voice.store.disk import FILE_MODE
from tui_voice.store.forking import events_until
from tui_voice.store.journal import SUFFIX, Journal
from tui_voice.store.locking import SessionLock
from tui_voice.store.reading import load, read
from tui_voice.store.rows import SESSION_COLUMNS
from tui_voice.store.saved_session import SavedSession, saved_session_of
from tui_voice.store.secrets import Redactor
from tui_voice.store.text_normalization import plain, printable

OUTCOME_FILES = {"minutes": "minutes.md", "ticket": "ticket.json"}
"""Kind of outcome → the ending of its file beside the journal."""
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters that look alike
_HINT = "`tui-voice sessions list` shows those there are"


def new_id(now: datetime) -> str:
    """An id for a session that begins now, from the time and four random letters.

    Example: `2026-04-01-1230-k7xq`.
    """
    return now.strftime("%Y-%m-%d-%H%M-") + "".join(secrets.choice(_LETTERS) for _ in range(4))


def list_sessions(folder: Path, cache: Path | None = None) -> list[SavedSession]:
    """The sessions of `folder` that can be read, the one that was used last first."""

    def question(db: sqlite3.Connection) -> list[SavedSession]:
        found = db.execute(
            f"""SELECT name, {", ".join(SESSION_COLUMNS)}
            FROM sessions WHERE refused = '' ORDER BY last DESC, name DESC"""
        )
        copied = rows.copied_ids(db)
        return [_saved_session(folder, copied, *row) for row in found]

    return index.ask(folder, question, cache)


def _saved_session(folder: Path, copied: frozenset[str], name: bytes, *values: Any) -> SavedSession:
    session = SavedSession(folder / os.fsdecode(name), *values)
    return replace(session, id=session.path.stem) if session.id in copied else session


def unreadable(folder: Path, cache: Path | None = None) -> list[str]:
    """A sentence for each file that is named like a session and cannot be read."""
    return [session.fault for session in unreadable_sessions(folder, cache)]


def unreadable_sessions(folder: Path, cache: Path | None = None) -> list[SavedSession]:
    """The files of `folder` that are named like sessions and cannot be read, with their faults; the
    folder itself where it cannot be listed.
    """
    try:
        os.scandir(folder).close()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return [_unreadable(folder, f"{printable(str(folder))} cannot be read: {reason}")]

    def question(db: sqlite3.Connection) -> list[SavedSession]:
        found = db.execute("SELECT name, refused FROM sessions WHERE refused != '' ORDER BY name")
        return [_unreadable(folder / os.fsdecode(name), fault) for name, fault in found]

    return index.ask(folder, question, cache)


def _unreadable(path: Path, fault: str) -> SavedSession:
    nothing = saved_session_of(Ledger(), path)
    return replace(nothing, title=printable(path.name), fault=fault)


def find(folder: Path, wanted: str, cache: Path | None = None) -> SavedSession:
    """The session that `wanted` names.

    `wanted`: an id or its beginning, a journal's path, a title or a part of it, or `last`: the
    newest session that has a turn. Raises `StoreError` if it names none, several, or a file that
    cannot be read; UsageError for a path that cannot be one.
    """
    if (path := _path_of(wanted)) is not None:
        return saved_session_of(load(path, cache).ledger, path.absolute())
    sessions = list_sessions(folder, cache)
    if wanted in ("", "last") and sessions:
        return next((each for each in sessions if each.turns), sessions[0])
    title = plain(wanted)
    for found in (
        [each for each in sessions if each.path.stem == wanted],
        [each for each in sessions if each.id == wanted],
        [each for each in sessions if each.path.stem.startswith(wanted)] if wanted else [],
        [each for each in sessions if plain(each.title) == title],
        [each for each in sessions if title and title in plain(each.title)],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            some = ", ".join(each.path.stem for each in found[:4])
            more = f" and {len(found) - 4} more" if len(found) > 4 else ""
            raise StoreError(f"“{wanted}” fits several sessions: {some}{more}", "name one")
    for session in unreadable_sessions(folder, cache):
        if session.path == folder or session.path.stem.startswith(wanted):
            raise StoreError(session.fault, _HINT)
    if not sessions:
        raise StoreError("there are no saved sessions yet", "`tui-voice` begins one")
    raise StoreError(f"there is no session “{wanted}”", _HINT)


def _path_of(wanted: str) -> Path | None:
    """The path that `wanted` is; None if it is an id or a title. Raises UsageError."""
    is_path = wanted.endswith(SUFFIX) or wanted.startswith("~") or os.sep in wanted
    if not is_path and not (os.altsep and os.altsep in wanted):
        return None
    path: Path = user_path(wanted, "the path of a session")
    with_suffix = path.with_name(path.name + SUFFIX) if path.name else path
    with suppress(OSError):
        if with_suffix.is_file() and not path.exists():
            return with_suffix
        if not path.exists() and not wanted.endswith(SUFFIX):
            return None  # a title such as "A/B tests"
    return path


def rename(path: Path, title: str) -> None:
    """Gives a session another title. Raises `StoreError` while a process has it open."""
    title = Redactor().text(" ".join(title.split()))
    if not title:
        raise StoreError("a title needs at least one letter")
    append(path, e.SessionRenamed(title=title))


def change_fact(path: Path, change: e.FactChanged) -> None:
    """Changes a fact of a session's memory. Raises `StoreError` while a process has it open."""
    last_at = load(path).ledger.at
    journal = Journal.open(path)
    journal.append(replace(Redactor().event(change), at=last_at))
    _finish(journal)


def mark_private(path: Path, *, private: bool) -> None:
    """Marks a session private, or takes the mark away. Raises `StoreError` while it is open."""
    append(path, e.PrivacyChanged(private=private))


def delete(path: Path, cache: Path | None = None) -> None:
    """Moves a session, its sound and its images into the system's trash, and deletes its draft.

    Raises `StoreError` while a process has it open, or if there is no trash.
    """
    if not path.is_file():
        raise StoreError(f"there is no session at {path}", _HINT)
    with SessionLock(path):
        delete_locked(path, cache)


def delete_locked(path: Path, cache: Path | None = None) -> None:
    """`delete` for a caller that has locked the session itself."""
    import send2trash

    to_trash: Callable[[Path], None] = send2trash.send2trash  # type: ignore[attr-defined]  # it ships no types
    ids = {path.stem, _written_id(path)}
    for file in (path, *recordings(path), *images.images(path), *outcome_files(path)):
        try:
            to_trash(file)
        except OSError as error:  # the library's TrashPermissionError is one, too
            raise StoreError(
                f"{file} could not be put into the trash: {error}", "delete the file by hand"
            ) from error
    checkpoint.delete(cache or cache_dir(), path)
    typed_inputs.delete_drafts(path.parent, ids)


def _written_id(path: Path) -> str:
    """The id in the first line of a journal; the name of the file where there is none."""
    with suppress(OSError, codec.LineError), path.open("rb") as file:
        opened = codec.decode(file.readline())
        if isinstance(opened, e.SessionOpened):
            return opened.id
    return path.stem


def recordings(path: Path) -> list[Path]:
    """The sound files of a session beside its journal: `<id>.flac`, and of earlier versions
    `<id>.you.wav` and the like."""
    return sorted(
        other
        for other in path.parent.glob(f"{path.stem}.*")
        if other.suffix in (".wav", ".flac", ".ogg", ".opus") and other.is_file()
    )


def outcome_files(path: Path) -> list[Path]:
    """The files that a profile has written beside a journal at the end of the session."""
    return [file for name in OUTCOME_FILES.values() if (file := _beside(path, name)).is_file()]


def write_outcome(path: Path, kind: str, text: str) -> Path:
    """Writes minutes or a ticket beside a journal, in place of an earlier one; returns the file.

    Raises `StoreError`.
    """
    file = _beside(path, OUTCOME_FILES[kind])
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        with open(
            os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE), "wb"
        ) as out:
            out.write(text.encode())
        os.replace(unfinished, file)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoreError(f"{file} cannot be written: {reason}") from error
    return file


def append(path: Path, *events: e.Event) -> None:
    """Adds events to the journal of a session that is not open, at its last moment.

    Raises `StoreError` while a process has it open, and where not all of it could be written.
    """
    at, redactor = load(path).ledger.at, Redactor()
    journal = Journal.open(path)
    for event in events:
        journal.append(redactor.event(replace(event, at=at)))
    _finish(journal)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.stem}.{ending}")


def fork(path: Path, turn_id: str, new: str = "") -> Path:
    """Begins another session with the turns of this one, up to and including `turn_id`.

    The new journal names its parent in the first line; costs stay with the parent. `new`: the new
    session's id; "" for a generated one. Returns the new journal's path. Raises `StoreError`.
    """
    events, private = read(path).events, load(path).ledger.private
    opened, *rest = events_until(events, turn_id)
    assert isinstance(opened, e.SessionOpened)  # `read` always gives one first
    now = datetime.now().astimezone()
    # `started` stays, because the times of the events are counted from it.
    header = replace(
        opened,
        version=codec.VERSION,
        id=new or new_id(now),
        parent=opened.id,
        parent_turn=turn_id,
    )
    journal = Journal.create(path.parent, header)
    for event in rest:
        journal.append(event)
    at = max(event.at for event in (opened, *rest))
    title = next((x.title for x in reversed(rest) if isinstance(x, e.SessionRenamed)), "")
    if title:
        journal.append(e.SessionRenamed(at=at, title=f"{title} (fork)"))
    if private:
        journal.append(e.PrivacyChanged(at=at))
    try:
        images.copy(path, journal.path)
    except OSError as error:
        journal.discard()
        raise StoreError(f"the images of {path.stem} could not be copied: {error}") from error
    try:
        _finish(journal)
    except StoreError:
        with suppress(OSError):  # a part of a session would look like a whole one
            journal.path.unlink(missing_ok=True)
        raise
    return journal.path


def _finish(journal: Journal) -> None:
    """Closes the journal. Raises `StoreError` if not all of it could be written."""
    trouble = journal.trouble
    if journal.close():
        raise StoreError(
            f"{journal.path} could not be written: {trouble or journal.trouble}",
            "make room, or name another folder with --sessions-dir",
        )
