"""Jump mode: a letter at every part and key; typing it goes there, every other key leaves."""

from __future__ import annotations

import pytest

from tests.ui.conftest import AppUnderTest, Build, settle
from tests.ui.session_screen_harness import idle
from tui_voice.conversation import events as e
from tui_voice.ui.screens.help import HelpScreen
from tui_voice.ui.screens.jump import JumpScreen
from tui_voice.ui.screens.sessions import SessionsScreen
from tui_voice.ui.widgets.footer import KeyHintsLine


def letters(app: AppUnderTest) -> dict[str, tuple[int, int]]:
    """Letter → where it is drawn."""
    assert isinstance(app.screen, JumpScreen)
    return {str(label.render()).strip(): label.region.offset for label in app.screen.children}


def letter_at(app: AppUnderTest, offset: tuple[int, int]) -> str:
    return next(letter for letter, at in letters(app).items() if at == offset)


async def test_there_is_a_letter_at_every_part_and_key(build: Build) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        screen, footer = app.session_screen, app.query_one(KeyHintsLine)
        await pilot.press("f6")
        await settle(pilot)
        parts = [part.region.offset for part in screen.focus_chain]
        keys = [(at, footer.region.y) for at, action, _, _ in footer.shown if action]
        assert list(letters(app).values()) == [*parts, *keys]
        assert len(parts) >= 4
        assert len(keys) > 4
        drawn = app.screen._compositor.render_strips()
        names = [key for _, action, key, _ in footer.shown if action]
        for (letter, (x, y)), name in zip(
            letters(app).items(), ["   "] * len(parts) + names, strict=True
        ):
            assert drawn[y].crop(x, x + len(name)).text == letter.center(len(name))
        for _, _, _, word in footer.shown:
            assert f" {word}" in drawn[footer.region.y].text, "a letter hides a word"


@pytest.mark.parametrize("part", ["#transcript", "#log", "#memory", "#prompt"])
async def test_a_letter_goes_to_a_part(build: Build, part: str) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        widget = app.session_screen.query_one(part)
        await pilot.press("f6")
        await settle(pilot)
        await pilot.press(letter_at(app, widget.region.offset))
        await settle(pilot)
        assert app.screen is app.session_screen
        assert app.session_screen.focused is widget
        assert (app.session_screen.transcript.cursor is not None) == (part == "#transcript")
        assert app.session_screen.prompt.value == ""
        assert app.scripted.posted == []


async def test_a_letter_presses_a_key(build: Build) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        footer = app.query_one(KeyHintsLine)
        for action in ("talk", "help"):
            at = {action: column for column, action, _, _ in footer.shown}
            await pilot.press("f6")
            await settle(pilot)
            await pilot.press(letter_at(app, (at[action], footer.region.y)))
            await settle(pilot)
        assert app.scripted.posted == [e.TalkPressed()]
        assert isinstance(app.screen, HelpScreen)


@pytest.mark.parametrize("key", ["escape", "1", "enter", "f6", "space"])
async def test_every_other_key_leaves(build: Build, key: str) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("f6")
        await settle(pilot)
        await pilot.press(key, *"then")
        await settle(pilot)
        assert app.screen is app.session_screen
        assert app.session_screen.prompt.value == "then"
        assert app.scripted.posted == []


async def test_jump_mode_over_the_list_of_sessions(build: Build) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+r")
        await settle(pilot)
        screen = app.screen
        assert isinstance(screen, SessionsScreen)
        footer, order = screen.query_one(KeyHintsLine), screen.order
        at = {action: column for column, action, _, _ in footer.shown}
        await pilot.press("f6")
        await settle(pilot)
        await pilot.press(letter_at(app, (at["order"], footer.region.y)))
        await settle(pilot)
        assert app.screen is screen
        assert screen.order != order
