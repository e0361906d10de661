"""Containers that keep their lines show what Textual would render anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget

from tests.ui.conftest import Build, settle
from tests.ui.scripted_session_harness import kyoto_session
from tui_voice.ui.app import VoiceApp
from tui_voice.ui.widgets.kept_lines import KeepsLines


def containers(app: VoiceApp) -> Iterator[Widget]:
    for widget in app.screen.walk_children(with_self=True):
        if isinstance(widget, KeepsLines) and widget.size:
            yield widget
    yield app.session_screen.transcript.vertical_scrollbar


def looks(strip: Strip) -> list[tuple[str, object, object, bool | None]]:
    """Returns each cell with its colours; the foreground of a blank is not seen."""
    return [
        (
            cell,
            None if cell == " " and not style.reverse else style.color,
            style.bgcolor,
            style.reverse,
        )
        for text, style, _ in strip
        if style is not None
        for cell in text
    ]


async def check(pilot: Pilot[None]) -> int:
    """Compares all containers, and returns how many there are."""
    app = pilot.app
    assert isinstance(app, VoiceApp)
    await settle(pilot)
    count = 0
    for widget in containers(app):
        kept = widget.render_lines(widget.outer_size.region)
        widget._styles_cache.clear()
        rendered = Widget.render_lines(widget, widget.outer_size.region)
        assert [looks(strip) for strip in kept] == [looks(strip) for strip in rendered], widget
        count += 1
    return count


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_kept_lines_are_those_that_textual_renders(
    build: Build, size: tuple[int, int]
) -> None:
    app = build(kyoto_session)
    async with app.run_test(size=size) as pilot:
        count = await check(pilot)
        assert count >= 6
        for key in ("tab", "tab", "tab", "escape", "up"):  # the edge of each pane is lit in turn
            await pilot.press(key)
            await check(pilot)
        app.theme = "textual-light"
        await check(pilot)
        for width, height in ((100, 30), (40, 10), (60, 20), size):
            await pilot.resize_terminal(width, height)
            await check(pilot)


async def test_lines_are_rendered_once(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    app = build(kyoto_session)
    async with app.run_test(size=(120, 36)) as pilot:
        await check(pilot)
        rendered: list[Widget] = []
        real = Widget.render_lines
        monkeypatch.setattr(
            Widget, "render_lines", lambda self, crop: rendered.append(self) or real(self, crop)
        )
        for widget in containers(app):
            widget.render_lines(widget.outer_size.region)
        assert not [widget for widget in rendered if isinstance(widget, KeepsLines)]
