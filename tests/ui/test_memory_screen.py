"""The memory screen: facts are corrected, added, deleted and pinned, here and in the reader."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from tests.ui.conftest import RECORDED, AppUnderTest, Build, settle
from tui_voice.conversation import events as e
from tui_voice.conversation.memory import KeptFact, read_memory
from tui_voice.store.reading import load
from tui_voice.ui.fact_rows import OTHER, FactRow
from tui_voice.ui.options import ExitSummary
from tui_voice.ui.screens.memory import MemoryScreen
from tui_voice.ui.screens.reader import ReaderScreen
from tui_voice.ui.widgets.fact_list import FactList
from tui_voice.ui.widgets.footer import KeyHintsLine
from tui_voice.ui.widgets.memory_panel import MemoryPanel

SHELLFISH = "Shellfish never: allergic."


def lines_of(app: AppUnderTest) -> list[str]:
    facts = app.screen.query_one(FactList)
    return [facts.render_line(y).text.strip() for y in range(facts.size.height)]


async def open_memory(pilot: Pilot[ExitSummary], *keys: str) -> MemoryScreen:
    await settle(pilot)
    for key in ("f5", *keys):
        await pilot.press(key)
        await settle(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, MemoryScreen)
    return screen


def facts_on_the_server(app: AppUnderTest) -> str:
    """Returns the memory as the newest item that was sent has it."""
    return app.scripted.snapshot.ledger.memory


@pytest.mark.parametrize(("count", "end"), [(1, "…"), (3, "… 2 more")])
async def test_the_panel_says_that_a_long_fact_goes_on(build: Build, count: int, end: str) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        panel = app.session_screen.query_one(MemoryPanel)
        panel.facts = (FactRow("", "other", "a word " * 400),) * count
        await settle(pilot)
        lines = [panel.render_line(y).text.strip() for y in range(panel.size.height)]
    assert lines[-1] == end
    assert all(lines)


async def test_facts_stand_under_their_kinds_and_those_shortened_last_come_first(
    build: Build,
) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await open_memory(pilot)
        shown = lines_of(app)
        headings = ["prohibitions and limits", "people and facts", "to-dos", "decisions"]
        assert [line for line in shown if line in headings] == headings
        assert screen.query_one(FactList).chosen is not None
        assert str(screen.query_one("#heading", Static).render()) == "memory · 5 facts"


async def test_a_memory_without_headings_shows_none(build: Build) -> None:
    app = build()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_memory(pilot)
        screen.query_one(FactList).show((FactRow("", OTHER, "Trip to Kyoto."),))
        await settle(pilot)
        assert [line for line in lines_of(app) if line] == ["› · Trip to Kyoto."]


async def test_a_fact_is_corrected_in_place_and_its_old_text_stays_as_a_trace(
    build: Build,
) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await open_memory(pilot, "enter", "backspace", *" now", "enter")
        new = SHELLFISH[:-1] + " now"
        change = e.FactChanged(kind="prohibitions_and_limits", before=SHELLFISH, after=new)
        assert app.scripted.posted == [change]
        assert new in facts_on_the_server(app)
        assert any(f"corrected by you, was: {SHELLFISH}" in line for line in lines_of(app))


async def test_a_fact_is_added_to_another_kind_deleted_and_put_back(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await open_memory(pilot, "a", "tab", "tab", *"Call Ada.", "enter")
        added = app.scripted.posted[-1]
        assert isinstance(added, e.FactChanged)
        assert (added.kind, added.after) == ("to_dos", "Call Ada.")
        chosen = screen.query_one(FactList).chosen
        assert chosen is not None
        assert chosen.text == "Call Ada."
        await pilot.press("d")
        await settle(pilot)
        assert "Ada" not in facts_on_the_server(app)
        await pilot.press("u")
        await settle(pilot)
        assert "- Call Ada." in facts_on_the_server(app)


async def test_a_pin_is_told_by_a_sign_and_a_word(build: Build) -> None:
    app = build()
    async with app.run_test(size=(120, 36)) as pilot:
        await open_memory(pilot, "down", "p")
        (fact,) = app.scripted.snapshot.ledger.facts
        assert fact == KeptFact("prohibitions_and_limits", "No plans on Sundays.", pinned=True)
        assert any("◆ No plans on Sundays." in line for line in lines_of(app))
        footer = app.screen.query_one(KeyHintsLine)
        assert "p unpin" in footer.render_line(0).text
        await pilot.press("p")
        await settle(pilot)
        assert "p pin" in footer.render_line(0).text
        assert app.scripted.snapshot.ledger.facts == ()


async def test_escape_cancels_the_editing_then_closes_the_screen(build: Build) -> None:
    app = build()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_memory(pilot, "e", *"xyz", "escape")
        assert app.screen is screen
        assert app.scripted.posted == []
        await pilot.press("escape")
        await settle(pilot)
        assert app.screen is app.session_screen


async def test_without_a_memory_the_first_fact_can_be_added(build: Build) -> None:
    app = build(lambda _session: None)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_memory(pilot, "d", "p", "e", "a", *"I am Bo.", "enter")
        assert facts_on_the_server(app) == "People and facts:\n- I am Bo."


async def test_a_replay_can_only_be_read(build: Build) -> None:
    app = build(sound=False, live=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await open_memory(pilot, "d", "p", "e", "a")
        assert app.scripted.posted == []


@pytest.mark.parametrize("size", [(120, 36), (40, 10)])
async def test_the_reader_changes_the_facts_of_a_saved_session(
    build: Build, folder: Path, size: tuple[int, int]
) -> None:
    path = folder / "v1-kyoto-in-april.jsonl"
    shutil.copy(RECORDED / path.name, path)
    before = read_memory(load(path).ledger.memory)
    assert before
    app = build()
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        app.push_screen(ReaderScreen(app.options, app.key_table, path))
        await settle(pilot)
        await app.workers.wait_for_complete()
        for key in ("f5", "a", *"Call Ada.", "enter", "p"):
            await pilot.press(key)
            await settle(pilot)
    ledger = load(path).ledger
    assert "Call Ada." in {entry.text for entry in read_memory(ledger.memory)}
    assert [fact.text for fact in ledger.facts if fact.pinned] == ["Call Ada."]
