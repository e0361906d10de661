"""Text of the transcript is selected by mouse, and copied without the breaks of the screen."""

from __future__ import annotations

from textual.geometry import Offset
from textual.pilot import Pilot

from tests.ui.conftest import Build, settle
from tests.ui.scripted_session_harness import ScriptedSession, session_opened
from tui_voice.conversation import events as e
from tui_voice.ui.app import VoiceApp
from tui_voice.ui.options import ExitSummary
from tui_voice.ui.widgets.footer import KeyHintsLine
from tui_voice.ui.widgets.transcript import Transcript

LONG = "one two three four five six seven eight nine ten " * 6
"""More than one line of the screen."""


def two_turns(session: ScriptedSession) -> None:
    session.deliver(
        *session_opened(),
        e.TextSubmitted(at=1.0, item_id="u1", text="Where 漢字 are"),
        e.TextSubmitted(at=2.0, item_id="u2", text=LONG.strip()),
    )


def at(app: VoiceApp, word: str, after: int = 0) -> Offset:
    """Returns the cell at which a word begins, moved by `after` columns."""
    transcript = app.query_one(Transcript)
    for y in range(transcript.size.height):
        text = transcript.render_line(y).text
        if word in text:
            return Offset(text.index(word) + after, y)
    raise AssertionError(f"{word} is not on the screen")


async def drag(pilot: Pilot[ExitSummary], start: Offset, end: Offset) -> None:
    await pilot.mouse_down(Transcript, offset=start)
    await pilot.hover(Transcript, offset=end)
    await pilot.mouse_up(Transcript, offset=end)
    await settle(pilot)


async def test_selected_text_has_no_line_breaks_of_the_screen(build: Build) -> None:
    app = build(two_turns)
    async with app.run_test(size=(80, 30)) as pilot:
        await settle(pilot)
        first = at(app, "three")
        await drag(pilot, first, Offset(4 + len("xxx"), first.y + 2))
        assert app.session_screen.transcript.cursor is None  # the end of a drag is no click
        copied = app.screen.get_selected_text()
        assert copied is not None
        assert copied in LONG
        assert "\n" not in copied
        assert copied.startswith("three four")
        await pilot.press("ctrl+c")
        assert app.clipboard == copied


async def test_a_selection_of_two_turns_names_the_speakers(build: Build) -> None:
    app = build(two_turns)
    async with app.run_test(size=(80, 30)) as pilot:
        await settle(pilot)
        await drag(pilot, at(app, "are"), at(app, "two", -2))
        assert ("copy", "c", "copy selection") in app.query_one(KeyHintsLine).hints
        await pilot.press("c")
        await settle(pilot)
        assert app.clipboard == "you: are\n\nyou: one"


async def test_a_double_click_selects_a_turn_and_a_click_clears_it(build: Build) -> None:
    app = build(two_turns)
    async with app.run_test(size=(80, 30)) as pilot:
        await settle(pilot)
        place = at(app, "Where")
        await pilot.click(Transcript, offset=place, times=2)
        await settle(pilot)
        assert app.screen.get_selected_text() == "Where 漢字 are"
        transcript = app.query_one(Transcript)
        reversed_ = [
            segment.text
            for segment in transcript.render_line(place.y)
            if segment.style and segment.style.reverse
        ]
        assert "".join(reversed_) == "Where 漢字 are"
        await pilot.click(Transcript, offset=at(app, "one two"))
        await settle(pilot)
        assert app.screen.get_selected_text() is None


async def test_a_selection_stays_on_its_words_while_turns_arrive(build: Build) -> None:
    app = build(two_turns)
    async with app.run_test(size=(80, 14)) as pilot:
        await settle(pilot)
        await drag(pilot, at(app, "one two"), at(app, "three", -2))
        for number in range(30):
            app.scripted.deliver(
                e.TextSubmitted(at=3.0 + number, item_id=f"x{number}", text="more")
            )
        await settle(pilot)
        assert app.screen.get_selected_text() == "one two"
