"""Saved sessions, search, reader: with real journals in a real folder."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.privileges_harness import can_give_away, give_away, ordinary_user
from tests.ui.conftest import Build, settle
from tests.ui.scripted_session_harness import ScriptedSession, session_opened
from tests.ui.session_screen_harness import lit_words
from tui_voice.store import catalog, search
from tui_voice.store.reading import load
from tui_voice.ui.app import VoiceApp
from tui_voice.ui.options import ExitSummary
from tui_voice.ui.screen_context import ResumeRequest
from tui_voice.ui.screens.list_screen import PAUSE, ListScreen
from tui_voice.ui.screens.reader import ReaderScreen
from tui_voice.ui.screens.search import SearchScreen
from tui_voice.ui.screens.sessions import ORDERS, SessionsScreen, day
from tui_voice.ui.widgets.footer import KeyHintsLine
from tui_voice.ui.widgets.notice import NoticeLine
from tui_voice.ui.widgets.transcript import Transcript


def files(folder: Path, ending: str) -> int:
    return len(list(folder.glob(f"*.{ending}")))


async def filter_applied(pilot: Pilot[ExitSummary]) -> None:
    """Waits until the screen has applied what was typed in the filter."""
    await pilot.pause(2 * PAUSE)
    await settle(pilot)


def listed(app: VoiceApp) -> ListScreen[Any]:
    """Returns the list that is open."""
    assert isinstance(app.screen, ListScreen)
    return app.screen


async def until(pilot: Pilot[ExitSummary], holds: Callable[[], object]) -> None:
    while not holds():
        await pilot.pause()


async def test_all_saved_sessions_with_a_preview(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        await filter_applied(pilot)
        screen = app.screen
        assert isinstance(screen, SessionsScreen)
        titles = [session.title for session in screen.list.rows]
        assert "Kyoto in April" in titles
        assert screen.query_one("#preview", Transcript).document.height > 0


async def test_a_list_that_becomes_wide_shows_the_preview(build: Build) -> None:
    app = build()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        await filter_applied(pilot)
        preview = app.screen.query_one("#preview", Transcript)
        assert preview.last_turn is None
        await pilot.resize_terminal(120, 24)
        await settle(pilot)
        assert preview.last_turn is not None


async def test_typing_filters_and_ctrl_t_orders(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        await pilot.press(*"kyo")
        await filter_applied(pilot)
        screen = listed(app)
        assert isinstance(screen, SessionsScreen)
        assert [session.title for session in screen.list.rows] == ["Kyoto in April"]
        app.screen.query_one(Input).value = ""
        await filter_applied(pilot)
        first, *others = ORDERS
        for order in (*others, first):
            await pilot.press("ctrl+t")
            await settle(pilot)
            assert screen.order == order
        assert len(screen.list.rows) == 2


async def test_a_file_that_cannot_be_read_is_listed_with_its_fault(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        folder = app.options.sessions
        assert folder is not None
        (folder / "diary.jsonl").write_text("Dear diary")
        await pilot.press("ctrl+r")
        await settle(pilot)
        await filter_applied(pilot)
        screen = listed(app)
        *others, diary = screen.list.rows
        assert not any(session.fault for session in others)
        assert (diary.title, diary.fault) == (
            "diary.jsonl",
            f"{folder / 'diary.jsonl'} is not a saved session",
        )
        await pilot.press("end", "pagedown", "enter")
        await settle(pilot)
        assert app.screen is screen
        assert "is not a saved session" in screen.query_one(NoticeLine).notice.text


@pytest.mark.skipif(not can_give_away, reason="only root can make a file somebody else's")
async def test_a_session_of_somebody_else_is_listed_with_its_fault(build: Build) -> None:
    app = build()
    with ordinary_user():
        async with app.run_test(size=(120, 36)) as pilot:
            await settle(pilot)
            folder = app.options.sessions
            assert folder is not None
            (folder / "theirs.jsonl").write_text("private")
            give_away(folder / "theirs.jsonl", 0o600)
            await pilot.press("ctrl+r")
            await settle(pilot)
            await filter_applied(pilot)
            *others, theirs = listed(app).list.rows
            assert others
            assert not any(session.fault for session in others)
            assert theirs.fault == f"{folder / 'theirs.jsonl'} cannot be read: permission denied"


async def test_enter_resumes_the_highlighted_session(build: Build) -> None:
    opened: list[str | None] = []
    session = ScriptedSession()

    def open_handle(session_id: str | None) -> ScriptedSession:
        opened.append(session_id)
        return session

    app = build(open_handle=open_handle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        await filter_applied(pilot)
        marked = listed(app).chosen_row
        assert marked is not None
        await pilot.press("enter")
        await settle(pilot)
        assert app.screen is app.session_screen
        assert opened == [None, marked.id]


async def test_rename(build: Build, folder: Path) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        await pilot.press("f2", "ctrl+u", *"Eggs", "enter")
        await settle(pilot)
        await filter_applied(pilot)
        titles = {session.title for session in listed(app).list.rows}
        assert "Eggs" in titles
    assert any(session.title == "Eggs" for session in catalog.list_sessions(folder))


async def test_a_fork_is_another_session(build: Build, folder: Path) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        await pilot.press("ctrl+k")
        await settle(pilot)
        assert app.screen is app.session_screen
    assert files(folder, "jsonl") == 3


async def test_the_reader_shows_prunings_and_resumes(build: Build, folder: Path) -> None:
    app = build()
    path = folder / "v1-kyoto-in-april.jsonl"
    results: list[ResumeRequest | None] = []
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        app.push_screen(ReaderScreen(app.options, app.key_table, path), results.append)
        await settle(pilot)
        transcript = app.screen.query_one(Transcript)
        assert transcript.document.height > 100
        ids = {c.id for c in load(path).ledger.compactions if c.stage == "confirmed"}
        assert any(transcript.document.find(one) for one in ids)
        await pilot.press("ctrl+o")
        await settle(pilot)
    opened = load(path).ledger.opened
    assert opened is not None
    assert [result and result.session_id for result in results] == [opened.id]


async def test_the_reader_says_that_enter_plays_where_sound_was_recorded(
    build: Build, folder: Path
) -> None:
    app = build()
    path = folder / "v1-kyoto-in-april.jsonl"
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for recorded in (False, True):
            if recorded:
                path.with_suffix(".flac").touch()
            reader = ReaderScreen(app.options, app.key_table, path)
            app.push_screen(reader)
            await settle(pilot)
            assert ("Enter play" in reader.query_one(KeyHintsLine).render_line(0).text) == recorded


async def test_the_reader_finds_words(build: Build, folder: Path) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        reader = ReaderScreen(app.options, app.key_table, folder / "v1-kyoto-in-april.jsonl")
        app.push_screen(reader)
        await settle(pilot)
        footer = reader.query_one(KeyHintsLine)
        await pilot.press("slash", *"shellfish")
        await settle(pilot)
        assert "Enter go from hit to hit" in footer.render_line(0).text
        await pilot.press("enter")
        await settle(pilot)
        assert "n N next hit" in footer.render_line(0).text
        transcript = reader.query_one(Transcript)
        newest = transcript.cursor
        assert newest is not None
        assert transcript.hits_shown.startswith(transcript.hits_shown.split(" of ")[1].split()[0])
        await pilot.press("n")
        await settle(pilot)
        assert transcript.hits_shown.startswith("1 of ")
        await pilot.press("N")
        await settle(pilot)
        assert transcript.cursor == newest
        await pilot.press("escape")
        await settle(pilot)
        assert not transcript.searches
        assert "n N" not in footer.render_line(0).text
        assert app.screen is reader
        await pilot.press("escape")
        await settle(pilot)
        assert app.screen is app.session_screen


async def test_a_broken_journal_is_an_error(build: Build, folder: Path) -> None:
    broken = folder / "broken.jsonl"
    broken.write_text("hello")
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        app.push_screen(ReaderScreen(app.options, app.key_table, broken))
        await settle(pilot)
        notice = app.screen.query_one("#trouble").notice
        assert "is not a saved session" in notice.text
        assert notice.severity == "error"


async def test_search_finds_while_typing_and_opens_the_turn(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+f", *"shellfish")
        await filter_applied(pilot)
        assert isinstance(app.screen, SearchScreen)
        hit = listed(app).chosen_row
        assert hit is not None
        assert "shellfish" in hit.excerpt.casefold()
        assert "shellfish" in lit_words(app.screen.query_one("#preview", Transcript))
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, ReaderScreen)
        chosen = app.screen.query_one(Transcript).chosen
        assert chosen is not None
        assert chosen.id == hit.turn
        assert "shellfish" in lit_words(app.screen.query_one(Transcript))
        await pilot.press("n")
        await settle(pilot)
        assert app.screen.query_one(Transcript).cursor != hit.turn
        await pilot.press("escape")
        await settle(pilot)
        assert isinstance(app.screen, SearchScreen)


async def test_a_journal_written_meanwhile_is_found_without_another_key(
    build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index is updated after the first search; new hits join, the highlight stays."""
    may_run, running = threading.Event(), threading.Event()
    update_index = search.update_index
    update_index(folder, lambda: False)

    def late(folder: Path, stop: Callable[[], bool]) -> bool:
        running.set()
        assert may_run.wait(30)
        return update_index(folder, stop)

    monkeypatch.setattr(search, "update_index", late)
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+f", *"shellfish")
        assert await asyncio.to_thread(running.wait, 30)
        screen = listed(app)
        assert isinstance(screen, SearchScreen)
        await until(
            pilot, lambda: screen.results[0] == "shellfish" and screen.chosen_row is not None
        )
        before = len(screen.results[1])
        await pilot.press("down")
        highlighted = screen.chosen_row
        journal = screen.folder / "another.jsonl"
        journal.write_text(
            '{"event":"session_opened","id":"another","started":"2026-11-20T10:00:00+00:00",'
            '"backend":"local","model":"m"}\n'
            '{"event":"text_submitted","at":1,"item_id":"x","text":"shellfish, shellfish"}\n'
        )
        may_run.set()
        await until(pilot, lambda: len(screen.results[1]) > before)
        assert [hit.id for hit in screen.results[1]].count("another") == 1
        now = screen.chosen_row
        assert highlighted is not None
        assert now is not None
        assert now.place == highlighted.place
        assert (screen.list.highlighted or 0) > 0


