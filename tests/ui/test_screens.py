"""Saved talks, search, reading, export: over real journals in a real folder."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.conftest import Build, settle
from tests.ui.scripted import ScriptedDoor, opened
from tui_voice.store import catalog, search
from tui_voice.store.reading import load
from tui_voice.ui.screens.dialogs import Confirm
from tui_voice.ui.screens.export import FORMATS
from tui_voice.ui.screens.reader import ReaderScreen
from tui_voice.ui.screens.search import HitRows, SearchScreen
from tui_voice.ui.screens.sessions import ORDERS, SessionRows, SessionsScreen, day
from tui_voice.ui.widgets.transcript import Transcript
from tui_voice.ui.writing import MINUTES


def files(folder: Path, ending: str) -> int:
    return len(list(folder.glob(f"*.{ending}")))


async def quiet_for(pilot: object) -> None:
    """Past the pause that is waited for before what was typed counts."""
    screen = pilot.app.screen  # type: ignore[attr-defined]  # seen by the test itself
    if screen._timer is not None:
        await screen._timer._task
    await settle(pilot)  # type: ignore[arg-type]  # seen by the test itself


async def until(pilot: Pilot[object], true: Callable[[], object]) -> None:
    while not true():
        await pilot.pause()


async def test_all_saved_talks_with_a_preview(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        await quiet_for(pilot)
        screen = app.screen
        assert isinstance(screen, SessionsScreen)
        titles = [talk.title for talk in screen.query_one(SessionRows)._rows]
        assert "Kyoto in April" in titles
        assert screen.query_one("#preview", Transcript).document.height > 0


async def test_typing_filters_and_ctrl_t_orders(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        await pilot.press(*"kyo")
        await quiet_for(pilot)
        rows = app.screen.query_one(SessionRows)
        assert [talk.title for talk in rows._rows] == ["Kyoto in April"]
        app.screen.query_one(Input).value = ""
        await quiet_for(pilot)
        for order in (*ORDERS[1:], ORDERS[0]):
            await pilot.press("ctrl+t")
            await settle(pilot)
            assert app.screen._order == order
        assert len(rows._rows) == 2


async def test_enter_goes_on_with_the_marked_talk(build: Build) -> None:
    app = build()
    wanted: list[str | None] = []
    door = app.scripted

    def open_door(talk: str | None) -> ScriptedDoor:
        wanted.append(talk)
        return door

    app._open_door = open_door
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        await quiet_for(pilot)
        marked = app.screen.query_one(SessionRows).marked
        assert marked is not None
        await pilot.press("enter")
        await settle(pilot)
        assert app.screen is app.talk
        assert wanted == [None, marked.id]


async def test_rename(build: Build, folder: Path) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        await pilot.press("f2", "ctrl+u", *"Eggs", "enter")
        await settle(pilot)
        await quiet_for(pilot)
        titles = {talk.title for talk in app.screen.query_one(SessionRows)._rows}
        assert "Eggs" in titles
    assert any(talk.title == "Eggs" for talk in catalog.list_sessions(folder))


@pytest.mark.parametrize(("answer", "left"), [("escape", 2), ("enter", 2), ("y", 1)])
async def test_delete_asks_first(
    build: Build, folder: Path, answer: str, left: int, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        await pilot.press("ctrl+d")
        await settle(pilot)
        assert isinstance(app.screen, Confirm)
        await pilot.press(answer)
        await settle(pilot)
    assert files(folder, "jsonl") == left


async def test_a_fork_is_a_talk_of_its_own(build: Build, folder: Path) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        await pilot.press("ctrl+k")
        await settle(pilot)
        assert app.screen is app.talk
    assert files(folder, "jsonl") == 3


async def test_reading_shows_prunings_and_goes_on(build: Build, folder: Path) -> None:
    app = build()
    path = folder / "v1-kyoto-in-april.jsonl"
    results: list[object] = []
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        app.push_screen(ReaderScreen(app.options, path), results.append)
        await settle(pilot)
        page = app.screen.query_one(Transcript)
        assert page.document.height > 100
        ids = {c.id for c in load(path).ledger.compactions if c.stage == "confirmed"}
        assert any(page.document.find(one) for one in ids)
        await pilot.press("ctrl+o")
        await settle(pilot)
    assert results
    assert results[0].session_id == load(path).ledger.opened.id  # type: ignore[attr-defined,union-attr]  # seen by the test itself


async def test_what_cannot_be_read_says_so(build: Build, folder: Path) -> None:
    broken = folder / "broken.jsonl"
    broken.write_text("hello")
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        app.push_screen(ReaderScreen(app.options, broken))
        await settle(pilot)
        notice = app.screen.query_one("#trouble").notice
        assert "is not a saved session" in notice.text
        assert notice.severity == "error"


async def test_search_finds_as_one_types_and_opens_at_the_turn(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+f", *"shellfish")
        await quiet_for(pilot)
        assert isinstance(app.screen, SearchScreen)
        hit = app.screen.query_one(HitRows).marked
        assert hit is not None
        assert "shellfish" in hit.excerpt.casefold()
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, ReaderScreen)
        chosen = app.screen.query_one(Transcript).chosen
        assert chosen is not None
        assert chosen.id == hit.turn
        await pilot.press("escape")
        await settle(pilot)
        assert isinstance(app.screen, SearchScreen)


async def test_what_others_write_meanwhile_is_found_without_another_key(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full look runs beside the quick search; its finds join, and the mark stays where it is."""
    may_look, looked = threading.Event(), threading.Event()
    update_index = search.update_index

    def late(folder: Path, stop: Callable[[], bool]) -> bool:
        looked.set()
        assert may_look.wait(30)
        return update_index(folder, stop)

    monkeypatch.setattr(search, "update_index", late)
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+f", *"shellfish")
        assert await asyncio.to_thread(looked.wait, 30)
        await until(pilot, lambda: app.screen.query_one(HitRows).marked is not None)
        screen, rows = app.screen, app.screen.query_one(HitRows)
        assert isinstance(screen, SearchScreen)
        before = len(screen._shown[1])
        await pilot.press("down")
        marked = rows.marked
        journal = screen.folder / "another.jsonl"
        journal.write_text(
            '{"event":"session_opened","id":"another","started":"2026-11-20T10:00:00+00:00",'
            '"backend":"local","model":"m"}\n'
            '{"event":"text_submitted","at":1,"item_id":"x","text":"shellfish, shellfish"}\n'
        )
        may_look.set()
        await until(pilot, lambda: len(screen._shown[1]) > before)
        assert [hit.id for hit in screen._shown[1]].count("another") == 1
        assert marked is not None
        assert rows.marked is not None
        assert rows.marked.place == marked.place
        assert rows.cursor > 0


