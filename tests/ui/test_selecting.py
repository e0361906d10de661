"""Words of the talk are selected by mouse, and copied as they were said."""

from __future__ import annotations

from textual.geometry import Offset
from textual.pilot import Pilot

from tests.ui.conftest import Build, settle
from tests.ui.scripted import ScriptedDoor, opened
from tui_voice.conversation import events as e
from tui_voice.ui.app import VoiceApp
from tui_voice.ui.options import ExitSummary
from tui_voice.ui.widgets.footer import KeyLine
from tui_voice.ui.widgets.transcript import Transcript

LONG = "one two three four five six seven eight nine ten " * 6
"""More than one line of the page."""


def said(door: ScriptedDoor) -> None:
    door.tell(
        *opened(),
        e.TextSubmitted(at=1.0, item_id="u1", text="Where 漢字 are"),
        e.TextSubmitted(at=2.0, item_id="u2", text=LONG.strip()),
    )


def at(app: VoiceApp, word: str, after: int = 0) -> Offset:
    """The cell of a word on the page."""
    page = app.query_one(Transcript)
    for y in range(page.size.height):
        text = page.render_line(y).text
        if word in text:
            return Offset(text.index(word) + after, y)
    raise AssertionError(f"{word} is not to be seen")


async def drag(pilot: Pilot[ExitSummary], start: Offset, end: Offset) -> None:
    await pilot.mouse_down(Transcript, offset=start)
    await pilot.hover(Transcript, offset=end)
    await pilot.mouse_up(Transcript, offset=end)
    await settle(pilot)


async def test_what_is_dragged_over_is_copied_without_the_breaks_of_the_page(build: Build) -> None:
    app = build(said)
    async with app.run_test(size=(80, 30)) as pilot:
        await settle(pilot)
        first = at(app, "three")
        await drag(pilot, first, Offset(4 + len("xxx"), first.y + 2))
        assert app.talk.transcript.cursor is None  # the end of a drag is no click
        copied = app.screen.get_selected_text()
        assert copied is not None
        assert copied in LONG
        assert "\n" not in copied
        assert copied.startswith("three four")
        await pilot.press("ctrl+c")
        assert app.clipboard == copied


async def test_more_than_one_turn_says_who(build: Build) -> None:
    app = build(said)
    async with app.run_test(size=(80, 30)) as pilot:
        await settle(pilot)
        await drag(pilot, at(app, "are"), at(app, "two", -2))
        assert ("copy", "c", "copy selection") in app.query_one(KeyLine).hints
        await pilot.press("c")
        await settle(pilot)
        assert app.clipboard == "you: are\n\nyou: one"


async def test_two_clicks_select_a_turn_and_one_lets_go(build: Build) -> None:
    app = build(said)
    async with app.run_test(size=(80, 30)) as pilot:
        await settle(pilot)
        place = at(app, "Where")
        await pilot.click(Transcript, offset=place, times=2)
        await settle(pilot)
        assert app.screen.get_selected_text() == "Where 漢字 are"
        page = app.query_one(Transcript)
        reversed_ = [
            segment.text
            for segment in page.render_line(place.y)
            if segment.style and segment.style.reverse
        ]
        assert "".join(reversed_) == "Where 漢字 are"
        await pilot.click(Transcript, offset=at(app, "one two"))
        await settle(pilot)
        assert app.screen.get_selected_text() is None


async def test_a_selection_stays_on_its_words_while_others_come(build: Build) -> None:
    app = build(said)
    async with app.run_test(size=(80, 14)) as pilot:
        await settle(pilot)
        await drag(pilot, at(app, "one two"), at(app, "three", -2))
        for number in range(30):
            app.scripted.tell(e.TextSubmitted(at=3.0 + number, item_id=f"x{number}", text="more"))
        await settle(pilot)
        assert app.screen.get_selected_text() == "one two"