async def test_typing_continues_while_a_search_is_slow(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The late hits of an earlier query are not shown."""
    answer, asked = threading.Event(), list[str]()
    real = search.search

    def slow(folder: Path, text: str, **more: Any) -> list[search.Hit]:
        asked.append(text)
        if text == "shell":
            assert answer.wait(30)
        return real(folder, text, **more)

    monkeypatch.setattr(search, "search", slow)
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+f", *"shell")
        await until(pilot, lambda: "shell" in asked)
        screen = app.screen
        assert isinstance(screen, SearchScreen)
        await pilot.press(*"zzz")
        assert screen.query_one(Input).value == "shellzzz"
        await until(pilot, lambda: screen.results[0] == "shellzzz")
        answer.set()
        await settle(pilot)
        assert screen.results == ("shellzzz", [])


async def test_a_search_without_hits(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+f", *"zzzzqq")
        await filter_applied(pilot)
        assert listed(app).chosen_row is None
        assert "nothing found" in listed(app).list.render_line(1).text


async def test_the_whole_session_is_copied(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        app.dialogs.copy_session()
        await settle(pilot)
        assert "shellfish" in app.clipboard


async def test_an_empty_folder_says_so(build: Build, tmp_path: Path) -> None:
    app = build(lambda session: session.deliver(*session_opened()), sessions=tmp_path / "nothing")
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        assert "no saved sessions" in listed(app).list.render_line(1).text


@pytest.mark.parametrize(
    ("started", "shown"),
    [
        ("2026-04-20T09:05:00+00:00", "today 09:05"),
        ("2026-04-19T23:05:00+00:00", "yesterday 23:05"),
        ("2026-04-04T12:41:00+00:00", "Sat 4 April 12:41"),
        ("2025-12-31T12:41:00+00:00", "Wed 31 December 2025 12:41"),
        ("once", "no date"),
    ],
)
def test_days(started: str, shown: str) -> None:
    assert day(started) == shown
