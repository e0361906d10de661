"""The part of the screen that has the focus: its edge is lit, and the footer shows its keys."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.widget import Widget

from tests.ui.conftest import AppUnderTest, Build, settle
from tests.ui.session_screen_harness import TABS, hints, idle
from tui_voice.ui.widgets.footer import KeyHintsLine

EDGES = {
    "prompt": "#entry",
    "transcript": "#page",
    "pruning log": "#log-pane",
    "memory": "#memory-pane",
}


def is_lit(app: AppUnderTest, part: Widget) -> bool:
    """Whether the left edge of a part is drawn in the user's colour."""
    colour = Color.parse(app.get_css_variables()["user"])
    x, y, *_ = part.region
    strips = app.screen._compositor.render_strips()
    edge = next(iter(strips[y].crop(x, x + 1)))
    return edge.text.strip() != "" and edge.style.color.triplet == colour.rich_color.triplet


@pytest.mark.parametrize("place", TABS)
@pytest.mark.parametrize("appearance", [{}, {"theme": "tui-voice-light"}, {"ascii": True}])
async def test_the_edge_of_the_focused_part_is_lit(
    build: Build, place: str, appearance: dict[str, object]
) -> None:
    app = build(idle, **appearance)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press(*["tab"] * TABS[place])
        await settle(pilot)
        lit = {name for name, part in EDGES.items() if is_lit(app, app.screen.query_one(part))}
        assert lit == {place}


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("pruning log", {"choose(-1)": "choose", "open": "read it", "stop": "back"}),
        ("memory", {"open": "open", "stop": "back"}),
    ],
)
async def test_the_footer_begins_with_the_keys_of_the_focused_part(
    build: Build, place: str, shown: dict[str, str]
) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("x", *["tab"] * TABS[place])
        await settle(pilot)
        assert app.query_one(KeyHintsLine).render_line(0).text.startswith(f" {place} ")
        assert dict(list(hints(app).items())[: len(shown)]) == shown
        assert not {"send", "newline"} & set(hints(app))
        await pilot.press("escape")
        await settle(pilot)
        assert app.query_one(KeyHintsLine).mode == ""
        assert "send" in hints(app)


async def test_a_click_on_a_key_of_the_focused_part_is_the_key(build: Build) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press(*["tab"] * TABS["memory"])
        await settle(pilot)
        column = app.query_one(KeyHintsLine).render_line(0).text.index("open")
        await pilot.click("#keys", offset=(column, 0))
        await settle(pilot)
        assert app.screen is not app.session_screen


async def test_a_click_on_a_key_without_an_action_does_nothing(build: Build) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+t")
        await settle(pilot)
        column = app.query_one(KeyHintsLine).render_line(0).text.index("choose")
        await pilot.click("#keys", offset=(column, 0))
        await settle(pilot)
        assert app.session_screen.selecting
