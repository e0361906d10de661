"""Every text on every screen can be read: its contrast is at least 4.5 in every theme."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color
from textual.command import CommandList
from textual.theme import BUILTIN_THEMES

from tests.ui.conftest import AppUnderTest, Build, settle
from tests.ui.contrast_harness import ShownText, shown_texts
from tests.ui.scripted_session_harness import kyoto_session
from tests.ui.test_snapshots import SCREENS, pictures
from tui_voice.ui.theme import DARK, LEAST_CONTRAST, LIGHT, contrast

STORED = Path(__file__).parent / "__snapshots__" / "test_snapshots"
OVER_ANOTHER = {"help", "export", "focus", "setting-choice", "setting-refused", "setting-device"}
DIALOGS = {
    **{name: SCREENS[name] for name in SCREENS if name in OVER_ANOTHER},
    "palette": (kyoto_session, ("ctrl+p", *"memory")),
    "memory": (kyoto_session, ("ctrl+p", *"edit the memory", "enter")),
}
"""Screens over a dimmed one, of which only their own texts count."""


def unreadable(texts: list[ShownText]) -> list[tuple[str, str, str, float]]:
    assert len(texts) > 3
    return [
        (one.text, one.colour, one.ground, round(one.contrast, 2))
        for one in texts
        if one.contrast < LEAST_CONTRAST
    ]


def texts_of(app: AppUnderTest) -> list[ShownText]:
    """Returns the texts of the top screen, without those of the screen below it."""
    leaves = [widget for widget in app.screen.query("*") if not widget.children]
    own = [app.screen.find_widget(leaf).visible_region for leaf in leaves if leaf.region.area]
    return [
        one
        for one in shown_texts(app.export_screenshot())
        if any(region.contains(one.column, one.row) for region in own)
    ]


@pytest.mark.parametrize(
    "picture",
    [f"{screen}-{appearance}" for screen, appearance in pictures() if screen not in DIALOGS],
)
def test_every_text_of_a_stored_picture_can_be_read(picture: str) -> None:
    svg = (STORED / f"test_picture[{picture}].svg").read_text("utf-8")
    assert unreadable(shown_texts(svg)) == []


@pytest.mark.parametrize("screen", DIALOGS)
async def test_every_text_of_a_dialog_can_be_read(screen: str, build: Build) -> None:
    fill, keys = DIALOGS[screen]
    app = build(fill)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for key in keys:
            await pilot.press(key)
            await settle(pilot)
        for found in app.screen.query(CommandList):
            while not (found.option_count and found.region.height):
                await pilot.pause()
        for theme in (DARK, LIGHT):
            app.theme = theme.name
            await settle(pilot)
            assert unreadable(texts_of(app)) == []


async def test_every_text_can_be_read_in_borrowed_themes(build: Build) -> None:
    app = build(kyoto_session)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        found = {}
        for key in ("ctrl+t", "f1"):
            await pilot.press(key)
            await settle(pilot)
            for theme in BUILTIN_THEMES:
                if theme.startswith("ansi-"):
                    continue  # the terminal chooses the colours
                app.theme = theme
                await pilot.pause()
                if bad := unreadable(texts_of(app)):
                    found[key, theme] = bad
        assert found == {}


def test_the_contrast_is_that_of_wcag() -> None:
    black, white = Color(0, 0, 0), Color(255, 255, 255)
    assert contrast(black, white) == contrast(white, black) == pytest.approx(21)
    assert contrast(Color.parse("#767676"), white) == pytest.approx(4.54, abs=0.01)
