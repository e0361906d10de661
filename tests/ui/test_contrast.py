"""Every text can be read in every theme: its contrast is at least 4.5.

`test_snapshots.py` measures that of every screen in our own themes, dark and light.
"""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from tests.ui.conftest import Build, settle
from tests.ui.contrast_harness import unreadable
from tui_voice.ui.theme import contrast


async def test_every_text_can_be_read_in_borrowed_themes(build: Build) -> None:
    app = build()
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
                if bad := unreadable(app, app.export_screenshot()):
                    found[key, theme] = bad
        assert found == {}


def test_the_contrast_is_that_of_wcag() -> None:
    black, white = Color(0, 0, 0), Color(255, 255, 255)
    assert contrast(black, white) == contrast(white, black) == pytest.approx(21)
    assert contrast(Color.parse("#767676"), white) == pytest.approx(4.54, abs=0.01)
