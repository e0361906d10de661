"""Each key of the key table in each part of each screen: it acts, or it types, or nothing happens.

One application serves all keys of a part: after each key everything is as it was before.
"""

from __future__ import annotations

from typing import Any

import pytest
from textual.binding import Binding
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from tests.ui.conftest import AppUnderTest, Build, settle
from tests.ui.scripted_session_harness import kyoto_session
from tests.ui.session_screen_harness import idle
from tui_voice.ui.keys import LIST_ACTIONS, LOG, READER, SEARCH, SESSION, SESSIONS, KeyAction
from tui_voice.ui.options import ExitSummary
from tui_voice.ui.screen_table import key_actions
from tui_voice.ui.screens.list_screen import ListScreen
from tui_voice.ui.screens.sessions import SessionsScreen
from tui_voice.ui.widgets.find_bar import FindBar
from tui_voice.ui.widgets.notice import NoticeLine
from tui_voice.ui.widgets.transcript import Transcript

SIZE = (120, 24)
"""Columns and rows: wide enough for the side panels, and drawn in half the time of 120×36."""
ACTIONS = (*key_actions(), *LIST_ACTIONS)
PARTS = ("prompt", "typed", "transcript", "log", "memory")
"""Parts of the session screen; `typed`: the prompt with a text in it."""

NOTHING_TO_DO = {("select", "transcript")}
"""Keys that begin what has begun already."""


def keys_in(place: str) -> list[KeyAction]:
    """The actions whose key works in a screen; to quit ends the application."""
    return [action for action in ACTIONS if place in action.places and action.id != "quit"]


def appearance(app: AppUnderTest) -> list[Any]:
    """What a key may change."""
    screen, session = app.screen, app.session_screen
    transcripts = [
        (one.cursor, one.scroll_offset, one.searches, one._lines.raw)
        for one in screen.query(Transcript)
    ]
    found: list[Any] = [
        screen,
        screen.focused,
        list(app.scripted.posted),
        app.scripted.closed,
        app.clipboard,
        session.prompt.value,
        session.classes,
        transcripts,
        [line.value for line in screen.query(Input)],
        [line.shown for line in screen.query(NoticeLine)],
    ]
    if isinstance(screen, ListScreen):
        found += [list(screen.list.rows), screen.list.highlighted]
    if isinstance(screen, SessionsScreen):
        found.append(screen.order)
    return found


async def begin(pilot: Pilot[ExitSummary], app: AppUnderTest, part: str) -> None:
    """Makes everything as it was, with the focus in one part of the session screen."""
    while app.screen is not app.session_screen:
        app.pop_screen()
        await settle(pilot)
    screen = app.session_screen
    screen.parts.panel = None
    screen._set_size_classes(*app.size)
    screen.back_to_prompt()
    screen.prompt.value = "half" if part == "typed" else ""
    screen.prompt.commands.close()
    widgets = {"log": "#log", "memory": "#memory", "transcript": "#transcript"}
    screen.focus_part(screen.query_one(widgets.get(part, "#prompt")))
    await settle(pilot)
    app.scripted.posted.clear()
    app.scripted.closed = False


@pytest.mark.parametrize(
    ("part", "state"), [*((part, "idle") for part in PARTS), ("transcript", "speaking")]
)
async def test_the_keys_of_the_session_screen(build: Build, part: str, state: str) -> None:
    app = build(idle if state == "idle" else kyoto_session)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        acts = True
        for action in keys_in(SESSION):
            if acts:
                await begin(pilot, app, part)
            screen = app.session_screen
            works, before = screen.works(action.id), appearance(app)
            typed = screen.prompt.value
            await pilot.press(action.key)
            await settle(pilot)
            acts = appearance(app) != before
            where = f"{action.key} ({action.id}) in {part}"
            is_letter = len(action.key) == 1
            if is_letter and not (part == "transcript" and works):
                assert screen.prompt.value == typed + action.key, f"{where} does not type"
                assert screen.typing, where
            elif works and part != "typed" and (action.id, part) not in NOTHING_TO_DO:
                assert acts, f"{where} does nothing"
        assert app.failure is None


@pytest.mark.parametrize("text", ["", "one line", "one\ntwo\nthree", "pasted\n" * 9])
async def test_textuals_own_keys_in_the_prompt(build: Build, text: str) -> None:
    """Each action of a text field, with the cursor at the beginning, in the middle, at the end."""
    app = build(idle)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        prompt = app.session_screen.prompt
        actions = [binding.action for binding in TextArea.BINDINGS if isinstance(binding, Binding)]
        assert "delete_to_end_of_line_or_delete_line" in actions
        for action in actions:
            for part in (0.0, 0.5, 1.0):
                prompt.value = text
                at = round(len(prompt.text) * part)
                prompt.move_cursor(prompt.document.get_location_from_index(at))
                await prompt.run_action(action)
        await settle(pilot)
        assert app.failure is None


async def open_screen(pilot: Pilot[ExitSummary], app: AppUnderTest, place: str) -> None:
    """Opens a list or the reader, with a row or a turn to act on."""
    await begin(pilot, app, "prompt")
    keys = {
        SESSIONS: ("ctrl+r",),
        SEARCH: ("ctrl+f", *"egg"),
        READER: ("ctrl+r", "ctrl+o"),
        LOG: ("f8",),
    }[place]
    for key in keys:
        await pilot.press(key)
        await settle(pilot)  # a thread reads the rows of a list
    if place == READER:
        await pilot.press("up")
        await settle(pilot)


@pytest.mark.parametrize("place", [SESSIONS, SEARCH, READER, LOG])
async def test_the_keys_of_the_other_screens(
    build: Build, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("send2trash.send2trash", lambda _path: None)
    app = build(idle)
    journal = next(iter(app.options.sessions.glob("*eggs*"))) if app.options.sessions else None
    assert journal is not None
    app.scripted.path = journal
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await settle(pilot)
        for action in keys_in(place):
            await open_screen(pilot, app, place)
            if action.id == "undo":
                await pilot.press("ctrl+d")
                await settle(pilot)
            before = appearance(app)
            await pilot.press(action.key)
            await settle(pilot)
            acts = appearance(app) != before
            needs_code = action.id == "copy_code"
            assert acts or needs_code, f"{action.key} ({action.id}) does nothing in {place}"
            assert app.session_screen.prompt.value == ""
        assert app.failure is None


@pytest.mark.parametrize("place", [SESSIONS, SEARCH, LOG])
async def test_a_letter_filters_in_every_list(build: Build, place: str) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        await open_screen(pilot, app, place)
        filter_line = app.screen.query_one("#filter", Input)
        filter_line.value = ""
        await pilot.press(*"pcyrqnh")
        await settle(pilot)
        assert filter_line.value == "pcyrqnh"


async def test_letters_are_text_while_words_are_typed_to_be_found(build: Build) -> None:
    app = build(idle)
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        for keys in ((), ("ctrl+r", "ctrl+o")):
            for key in keys:
                await pilot.press(key)
                await settle(pilot)
            await pilot.press("ctrl+g", *"pcyrqn")
            await settle(pilot)
            assert app.screen.query_one(FindBar).query_one(Input).value == "pcyrqn"
            await pilot.press("escape")
            await settle(pilot)
        assert app.scripted.posted == []


@pytest.mark.parametrize("action", [action for action in ACTIONS if action.id != "quit"])
def test_no_key_is_used_twice_in_one_screen(action: KeyAction) -> None:
    for place in action.places:
        same = [other.id for other in keys_in(place) if other.key == action.key]
        assert same == [action.id], place
