"""Keys in random order and in bursts, clicks and sizes, on all screens that they open: none ends
the app.
"""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest
from textual.errors import NoWidget
from textual.events import Key
from textual.pilot import OutOfBounds

from tests.ui.conftest import AppUnderTest, Build, settle
from tests.ui.scripted_session_harness import kyoto_session
from tests.ui.session_screen_harness import idle

KEYS = (
    *("escape", "enter", "up", "down", "left", "right", "home", "end", "pageup", "pagedown"),
    *("tab", "shift+tab", "space", "backspace", "delete", "insert", "shift+up", "shift+down"),
    *("f1", "f2", "f3", "f5", "f6", "f7", "f8", "alt+enter", "shift+enter", "ctrl+shift+k"),
    *(f"ctrl+{name}" for name in (*"abcdefghjklnoprstuvwxyz_", "home", "end", "left", "right")),
    *(f"alt+{name}" for name in (*"bfmprv", "delete")),
    *"abcdefgnprstymz/?+-019",
)
"""All but Ctrl+Q, which ends the app."""
SIZES = ((120, 36), (80, 24), (40, 10), (99, 31), (20, 6))


def press(app: AppUnderTest, key: str) -> None:
    app.post_message(Key(key, key if len(key) == 1 else " " if key == "space" else None))


@pytest.mark.parametrize("seed", range(4))
async def test_no_keys_end_the_app(
    build: Build, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("send2trash.send2trash", lambda _path: None)
    monkeypatch.chdir(tmp_path)  # into which sessions are exported
    choice = random.Random(seed)
    app = build(choice.choice([idle, kyoto_session]))
    pressed: list[str] = []
    async with app.run_test(size=choice.choice(SIZES)) as pilot:
        await settle(pilot)
        while len(pressed) < 250:
            chance = choice.random() + seed % 2  # every second one has no mouse
            if chance < 0.02:
                at = choice.randrange(app.size.width), choice.randrange(app.size.height)
                pressed.append(f"click {at}")
                with suppress(NoWidget, OutOfBounds):  # the screen is not drawn yet
                    await pilot.click(offset=at, times=choice.choice([1, 2]))
            elif chance < 0.03:
                size = choice.choice(SIZES)
                pressed.append(f"resize {size}")
                await pilot.resize_terminal(*size)
            else:
                pressed.append(choice.choice(KEYS))
                press(app, pressed[-1])
            if choice.random() < 0.3:
                await pilot.pause()
                assert app.failure is None, pressed
        await settle(pilot)
    assert app.failure is None, pressed


@pytest.mark.parametrize("keys", [("r", "pageup"), ("pagedown",), ("e", "backspace", "pageup")])
async def test_a_page_of_the_palette_before_it_is_drawn(
    build: Build, keys: tuple[str, ...]
) -> None:
    app = build(idle)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for key in ("ctrl+p", *keys):
            press(app, key)
        await settle(pilot)
    assert app.failure is None


async def test_a_screen_that_closes_late_closes_no_other_one(build: Build) -> None:
    app = build(kyoto_session)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for key in ("ctrl+r", "f1"):
            press(app, key)
            await settle(pilot)
        sessions, help_screen = app.screen_stack[-2:]
        sessions.dismiss(None)  # as a click on its footer that is handled now
        await settle(pilot)
        assert app.screen is help_screen
        press(app, "escape")
        await settle(pilot)
        sessions.dismiss(None)
        sessions.dismiss(None)
        await settle(pilot)
        assert app.screen is app.session_screen
    assert app.failure is None
