"""The log screen: the events of the open session's journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import AppUnderTest, Build, settle
from tests.ui.session_screen_harness import idle
from tui_voice.store import event_log
from tui_voice.store.event_log import JournalLog
from tui_voice.ui.options import ExitSummary
from tui_voice.ui.screens.dialogs import TextPage
from tui_voice.ui.screens.log import LogScreen

OPENED = {"event": "session_opened", "at": 0.0, "id": "x", "started": "2026-04-04T12:38:30+00:00"}


def write(path: Path, *records: dict[str, object]) -> Path:
    with path.open("a") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)
    return path


def opened_session(build: Build, journal: Path) -> AppUnderTest:
    app = build(idle)
    app.scripted.path = journal
    return app


async def open_log(pilot: Pilot[ExitSummary]) -> LogScreen:
    await settle(pilot)
    await pilot.press("f8")
    await settle(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, LogScreen)
    return screen


def drawn(screen: LogScreen) -> str:
    return "\n".join(strip.text.rstrip() for strip in screen._compositor.render_strips())


async def test_the_log_lists_events_with_their_times(build: Build, tmp_path: Path) -> None:
    journal = write(
        tmp_path / "one.jsonl",
        OPENED,
        {"event": "connection_lost", "at": 12.25, "reason": "refused \x1b[31m", "code": 401},
    )
    app = opened_session(build, journal)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await open_log(pilot)
        assert "12:38:30.000  session_opened" in drawn(screen)
        assert "12:38:42.250  connection_lost  reason=refused [31m code=401" in drawn(screen)
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, TextPage)
        await pilot.press("escape", "escape")
        await settle(pilot)
        assert app.screen is app.session_screen


async def test_the_log_follows_the_session_and_is_filtered(build: Build, tmp_path: Path) -> None:
    journal = write(tmp_path / "one.jsonl", OPENED)
    app = opened_session(build, journal)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await open_log(pilot)
        more = [{"event": "mute_changed", "at": n, "muted": True} for n in range(5)]
        write(journal, *more, {"event": "server_erred", "at": 9, "text": "busy"})
        while len(screen.list.rows) < 7:
            await pilot.pause(0.1)
        assert screen.list.highlighted == 6
        await pilot.press(*"trouble")
        while len(screen.list.rows) != 1:
            await pilot.pause(0.1)
        assert screen.list.rows[0].name == "server_erred"
        assert "1 of 7 events" in drawn(screen)


async def test_a_session_that_is_not_on_disk_has_no_log(build: Build, tmp_path: Path) -> None:
    app = opened_session(build, tmp_path / "none.jsonl")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_log(pilot)
        assert "nothing is saved yet" in drawn(screen)
        await pilot.press("enter")
        await settle(pilot)
        assert app.screen is screen


async def test_a_key_in_the_journal_is_not_shown(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session removes keys before it writes; what got there otherwise is not shown either."""
    key = "sk-" + "a1" * 20
    monkeypatch.setenv("OPENAI_API_KEY", key)
    leak: dict[str, object] = {"event": "server_erred", "at": 1, "text": f"no such key: {key}"}
    app = opened_session(build, write(tmp_path / "one.jsonl", OPENED, leak))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await open_log(pilot)
        assert "no such key: [key]" in drawn(screen)
        await pilot.press("enter")
        await settle(pilot)
        assert key not in app.export_screenshot()


def test_pieces_of_a_text_are_one_line(tmp_path: Path) -> None:
    pieces = [
        {"event": "transcript_grew", "at": n, "item_id": "a" if n < 3 else "b", "text": "x"}
        for n in range(5)
    ]
    log = JournalLog(write(tmp_path / "one.jsonl", OPENED, *pieces))
    assert log.read()
    assert [(line.name, line.count) for line in log.lines] == [
        ("session_opened", 1),
        ("transcript_grew", 3),
        ("transcript_grew", 2),
    ]


def test_a_long_journal_takes_little_memory_and_is_read_once(tmp_path: Path) -> None:
    rare = {"event": "server_erred", "at": 1, "text": "early"}
    many = [{"event": "time_passed", "at": n} for n in range(3 * event_log.MOST)]
    path = write(tmp_path / "one.jsonl", OPENED, rare, *many)
    log, early = JournalLog(path), JournalLog(path, "EARLY")
    assert log.read()
    assert early.read()
    assert len(log.lines) == event_log.MOST
    assert [line.text for line in early.lines] == ["text=early"]
    assert not log.read()
    write(path, rare)
    assert log.read()
    assert log.lines[-1].name == "server_erred"


def test_a_line_that_is_being_written_and_one_that_is_broken(tmp_path: Path) -> None:
    path = write(tmp_path / "one.jsonl", OPENED)
    with path.open("a") as file:
        file.write('[1]\nnonsense\n{"event":"mute_')
    log = JournalLog(path)
    assert log.read()
    assert [(line.name, line.trouble) for line in log.lines][1:] == [
        (event_log.UNREADABLE, True),
        (event_log.UNREADABLE, True),
    ]
    with path.open("a") as file:
        file.write('changed","at":1}\n')
    assert log.read()
    assert log.lines[-1].name == "mute_changed"


def test_the_names_of_troubles_and_pieces_are_events() -> None:
    from tui_voice.conversation.events import EVENTS

    assert {*event_log.TROUBLES, *event_log.PIECES} <= set(EVENTS)