async def test_letters_appear_while_a_search_takes_its_time(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And an answer that is late, to what is no longer asked, is not shown."""
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
        await until(pilot, lambda: screen._shown[0] == "shellzzz")
        answer.set()
        await settle(pilot)
        assert screen._shown == ("shellzzz", [])


async def test_a_search_for_nothing(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+f", *"zzzzqq")
        await quiet_for(pilot)
        rows = app.screen.query_one(HitRows)
        assert rows.marked is None
        assert "nobody said that" in rows.render_line(1).text


def test_the_formats_are_those_that_can_be_written() -> None:
    from tui_voice.store.exporters import EXPORT_FORMATS as WRITTEN

    assert {form for form, _ in FORMATS} == {*WRITTEN, MINUTES}


async def test_export_writes_what_was_chosen(build: Build, tmp_path: Path) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+e", "down")
        await settle(pilot)
        app.screen.query_one(Input).value = str(tmp_path)
        await pilot.press("enter")
        await settle(pilot)
    assert files(tmp_path, "txt") == 1
    assert "shellfish" in (tmp_path / "kyoto-in-april.txt").read_text()


async def test_minutes_are_taken_beside_the_screen(build: Build, tmp_path: Path) -> None:
    app = build(minutes=lambda ledger: f"- Decided: {len(ledger.turns)} turns of it")
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+e", *["down"] * (len(FORMATS) - 1))
        await settle(pilot)
        app.screen.query_one(Input).value = str(tmp_path)
        await pilot.press("enter")
        await settle(pilot)
    assert "- Decided: " in (tmp_path / "kyoto-in-april-minutes.md").read_text()


async def test_where_nobody_takes_minutes_a_sentence_says_so(build: Build, tmp_path: Path) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+e", *["down"] * (len(FORMATS) - 1))
        await settle(pilot)
        app.screen.query_one(Input).value = str(tmp_path)
        await pilot.press("enter")
        await settle(pilot)
        (told,) = app._notifications
        assert "Nobody is here to write minutes" in told.message
    assert files(tmp_path, "md") == 0


async def test_copy_the_whole_talk(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        app.copy_all()
        await settle(pilot)
        assert "shellfish" in app.clipboard


async def test_an_empty_folder_says_so(build: Build, tmp_path: Path) -> None:
    app = build(lambda door: door.tell(*opened()), sessions=tmp_path / "nothing")
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        assert "no talk has been saved yet" in app.screen.query_one(SessionRows).render_line(1).text


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
