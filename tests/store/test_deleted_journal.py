"""A journal that is deleted, moved or replaced under a running session is written again."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runtime.session_harness import settings_for, toy_server
from tests.store.faulty_disk_harness import FULL, FaultyDisk, Troubles
from tests.store.sessions_harness import opened, session
from tui_voice.conversation import events as e
from tui_voice.errors import StoreError
from tui_voice.runtime.headless import HeadlessSession
from tui_voice.runtime.session_factory import SessionOptions
from tui_voice.store import writer
from tui_voice.store.journal import Journal
from tui_voice.store.locking import pid_file
from tui_voice.store.reading import load, read

EVENTS = list(session(3))


def delete(path: Path) -> None:
    path.unlink()


def delete_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def move(path: Path) -> None:
    path.rename(path.with_name("elsewhere.txt"))


def replace_by_a_copy(path: Path) -> None:
    """As an editor or `sed -i` does."""
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    os.replace(copy, path)


def replace_by_its_beginning(path: Path) -> None:
    """As an older backup does."""
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes()[:700])
    os.replace(copy, path)


@pytest.mark.parametrize(
    "harm", [delete, delete_folder, move, replace_by_a_copy, replace_by_its_beginning]
)
def test_the_next_event_writes_it_again_with_all_events(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    rewritten: list[bool] = []
    folder = tmp_path / "sessions"
    journal = Journal.create(folder, opened(), on_rewritten=lambda: rewritten.append(True))
    for event in EVENTS[1:20]:
        journal.append(event)
    assert journal.sync().result(30)
    harm(journal.path)
    journal.append(EVENTS[20])
    assert journal.sync().result(30)
    assert rewritten == [True]
    assert read(journal.path).events == EVENTS[:21]
    assert journal.path.stat().st_mode & 0o777 == 0o600 or harm in (
        replace_by_a_copy,
        replace_by_its_beginning,
    )
    with pytest.raises(StoreError, match="is open in process"):  # the lock is held as before
        Journal.open(journal.path)
    for event in EVENTS[21:]:
        journal.append(event)
    assert journal.close() == 0
    assert read(journal.path) == (EVENTS, ())
    assert not pid_file(journal.path).exists()


def test_an_idle_session_notices_it_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CHECK_SECONDS", 0.01)
    troubles = Troubles()
    journal = Journal.create(tmp_path, opened(), on_rewritten=lambda: troubles("rewritten"))
    journal.path.unlink()
    troubles.wait_for("rewritten")
    assert read(journal.path).events == [opened()]
    journal.close()


def test_where_there_is_no_room_for_it_that_is_reported_and_tried_again(tmp_path: Path) -> None:
    full = False
    disk = FaultyDisk(lambda call, _n: FULL if full and call in ("create", "write") else None)
    troubles = Troubles()
    journal = Journal.create(
        tmp_path, opened(), disk=disk, on_trouble=troubles, retry_seconds=0.001
    )
    for event in EVENTS[1:]:
        journal.append(event)
    assert journal.sync().result(30)
    journal.path.unlink()
    full = True
    assert not journal.sync().result(30)
    assert journal.trouble == "the disk is full"
    full = False
    troubles.wait_for(None)
    assert journal.close() == 0
    assert read(journal.path) == (EVENTS, ())


async def test_a_running_session_says_that_its_journal_is_there_again(tmp_path: Path) -> None:
    def use(url: str) -> None:
        options = SessionOptions(settings=settings_for(url), folder=tmp_path / "sessions")
        with HeadlessSession(options) as running:
            running.say("one two")
            running.path.unlink()
            running.say("three")
            path = running.path
        ledger = load(path).ledger
        assert [turn.text for turn in ledger.turns] == ["one two", "one two", "three", "three"]
        noticed = [event for event in read(path).events if isinstance(event, e.Noticed)]
        assert [notice.severity for notice in noticed] == ["warning"]
        assert "written again" in noticed[0].text

    async with toy_server() as server:
        await asyncio.to_thread(use, server.url)
